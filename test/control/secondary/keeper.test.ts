/** Zones from primaries over their life: they come, change, fail, expire and come back; other changes are rejected. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { Responder } from '#answer/respond.ts';
import { createLog } from '#base/log.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { changedMeanwhile } from '#control/secondary/decisions.ts';
import { type FetchFailure, type Fetched } from '#control/secondary/fetch-zone.ts';
import { SecondaryKeeper } from '#control/secondary/keeper.ts';
import { openReader } from '#store/reader.ts';
import { readChecked } from '#store/transfer/primaries.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Command } from '#control/api/control.ts';
import { type IpPort } from '#base/address.ts';
import { ZONE, fakePrimary, message, record as recordOfLine } from '../../support/transfer-messages.ts';
import { type TestControl, good, temporaryControl } from '../../support/temporary-control.ts';
import { buildQuery, parseMessage } from '../../support/wire.ts';

const NAME = 'z.example.';
const soa = (serial: number) => `@ 60 SOA ns host ${serial} 100 50 1000 60`;
const BODY = ['@ 60 NS ns', 'ns 60 A 192.0.2.1'];

/** A primary whose answer the test sets; it answers over TCP only. */
async function primary() {
  const state = { lines: [soa(2), ...BODY, soa(2)], rcode: 0, asked: [] as number[] };
  const at = await fakePrimary(({ id, type }, send) => {
    state.asked.push(type);
    send(message({ id, type, lines: state.rcode === 0 ? state.lines : [], rcode: state.rcode }));
  });
  return { at, state };
}

const from = (...servers: readonly IpPort[]) => servers.map(({ ip, port }) => ({ ip, port }));

async function secondary(room: TestControl, servers: readonly IpPort[], isSigning = false) {
  good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries: from(...servers), isSigning }));
  await look(room);
}

const record = (room: TestControl) => room.writer.zoneByName(ZONE)!;
const stateOf = (room: TestControl) => room.control.transfer.primaries(record(room))!;

/** Lets what is due be done. */
async function look(room: TestControl, afterMs = 0): Promise<void> {
  room.clock.pass(afterMs);
  const { keeper } = room.control.transferParts;
  keeper.tick();
  for (let tries = 0; tries < 500 && stateOf(room).isLooking; tries++) await delay(10);
}

const addressOf = (room: TestControl, name: string) => {
  const view = room.writer.view(record(room));
  const key = [...view.ascend(view.apexKey)].find(({ owner }) => owner.join() === nameOf(name).join());
  return rrsetOf(key, TYPE.A)?.rdatas.map((rdata) => rdata.join('.')) ?? [];
};
const codesOf = (result: Awaited<ReturnType<TestControl['run']>>) => (result.ok ? [] : result.problems.map(({ code }) => code));
const alerts = (room: TestControl) => room.writer.events(0, 1000).flatMap((each) => (each.kind === 'alert' ? [each.event] : []));

/** What a worker answers for the zone's SOA. */
async function answer(room: TestControl): Promise<string> {
  const reader = openReader(room.dir);
  const out = new Uint8Array(65_535);
  const query = buildQuery({ name: NAME, type: 'SOA' });
  const responder = new Responder(reader);
  responder.refresh();
  const length = responder.respond(query, query.length, out, 'tcp');
  await reader.close();
  return parseMessage(Buffer.from(out.subarray(0, length))).rcode;
}

describe('RFC 1034 §4.3.5: a zone that comes from a primary', () => {
  test('is SERVFAIL until it is there, then served; it follows newer serials by IXFR and keeps the changes', async () => {
    const { at, state } = await primary();
    state.rcode = 5;
    const room = temporaryControl();
    await secondary(room, [at]);
    expect([await answer(room), stateOf(room).state, stateOf(room).primaries[0]?.failure]).toEqual([
      'SERVFAIL',
      'failing',
      'answers REFUSED',
    ]);
    expect(alerts(room)).toEqual(['PRIMARY_FAILED']);
    state.rcode = 0;
    await look(room, 3_000);
    expect([await answer(room), record(room).serial, stateOf(room).state]).toEqual(['NOERROR', 2, 'current']);
    state.lines = [soa(3), soa(2), 'ns 60 A 192.0.2.1', soa(3), 'ns 60 A 192.0.2.7', 'www 60 A 192.0.2.8', soa(3)];
    await look(room, 100_000);
    expect([record(room).serial, addressOf(room, 'ns.z.example.'), addressOf(room, 'www.z.example.')]).toEqual([
      3,
      ['192.0.2.7'],
      ['192.0.2.8'],
    ]);
    expect(state.asked).toEqual([TYPE.AXFR, TYPE.AXFR, TYPE.IXFR]);
    expect(room.writer.journal(record(room).id, 10).map(({ fromSerial, toSerial }) => [fromSerial, toSerial])).toContainEqual([2, 3]);
    state.lines = [soa(3)];
    await look(room, 100_000);
    expect([state.asked.length, record(room).serial]).toEqual([4, 3]);
  });

  test('differences that do not fit are followed by the whole zone; a broken zone changes nothing', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at]);
    const misfit = [soa(3), soa(2), 'gone 60 A 192.0.2.9', soa(3), soa(3)];
    const whole = [soa(3), ...BODY, 'new 60 A 192.0.2.3', soa(3)];
    state.lines = misfit;
    Object.defineProperty(state, 'lines', { get: () => (state.asked.at(-1) === TYPE.IXFR ? misfit : whole) });
    await look(room, 100_000);
    expect([state.asked, record(room).serial, addressOf(room, 'new.z.example.')]).toEqual([
      [TYPE.AXFR, TYPE.IXFR, TYPE.AXFR],
      3,
      ['192.0.2.3'],
    ]);
    Object.defineProperty(state, 'lines', { get: () => [soa(4), 'ns 60 A 192.0.2.1', soa(4)] });
    const { revision } = record(room);
    await look(room, 100_000);
    expect([record(room).serial, record(room).revision, stateOf(room).primaries[0]?.failure]).toEqual([
      3,
      revision,
      expect.stringMatching(/cannot be served: .*no NS/),
    ]);
  });

  test('RFC 8976 §4: a zone that its ZONEMD is not of is not taken', async () => {
    const { at, state } = await primary();
    state.lines = [soa(2), ...BODY, `@ 60 ZONEMD 2 1 1 ${'ab'.repeat(48)}`, soa(2)];
    const room = temporaryControl();
    await secondary(room, [at]);
    expect(stateOf(room).primaries[0]?.failure).toMatch(/its ZONEMD is not of/);
  });
});

describe('several primaries', () => {
  test('the next one is asked when one fails; one that failed is asked last for a while; NOTIFY ends that', async () => {
    const [one, two] = [await primary(), await primary()];
    one.state.rcode = 2;
    const room = temporaryControl();
    await secondary(room, [one.at, two.at]);
    expect([record(room).serial, one.state.asked.length, two.state.asked.length]).toEqual([2, 1, 1]);
    one.state.rcode = 0;
    room.control.transferParts.keeper.notified(record(room).id);
    await look(room, 1_000);
    expect([one.state.asked.length, two.state.asked.length]).toEqual([2, 2]);
  });

  test('RFC 1996 §3.11: after NOTIFY a primary that is behind does not hide one that is newer; without it the first that confirms is enough', async () => {
    const [behind, ahead] = [await primary(), await primary()];
    const room = temporaryControl();
    await secondary(room, [behind.at, ahead.at]);
    ahead.state.lines = [soa(3), ...BODY, soa(3)];
    await look(room, 100_000);
    expect([record(room).serial, ahead.state.asked.length]).toEqual([2, 0]);
    room.control.transferParts.keeper.notified(record(room).id);
    await look(room, 1_000);
    expect([record(room).serial, stateOf(room).state]).toEqual([3, 'current']);
    behind.state.rcode = 2;
    room.control.transferParts.keeper.notified(record(room).id);
    await look(room, 1_000);
    expect([stateOf(room).state, alerts(room)]).toEqual(['current', []]);
  });

  test('RFC 1996 §3.11: 10,000 NOTIFY lead to one look in a second', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at]);
    for (let each = 0; each < 10_000; each++) room.control.transferParts.keeper.notified(record(room).id);
    await look(room);
    expect(state.asked.length).toBe(1);
    await look(room, 1_000);
    await look(room, 100);
    expect(state.asked.length).toBe(2);
  });
});

test('zones of a primary that hangs leave places for those of others', async () => {
  const hanging = await fakePrimary(() => undefined);
  const { at } = await primary();
  const room = temporaryControl();
  const { keeper } = room.control.transferParts;
  for (let each = 0; each < 70; each++)
    good(await room.run({ kind: 'secondary.create', zone: nameOf(`z${each}.example.`), primaries: from(hanging), isSigning: false }));
  good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries: from({ ...at, ip: '127.0.0.2' }), isSigning: false }));
  for (let tries = 0; tries < 50 && stateOf(room).state === 'waiting'; tries++) {
    keeper.tick();
    await delay(10);
  }
  // Nothing listens at that address: the look has ended.
  expect(stateOf(room).state).toBe('failing');
  await keeper.stop();
});

describe('EXPIRE', () => {
  test('a zone that no primary confirms is SERVFAIL after it, and answered again when one does', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at]);
    state.rcode = 2;
    await look(room, 999_000);
    expect([await answer(room), stateOf(room).state]).toEqual(['NOERROR', 'failing']);
    await look(room, 1_001);
    expect([await answer(room), stateOf(room).state, record(room).secondary]).toEqual([
      'SERVFAIL',
      'expired',
      { mode: 'copy', isExpired: true },
    ]);
    expect(alerts(room)).toContain('ZONE_EXPIRED');
    state.rcode = 0;
    await look(room, 50_000);
    expect([await answer(room), stateOf(room).state]).toEqual(['NOERROR', 'current']);
  });

  test('a clock that jumps ahead makes no zone expire that a primary confirms; one that is set back stops no look', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at]);
    state.lines = [soa(2)];
    await look(room, 30 * 86_400_000);
    expect([stateOf(room).state, record(room).secondary]).toEqual(['current', { mode: 'copy' }]);
    const { length } = state.asked;
    room.clock.set(room.clock.nowMs() - 20 * 86_400_000);
    await look(room);
    await look(room, 101_000);
    expect(state.asked.length).toBeGreaterThan(length);
  });

  test('what is left of it outlives the process', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at]);
    for (let each = 0; each < 2; each++) await look(room, 100_000);
    await room.control.transferParts.keeper.stop();
    const checked = readChecked(room.writer, record(room).id)!;
    expect([checked.checkedAtMs, checked.serial, checked.expireSeconds]).toEqual([room.clock.nowMs(), 2, 1000]);
    state.rcode = 2;
  });
});

describe('changes of a zone that comes as it is', () => {
  test('are rejected with the reason, and change nothing', async () => {
    const { at } = await primary();
    const room = temporaryControl();
    await secondary(room, [at]);
    const { revision } = record(room);
    const commands: readonly Command[] = [
      { kind: 'rrsets.change', zone: ZONE, operations: [{ op: 'set', name: 'x', type: 'A', ttl: 60, records: ['192.0.2.9'] }] },
      { kind: 'zone.import', zone: ZONE, text: '@ 60 SOA ns host 9 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n', file: 'z', dnssec: true },
      { kind: 'zone.dnssec', zone: ZONE, dnssec: true },
      { kind: 'mail.apply', zone: ZONE, policy: { mtaSts: { mode: 'testing' } } },
    ];
    for (const command of commands) expect([command.kind, codesOf(await room.run(command))]).toEqual([command.kind, ['ZONE_SECONDARY']]);
    expect(record(room).revision).toBe(revision);
  });
});

describe('a bump-in-the-wire signer', () => {
  const types = (room: TestControl) => {
    const view = room.writer.view(record(room));
    return view.node(view.apexKey)!.rrsets.map(({ type }) => type);
  };

  test('signs what comes unsigned, with a key and a serial of its own', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at], true);
    expect([record(room).serial, record(room).dnssec, record(room).keys.length, stateOf(room).serial]).toEqual([2, 'on', 1, 2]);
    expect(types(room)).toEqual(expect.arrayContaining([TYPE.DNSKEY, TYPE.NSEC]));
    state.lines = [soa(900), ...BODY, 'www 60 A 192.0.2.8', soa(900)];
    await look(room, 100_000);
    expect([record(room).serial, stateOf(room).serial, addressOf(room, 'www.z.example.')]).toEqual([3, 900, ['192.0.2.8']]);
    // A serial alone is no change of what is served.
    state.lines = [soa(901), ...BODY, 'www 60 A 192.0.2.8', soa(901)];
    await look(room, 100_000);
    expect([record(room).serial, stateOf(room).serial]).toEqual([3, 901]);
    expect(new Set(state.asked)).toEqual(new Set([TYPE.AXFR]));
  });

  test('a zone that is signed anew while its primary sends takes what it sends: the primary has not failed', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at], true);
    state.lines = [soa(3), ...BODY, 'new 60 A 192.0.2.3', soa(3)];
    const { keeper } = room.control.transferParts;
    room.clock.pass(100_000);
    // The change is written between the first look at the zone and the turn in which it is taken in.
    const change = room.run({ kind: 'zone.denial', zone: ZONE, denial: 'nsec3' });
    keeper.tick();
    good(await change);
    for (let tries = 0; tries < 500 && stateOf(room).isLooking; tries++) await delay(10);
    expect([stateOf(room).state, addressOf(room, 'new.z.example.'), record(room).denial]).toEqual(['current', ['192.0.2.3'], 'nsec3']);
    expect(stateOf(room).primaries[0]).not.toHaveProperty('failure');
  });

  test('an order to leave it unsigned holds when the primary sends more', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at], true);
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
    state.lines = [soa(3), ...BODY, 'www 60 A 192.0.2.8', soa(3)];
    await look(room, 100_000);
    expect([record(room).dnssec, addressOf(room, 'www.z.example.')]).toEqual(['off', ['192.0.2.8']]);
  });

  test('a mail policy stands on top: its records hold, what the primary has there is left out and said', async () => {
    const { at, state } = await primary();
    const room = temporaryControl();
    await secondary(room, [at], true);
    good(await room.run({ kind: 'mail.apply', zone: ZONE, policy: { tlsRpt: { rua: ['mailto:tls@z.example'] } } }));
    const texts = () => {
      const view = room.writer.view(record(room));
      return [...view.ascend(view.apexKey)].flatMap(({ owner, rrsets }) =>
        rrsets.flatMap(({ type, manager }) =>
          type === TYPE.TXT && owner[1] === 0x5f && owner[2] === 0x73 ? [`${manager} ${Buffer.from(owner).toString('latin1', 1, 10)}`] : [],
        ),
      );
    };
    expect(texts()).toEqual(['mail _smtp\x04_tl']);
    state.lines = [soa(3), ...BODY, '_smtp._tls 60 TXT "v=TLSRPTv1;rua=mailto:other@z.example"', soa(3)];
    await look(room, 100_000);
    expect([texts(), stateOf(room).notes]).toEqual([
      ['mail _smtp\x04_tl'],
      [expect.stringMatching(/_smtp\._tls.*left out: the mail policy keeps/)],
    ]);
    // Without the policy, what the primary has comes back at the next look, though its serial is the same.
    good(await room.run({ kind: 'mail.remove', zone: ZONE, records: 'delete' }));
    await look(room, 100_000);
    expect(texts()).toEqual(['manual _smtp\x04_tl']);
  });

  test('records of the primary are changed there only; a zone that is signed already is not taken', async () => {
    const { at } = await primary();
    const room = temporaryControl();
    await secondary(room, [at], true);
    const operation = { op: 'set', name: 'ns', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
    expect(codesOf(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [operation] }))).toEqual(['ZONE_SECONDARY']);
    const other = await primary();
    other.state.lines = [soa(2), ...BODY, 'ns 60 NSEC z.example. A', soa(2)];
    const second = temporaryControl();
    await secondary(second, [other.at], true);
    expect(stateOf(second).primaries[0]?.failure).toMatch(/signed already \(NSEC\).*without --sign/);
  });
});

describe('what a NOTIFY was about is remembered', () => {
  /** Primaries whose serials the test sets; `fetched` of each transfer, and what becomes of it. */
  async function bench() {
    const { at } = await primary();
    const room = temporaryControl();
    await secondary(room, [at, { ...at, port: at.port + 1 }]);
    const serials = [2, 2];
    const asked: number[] = [];
    const fetched: (Fetched | FetchFailure)[] = [];
    const decided: unknown[] = [];
    const outcomes: Result<unknown>[] = [];
    const keeper = new SecondaryKeeper({
      writer: room.writer,
      funnel: {
        async change(_turn: unknown, decide: () => unknown) {
          decided.push(decide());
          return outcomes.shift() ?? ok({});
        },
      } as never,
      nowMs: () => room.clock.nowMs(),
      chance: () => 0,
      access: () => ({ key: undefined }) as never,
      alert: () => Promise.resolve(),
      askSoa({ server }) {
        const which = server.port === at.port ? 0 : 1;
        asked.push(which);
        return Promise.resolve({ serial: serials[which]!, expireSeconds: undefined });
      },
      fetchZone: () => Promise.resolve(fetched.shift()!),
      inPlace: (_address, work) => work({ reserve: () => 'taken', signal: new AbortController().signal, keep: () => {} }),
      recordsPerRrsetMax: 100,
    });
    const lookOnce = async (afterMs = 0) => {
      room.clock.pass(afterMs);
      asked.length = 0;
      keeper.tick();
      for (let tries = 0; tries < 500 && keeper.view(record(room))!.isLooking; tries++) await delay(5);
      return asked.join('');
    };
    keeper.follow(record(room));
    expect(await lookOnce()).toBe('0');
    serials[1] = 3;
    return { room, keeper, fetched, decided, outcomes, lookOnce };
  }
  const whole: Fetched = {
    received: { kind: 'whole', serial: 3, records: [soa(3), ...BODY].map(recordOfLine) },
    expireSeconds: undefined,
    messages: 1,
    bytes: 100,
  };

  test('RFC 1996 §3.11: while there is no memory for the transfer: the primary that is behind does not hide the newer zone', async () => {
    const { room, keeper, fetched, lookOnce } = await bench();
    fetched.push({ failure: 'has to wait', isAnswer: false, isPostponed: true }, whole);
    keeper.notified(record(room).id);
    expect(await lookOnce(1_000)).toBe('01');
    expect(await lookOnce(10_000)).toBe('01');
    expect(fetched).toEqual([]);
    // And no longer than that.
    expect(await lookOnce(100_000)).toBe('0');
  });

  test('when the zone was changed while its primary sent', async () => {
    const { room, keeper, fetched, outcomes, lookOnce } = await bench();
    fetched.push(whole, whole);
    outcomes.push(fail(changedMeanwhile(record(room))));
    keeper.notified(record(room).id);
    expect(await lookOnce(1_000)).toBe('01');
    expect(await lookOnce(1_000)).toBe('01');
    expect(fetched).toEqual([]);
  });

  test('when no primary gave it', async () => {
    const { room, keeper, fetched, lookOnce } = await bench();
    fetched.push({ failure: 'answers SERVFAIL', isAnswer: false }, whole);
    const primaries = [{ ip: '127.0.0.1', port: stateOf(room).primaries[1]!.port }, from(stateOf(room).primaries[0]! as never)[0]!];
    good(await room.run({ kind: 'primaries.set', zone: ZONE, primaries: primaries.slice(0, 1) }));
    keeper.notified(record(room).id);
    expect(await lookOnce(1_000)).toBe('1');
    good(await room.run({ kind: 'primaries.set', zone: ZONE, primaries: primaries.toReversed() }));
    expect(await lookOnce(60_000)).toBe('01');
    expect(fetched).toEqual([]);
  });

  test('a transfer of a zone that is as it was is decided without a pause, so that it shares a flush with others', async () => {
    const { room, keeper, fetched, decided, lookOnce } = await bench();
    fetched.push(whole);
    keeper.notified(record(room).id);
    await lookOnce(1_000);
    expect(decided).toEqual([expect.objectContaining({ ok: true })]);
  });
});

test('rounds of zones that found no place leave no timer behind, and none follows a stop', async () => {
  const hanging = await fakePrimary(() => undefined);
  const room = temporaryControl();
  const { keeper } = room.control.transferParts;
  for (let each = 0; each < 70; each++)
    good(await room.run({ kind: 'secondary.create', zone: nameOf(`z${each}.example.`), primaries: from(hanging), isSigning: false }));
  keeper.start(createLog({ level: 'silent' }));
  const checksOf = () => keeper.counts.checks;
  await delay(300);
  await keeper.stop();
  const checks = checksOf();
  await delay(100);
  keeper.tick();
  await delay(50);
  expect([checks > 0, checksOf()]).toEqual([true, checks]);
});
