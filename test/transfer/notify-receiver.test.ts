/** NOTIFY messages that come in: which of them are taken, what the reply is, and how they reach the control process. */
import { expect, onTestFinished, test } from 'vitest';
import { LaterByOpcode } from '#answer/later-answer.ts';
import { Responder } from '#answer/respond.ts';
import { setClientAddress, newClientAddress } from '#base/client-address.ts';
import { nameOf } from '#dns/name.ts';
import { CLASS, OPCODE, TYPE } from '#dns/types.ts';
import { openReader } from '#store/reader.ts';
import { notifyIntake } from '#control/transfer/notify-intake.ts';
import {
  NotifyReceiver,
  type ReceivedNotify,
  readReceivedNotify,
  writeReceivedNotify,
} from '#transfer/notify-receiver.ts';
import { type PassOn } from '#transfer/update-gate.ts';
import { good, temporaryControl } from '../support/temporary-control.ts';

const PARENT = `
@ 60 SOA ns host 1 3600 600 86400 60
@ 60 NS ns
ns 60 A 192.0.2.53
kid 60 NS ns.kid
ns.kid 60 A 192.0.2.54
`;

async function bench({ hasPlace = true } = {}) {
  const control = temporaryControl();
  await control.load('parent.test.', PARENT);
  await control.load('other.test.', `${PARENT}*._dsync 60 DSYNC CDS NOTIFY 5359 ns\n`);
  good(await control.run({ kind: 'delegation.set', zone: nameOf('parent.test.'), isOn: true }));
  const reader = openReader(control.dir);
  onTestFinished(() => reader.close());
  const received: (ReceivedNotify | undefined)[] = [];
  const pass: PassOn['pass'] = ({ body }) => hasPlace && received.push(readReceivedNotify(body)) > 0;
  const counting = { count: () => undefined, countAnswer: () => undefined };
  const notifies = new NotifyReceiver({ reader, handOver: { pass }, ...counting });
  const responder = new Responder(reader, { later: new LaterByOpcode(new Map([[OPCODE.NOTIFY, notifies]])) });
  responder.refresh();
  const client = newClientAddress();
  setClientAddress(client, '2001:db8::1');
  const out = Buffer.alloc(65_535);
  const send = (message: Buffer): Buffer => {
    responder.beginBatch();
    return Buffer.from(out.subarray(0, responder.respond(message, message.length, out, 'udp', client)));
  };
  return { send, received };
}

/** RFC 1996 §3.7: opcode 4, AA, one question, and (with `records`) one more section. */
function notify(name: string, type: number, qclass: number = CLASS.IN): Buffer {
  const header = Buffer.from([0xab, 0xcd, 0x24, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, nameOf(name), Buffer.from([0, type, 0, qclass])]);
}

test('RFC 9859 §4.3: NOTIFY(CDS) about a delegation of a zone with DSYNC is acknowledged and handed on', async () => {
  const { send, received } = await bench();
  const message = notify('KID.parent.test.', TYPE.CDS);
  // RFC 1996 §4.7: QR and the opcode, the same id, the same question, nothing else.
  const reply = Buffer.concat([Buffer.from([0xab, 0xcd, 0xa0, 0]), message.subarray(4)]);
  expect(send(message).toString('hex')).toBe(reply.toString('hex'));
  expect(received).toEqual([{ name: 'KID.parent.test.', type: TYPE.CDS, from: '2001:db8:0:0:0:0:0:1' }]);
});

test.for([
  ['what is no delegation', notify('ns.parent.test.', TYPE.CDS), 5],
  ['the zone itself', notify('parent.test.', TYPE.CDS), 5],
  ['a zone whose DSYNC record was put by hand', notify('kid.other.test.', TYPE.CDS), 5],
  ['a zone of others', notify('kid.elsewhere.test.', TYPE.CDS), 5],
  ['a type that no DSYNC record has', notify('kid.parent.test.', TYPE.CSYNC), 5],
  ['another class', notify('kid.parent.test.', TYPE.CDS, CLASS.CH), 5],
  ['SOA', notify('kid.parent.test.', TYPE.SOA), 4],
] as const)('NOTIFY about %s has no effect', async ([, message, rcode]) => {
  const { send, received } = await bench();
  expect(send(message)[3]! & 15).toBe(rcode);
  expect(received).toEqual([]);
});

test('RFC 6891 §6.1.1: with OPT the reply has one too; a malformed NOTIFY is FORMERR', async () => {
  const { send, received } = await bench();
  const message = notify('kid.parent.test.', TYPE.CDS);
  const opt = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
  const reply = send(Buffer.concat([message.subarray(0, 11), Buffer.of(1), message.subarray(12), opt]));
  expect(reply.readUInt16BE(10)).toBe(1);
  expect(reply.length).toBe(message.length + opt.length);
  expect(received).toHaveLength(1);
  expect(send(Buffer.concat([message, Buffer.of(0)]))[3]! & 15).toBe(1);
  expect(received).toHaveLength(1);
});

test('when there is no place on the way to control there is no reply: the sender comes again', async () => {
  const { send } = await bench({ hasPlace: false });
  expect(send(notify('kid.parent.test.', TYPE.CDS))).toHaveLength(0);
});

test('what the answer process hands on is read with care: it may have been taken over', async () => {
  const seen: string[] = [];
  const follow = notifyIntake(new Map([[TYPE.CDS, (_name, from) => void seen.push(from)]]));
  await follow(writeReceivedNotify({ name: 'kid.parent.test.', type: TYPE.CDS, from: '192.0.2.1' }));
  await follow(writeReceivedNotify({ name: 'kid.parent.test.', type: TYPE.SOA, from: 'no follower' }));
  for (const name of ['..', 'a'.repeat(300), ''])
    await follow(writeReceivedNotify({ name, type: TYPE.CDS, from: name }));
  for (const text of ['', '{', 'null', '[]', '{"name":1,"type":59,"from":""}', '{"name":"a."}']) {
    expect(readReceivedNotify(Buffer.from(text))).toBeUndefined();
    await follow(Buffer.from(text));
  }
  expect(seen).toEqual(['192.0.2.1']);
});
