/** NOTIFY messages that come in: which of them are taken, what the reply is, and how they reach the control process. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { LaterByOpcode } from '#answer/later-answer.ts';
import { Responder } from '#answer/respond.ts';
import { setClientAddress, newClientAddress } from '#base/client-address.ts';
import { type Transport } from '#dns/message.ts';
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
import { readKeys } from '#transfer/grants.ts';
import { TEST_ACTOR, good, temporaryControl } from '../support/temporary-control.ts';
import { HandSigner } from '../support/transfer-messages.ts';
import { testKey } from '../support/transfer-server.ts';

const NOW = 1_800_000_000;
const KEY_TEXT = testKey('k.example.');

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
  const log: string[] = [];
  const counting = {
    count: () => undefined,
    countAnswer: () => undefined,
    nowMs: () => NOW * 1000,
    log: (_event: string, text: string) => void log.push(text),
  };
  const notifies = new NotifyReceiver({ reader, handOver: { pass }, ...counting });
  const responder = new Responder(reader, { later: new LaterByOpcode(new Map([[OPCODE.NOTIFY, notifies]])) });
  responder.refresh();
  const client = newClientAddress();
  setClientAddress(client, '2001:db8::1');
  const out = Buffer.alloc(65_535);
  const send = (message: Buffer, transport: Transport = 'udp'): Buffer => {
    responder.beginBatch();
    return Buffer.from(out.subarray(0, responder.respond(message, message.length, out, transport, client)));
  };
  notifies.takeKeys(readKeys([KEY_TEXT]));
  const secondary = async (primary: { readonly ip: string; readonly key?: string }) => {
    const { name, algorithm, operations } = KEY_TEXT;
    const key = { name, algorithm, operations, zones: 'all' } as const;
    await control.control.transfer.createKey(key, TEST_ACTOR);
    const primaries = [{ port: 53, ...primary }];
    good(await control.run({ kind: 'secondary.create', zone: nameOf('sec.test.'), primaries, isSigning: false }));
    responder.refresh();
  };
  return { send, received, log, secondary, control };
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
  ['A', notify('kid.parent.test.', TYPE.A), 4],
  ['a zone that is kept here', notify('parent.test.', TYPE.SOA), 9],
  ['a zone of others, SOA', notify('elsewhere.test.', TYPE.SOA), 9],
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
  // RFC 7766 §6.2.1: over TCP others wait behind it, so it is answered.
  const reply = send(notify('kid.parent.test.', TYPE.CDS), 'tcp');
  expect([reply.readUInt16BE(0), reply[3]! & 15]).toEqual([0xabcd, 2]);
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

describe('RFC 1996 §3.10: NOTIFY of a zone that comes from a primary', () => {
  const message = () => notify('sec.test.', TYPE.SOA);
  /** Signed as a request: there is no MAC before it, so none of its length either (RFC 8945 §4.3.3). */
  const signed = (name: string, secret: string, time = NOW) =>
    new HandSigner(name, Buffer.from(secret, 'base64')).sign(message(), time);

  test('from its address is acknowledged and handed on; from elsewhere it is REFUSED, and said', async () => {
    const { send, received, log, secondary } = await bench();
    await secondary({ ip: '2001:db8::1' });
    expect(send(message())[3]! & 15).toBe(0);
    expect(received).toEqual([{ name: 'sec.test.', type: TYPE.SOA, from: '2001:db8:0:0:0:0:0:1' }]);
    const other = await bench();
    await other.secondary({ ip: '192.0.2.1' });
    expect([other.send(message())[3]! & 15, other.received, log]).toEqual([5, [], []]);
    expect(other.log).toEqual([expect.stringMatching(/NOTIFY of sec\.test\. from 2001:.* refused: it is no primary/)]);
  });

  test('from any address with the key of the primary, answered signed (RFC 8945 §5.3); not with another key', async () => {
    const { send, received, secondary } = await bench();
    await secondary({ ip: '192.0.2.1', key: 'k.example.' });
    const reply = send(signed('k.example.', KEY_TEXT.secret));
    expect([reply[3]! & 15, reply.readUInt16BE(10), received.length]).toEqual([0, 1, 1]);
    const without = await bench();
    await without.secondary({ ip: '192.0.2.1' });
    expect(without.send(signed('k.example.', KEY_TEXT.secret))[3]! & 15).toBe(5);
  });

  test('RFC 8945 §5.2: a wrong secret, an unknown key, another clock: NOTAUTH with the error, and no effect', async () => {
    const { send, received, secondary, log } = await bench();
    await secondary({ ip: '2001:db8::1', key: 'k.example.' });
    const wrong = Buffer.alloc(32, 9).toString('base64');
    const replies = [
      signed('k.example.', wrong),
      signed('unknown.example.', wrong),
      signed('k.example.', KEY_TEXT.secret, NOW - 301),
    ].map((each) => send(each));
    expect([replies.map((reply) => reply[3]! & 15), received]).toEqual([[9, 9, 9], []]);
    expect(log.map((each) => each.replace(/^.*refused: (\w+).*$/, '$1'))).toEqual(['BADSIG', 'BADKEY', 'BADTIME']);
  });

  test('in control it leads to a look at the primaries', async () => {
    const { secondary, control } = await bench();
    await secondary({ ip: '192.0.2.1' });
    const body = writeReceivedNotify({ name: 'sec.test.', type: TYPE.SOA, from: '192.0.2.1' });
    const { keeper } = control.control.transferParts;
    await notifyIntake(control.control.notifyFollowers)(body);
    expect(keeper.counts.notified).toBe(1);
  });
});
