/** What is asked of the process for a large zone from a primary, and when it is good. Transfers: apart.test.ts. */
import { expect, test } from 'vitest';
import { TRANSFER_IN_LARGE_BYTES_MIN } from '#base/limits/transfer.ts';
import { atZone } from '#base/place.ts';
import { ok, problem } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { type Membership, membershipWrite } from '#store/transfer/followed-catalogs.ts';
import { type Command } from '#control/api/control.ts';
import { type RequestFacts } from '#control/import/request.ts';
import { transferOrder } from '#control/import/transfer-order.ts';
import { type TransferOrder } from '#control/secondary/take-apart.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_NOW_MS } from '../../support/temporary-store.ts';
import { ZONE, fakePrimary, message, soa } from '../../support/transfer-messages.ts';

const SYSTEM = { kind: 'system', id: 'upkeep', from: '' } as const;
const FROM = { ip: '192.0.2.53', serial: 3, expireSeconds: 900, how: 'AXFR, 30 messages, 2000000 octets' };
const CLOCK_WRONG = problem('CLOCK_WRONG', atZone('z.example.'), 'the clock is not sure');
const LINES = [soa(2), '@ 60 NS ns', 'ns 60 A 192.0.2.1', soa(2)];

/** A zone from a primary, and what is made of it when a larger version has come. */
async function bench(isSigning: boolean) {
  const room = temporaryControl();
  const at = await fakePrimary(({ id, type }, send) => send(message({ id, type, lines: LINES })));
  const primaries = [{ ip: at.ip, port: at.port }];
  good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries, isSigning }));
  const { keeper } = room.control.transferParts;
  keeper.tick();
  const isLooking = () => keeper.view(room.writer.zoneByName(ZONE)!)!.isLooking;
  for (let looks = 0; looks < 500 && isLooking(); looks++) await new Promise((resolve) => setTimeout(resolve, 10));
  const record = room.writer.zoneByName(ZONE)!;
  expect(record.serial).toBe(2);
  const state = { isClockWrong: false };
  const facts: RequestFacts = {
    writer: room.writer,
    clock: room.clock,
    time: room.clock,
    signingClock: {
      read: () => ({ earliestMs: TEST_NOW_MS, latestMs: TEST_NOW_MS }),
      problem: () => (state.isClockWrong ? CLOCK_WRONG : undefined),
    },
    recordsPerRrsetMax: 100,
  };
  const signal = new AbortController().signal;
  const turn = { actor: { kind: 'system', id: 'secondary', from: '' }, action: 'zone.transfer' } as const;
  const order = (bytes = 2_000_000): TransferOrder => ({
    ...{ zone: ZONE, record, turn, recordsMax: 1000, from: FROM, signal },
    messages: { file: 42, bytes, asked: { id: 7, apex: ZONE, type: TYPE.IXFR }, since: 2 },
  });
  return { room, order, made: (bytes?: number) => transferOrder(facts, order(bytes)), state };
}

const bySystem = async (room: TestControl, command: Command) => void good(await room.run(command, { actor: SYSTEM }));

test('all that the process needs, and nothing of this one: no file, no end of it', async () => {
  const { made, order } = await bench(false);
  const { zone, turn, what, input, lane, isLarge, signal, request } = made();
  expect({ zone, turn, what, input, lane, isLarge }).toEqual({
    zone: ZONE,
    turn: order().turn,
    what: 'transfer',
    input: { file: 42 },
    lane: 'primary 192.0.2.53',
    isLarge: false,
  });
  expect(signal).toBe(order().signal);
  const asked = request();
  expect(asked).toEqual({
    zone: ZONE,
    turn: order().turn,
    work: { kind: 'transfer', asked: { id: 7, apex: ZONE, type: TYPE.IXFR }, since: 2, recordsMax: 1000, from: FROM },
    inputBytes: 2_000_000,
    parent: undefined,
  });
  expect(structuredClone(asked)).toEqual(asked);
});

test('from 12 MiB on it waits for others of its size', async () => {
  const { made } = await bench(false);
  expect(TRANSFER_IN_LARGE_BYTES_MIN).toBe(12 * 1024 * 1024);
  const sizes = [TRANSFER_IN_LARGE_BYTES_MIN - 1, TRANSFER_IN_LARGE_BYTES_MIN];
  expect(sizes.map((bytes) => made(bytes).isLarge)).toEqual([false, true]);
});

test.each<readonly [string, Command, boolean]>([
  ['it is as it was', { kind: 'primaries.set', zone: ZONE, primaries: [{ ip: '192.0.2.9', port: 53 }] }, true],
  ['it is kept here', { kind: 'zone.role', zone: ZONE, role: 'primary' }, false],
  ['it is signed here', { kind: 'zone.role', zone: ZONE, role: 'sign' }, false],
  ['it is gone', { kind: 'zone.remove', zone: ZONE }, false],
])('%s: before the work and in its turn', async (_what, command, isGood) => {
  const { room, made } = await bench(false);
  const order = made();
  let settled = 0;
  const decide = order.decide(() => ok({ isChanged: ++settled > 0 }));
  expect([(await order.early()).ok, (await decide()).ok, settled]).toEqual([true, true, 1]);
  await bySystem(room, command);
  const [early, late] = [await order.early(), await decide()];
  expect([early.ok, late.ok, settled]).toEqual([isGood, isGood, isGood ? 2 : 1]);
  if (!isGood)
    for (const each of [early, late])
      expect(bad(each)).toMatchObject([{ code: 'PRECONDITION', message: 'z.example. was changed meanwhile' }]);
});

test('a zone with its name that was made meanwhile is another one', async () => {
  const { room, made } = await bench(false);
  const order = made();
  await bySystem(room, { kind: 'zone.remove', zone: ZONE });
  const primaries = [{ ip: '192.0.2.9', port: 53 }];
  await bySystem(room, { kind: 'secondary.create', zone: ZONE, primaries, isSigning: false });
  expect(bad(await order.early())).toMatchObject([{ code: 'PRECONDITION' }]);
  expect(bad(await order.decide(() => expect.unreachable())())).toMatchObject([{ code: 'PRECONDITION' }]);
});

test('a clock that is wrong is against it only where it is signed here', async () => {
  const [copy, signed] = [await bench(false), await bench(true)];
  expect([copy.made().clockProblem(), signed.made().clockProblem()]).toEqual([undefined, undefined]);
  for (const { state } of [copy, signed]) state.isClockWrong = true;
  expect([copy.made().clockProblem(), signed.made().clockProblem()]).toEqual([undefined, CLOCK_WRONG]);
  // Signed no more, by order of its operator.
  await bySystem(signed.room, { kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true });
  expect(signed.made().clockProblem()).toBeUndefined();
});

test('it is made of the zone, and of what its catalog says of it', async () => {
  const { room, made } = await bench(true);
  const { base } = made();
  const bases = [base()];
  expect(base()).toBe(bases[0]);
  await room.load('other.example.', '@ 60 SOA ns host 1 100 50 1000 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  expect(base()).toBe(bases[0]);
  const policy = { tlsRpt: { rua: ['mailto:tls@z.example'] } };
  await bySystem(room, { kind: 'mail.apply', zone: ZONE, policy });
  bases.push(base());
  const { id } = room.writer.zoneByName(ZONE)!;
  const membership: Membership = { catalog: 'c.test.', catalogId: 9, label: 'x', groups: [] };
  for (const each of [membership, { ...membership, isReset: true as const }]) {
    await room.writer.commit({ audit: { atMs: 0 }, documents: [membershipWrite(id, each)] });
    bases.push(base());
  }
  await bySystem(room, { kind: 'zone.remove', zone: ZONE });
  bases.push(base());
  expect(new Set(bases).size).toBe(5);
});
