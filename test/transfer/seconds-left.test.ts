/** RFC 7314: how long a zone is answered for, as a secondary of this server hears it. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { nameOf } from '#dns/name.ts';
import { openReader } from '#store/reader.ts';
import { TransferAnswers } from '#transfer/answers.ts';
import { secondsLeft } from '#transfer/seconds-left.ts';
import { readTransferMessage } from '#transfer/incoming-message.ts';
import { Responder } from '#answer/respond.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../support/temporary-control.ts';
import { ZONE, fakePrimary, message } from '../support/transfer-messages.ts';

/** EXPIRE of the SOA: 1000 seconds. */
const LINES = ['@ 60 SOA ns host 2 100 50 1000 60', '@ 60 NS ns', 'ns 60 A 192.0.2.1', '@ 60 SOA ns host 2 100 50 1000 60'];

async function room() {
  const made = temporaryControl();
  const { ip, port } = await fakePrimary(({ id, type }, send) => send(message({ id, type, lines: LINES })));
  good(await made.run({ kind: 'secondary.create', zone: ZONE, primaries: [{ ip, port }], isSigning: false }));
  const { keeper } = made.control.transferParts;
  keeper.tick();
  const record = () => made.writer.zoneByName(ZONE)!;
  for (let tries = 0; tries < 500 && record().nodeCount < 2; tries++) await delay(10);
  await made.load('a.test.', MAIL_ZONE_TEXT);
  const reader = openReader(made.dir);
  onTestFinished(() => reader.close());
  return { ...made, reader, left: secondsLeft(reader, () => made.clock.nowMs()) };
}

test('§3.3: what is left of a zone from primaries; a zone that is kept here has no such time', async () => {
  const { reader, clock, left } = await room();
  const id = reader.zoneByName(ZONE)!.id;
  expect(left(id)).toBe(1000);
  clock.pass(400_500);
  expect(left(id)).toBe(599);
  clock.pass(700_000);
  expect([left(id), left(reader.zoneByName(nameOf('a.test.'))!.id), left(4711)]).toEqual([0, undefined, undefined]);
});

/** AXFR with an OPT that has an EXPIRE option without data, or not. */
const axfr = (apex: Uint8Array, isAsked: boolean) =>
  Uint8Array.of(
    0,
    7,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    1,
    ...apex,
    0,
    TYPE.AXFR,
    0,
    1,
    0,
    0,
    TYPE.OPT,
    4,
    208,
    0,
    0,
    0,
    0,
    0,
    isAsked ? 4 : 0,
    ...(isAsked ? [0, 9, 0, 0] : []),
  );

test('§3.2–3.3: in the first message of a transfer, and only for a client that asks', async () => {
  const { reader, clock, left } = await room();
  const signed = new TransferAnswers({
    reader,
    respond: () => 0,
    secondaries: { isGrantedWithoutKey: () => true, mayUseKey: () => true },
    secondsLeft: left,
    nowMs: Date.now,
    count: () => undefined,
    log: () => undefined,
  });
  const responder = new Responder(reader, { signed });
  const client = { octets: new Uint8Array(16), length: 4 };
  clock.pass(10_000);
  const expires = (apex: Uint8Array, isAsked: boolean) => {
    const query = axfr(apex, isAsked);
    responder.respond(query, query.length, new Uint8Array(65_535), 'tcp', client);
    const stream = responder.stream();
    const seen: unknown[] = [];
    // Messages so short that there are many.
    const out = new Uint8Array(600);
    for (let length = stream.next(out); length > 0; length = stream.next(out)) {
      const read = readTransferMessage(out.slice(0, length), { id: 7, apex, type: TYPE.AXFR }, seen.length === 0);
      seen.push('failure' in read ? read.failure : read.message.expireSeconds);
    }
    stream.close();
    return seen;
  };
  expect(expires(ZONE, true)).toEqual([990]);
  expect(expires(ZONE, false)).toEqual([undefined]);
  const [first, ...rest] = expires(nameOf('a.test.'), true);
  expect([first, new Set(rest)]).toEqual([1_209_600, new Set([undefined])]);
});
