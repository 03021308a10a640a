/** Large zones from primaries, made ready beside other changes: they come to what they would without that. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { type IpPort } from '#base/address.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem as no } from '#base/problem.ts';
import { type Name, formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { StoreFailure } from '#store/failure.ts';
import { FILLING_KIND } from '#store/due/documents.ts';
import { readMembership } from '#store/transfer/followed-catalogs.ts';
import { readChecked } from '#store/transfer/primaries.ts';
import { verifyStore } from '#store/verify.ts';
import { type ZoneNode, rrsetOf } from '#zone/view.ts';
import { type Command } from '#control/api/control.ts';
import { type Done } from '#control/funnel/carry-out.ts';
import { type ApartOptions, type ApartOrder, ApartWork } from '#control/import/apart.ts';
import { type RunImport } from '#control/import/import-process.ts';
import { type ImportRequest } from '#control/import/work.ts';
import { importsHere } from '../../support/import-here.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_KEK, TEST_NOW_MS } from '../../support/temporary-store.ts';
import { ZONE, fakePrimary, message, soa } from '../../support/transfer-messages.ts';

const NAMES = 2400;
/** Slices that a zone of this size is written in, and what is rewritten whole. */
const FILL = { bytesMin: 100_000, inPlaceNodes: 300, sliceNodes: 500 };
const PAD = 'x'.repeat(240);
const SYSTEM = { kind: 'system', id: 'upkeep', from: '' } as const;
const POLICY = { tlsRpt: { rua: ['mailto:tls@z.example'] } };
const HEAD = ['@ 60 NS ns', 'ns 60 A 192.0.2.1'];
const hosts = (from: number, to: number, word: string) =>
  Array.from({ length: to - from }, (_, at) => `h${from + at} 60 TXT "${word} ${from + at}" "${PAD}" "${PAD}"`);
const FIRST = [...HEAD, ...hosts(0, NAMES, 'one')];
/** Three names are others, one is no more, one is new. */
const FEW = [...HEAD, ...hosts(0, 3, 'two'), ...hosts(4, NAMES, 'one'), 'new 60 A 192.0.2.9'];
/** Half of all names are others. */
const MANY = [...HEAD, ...hosts(0, NAMES / 2, 'three'), ...hosts(NAMES / 2, NAMES, 'one'), 'new 60 A 192.0.2.9'];
const EVIL = 'evil.example. 60 A 192.0.2.1';
const CNAME_TOO = [...FIRST, 'h7 60 CNAME ns'];

/** A primary that sends what the test sets, in messages of some 50 KB. */
async function primary() {
  const state = { serial: 2, body: FIRST, rcode: 0, asked: [] as number[] };
  const made = new Map<readonly string[], readonly Buffer[]>();
  const bodies = (lines: readonly string[]): readonly Buffer[] => {
    const count = Math.ceil(lines.length / 100);
    const parts = Array.from({ length: count }, (_, at) => lines.slice(at * 100, at * 100 + 100));
    const of = (each: readonly string[]) => message({ id: 0, type: TYPE.AXFR, lines: each, question: false });
    const octets = made.get(lines) ?? parts.map(of);
    made.set(lines, octets);
    return octets;
  };
  const at = await fakePrimary(({ id, type }, send) => {
    state.asked.push(type);
    const { serial, body, rcode } = state;
    if (rcode !== 0) return send(message({ id, type, rcode }));
    send(message({ id, type, lines: [soa(serial)] }));
    for (const each of bodies(body)) {
      each.writeUInt16BE(id, 0);
      send(Buffer.from(each));
    }
    send(message({ id, type, lines: [soa(serial)], question: false }));
  });
  return { at, state };
}

/** A control whose large zones are made ready apart; `before` is called with each. */
function apart(before?: (request: ImportRequest, signal: AbortSignal) => unknown, more: object = {}) {
  const here = importsHere(before);
  // As the process answers (control/import/import-child.ts).
  const runImport: RunImport = async (...order) => {
    try {
      return await here.runImport(...order);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      return { reply: { kind: 'rejected', problems: [error.problem] }, nodes: [], close: () => {} };
    }
  };
  return { here, room: temporaryControl({ runImport, fillLimits: FILL, ...more }) };
}

const record = (room: TestControl) => room.writer.zoneByName(ZONE)!;
const stateOf = (room: TestControl) => room.control.transfer.primaries(record(room))!;
const failureOf = (room: TestControl) => room.control.transfer.primaries(record(room))?.primaries[0]?.failure;
function alerts({ writer }: TestControl) {
  const all = writer.events(0, 1000).filter(({ kind }) => kind === 'alert');
  return all.map(({ event }) => event);
}

async function follow(room: TestControl, at: IpPort, isSigning = false): Promise<void> {
  good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries: [{ ip: at.ip, port: at.port }], isSigning }));
}

/** Lets what is due be done, and waits for its end. */
async function look(room: TestControl, afterMs = 0): Promise<void> {
  room.clock.pass(afterMs);
  room.control.transferParts.keeper.tick();
  const isLooking = () => {
    const now = room.writer.zoneByName(ZONE);
    return now !== undefined && room.control.transfer.primaries(now)?.isLooking === true;
  };
  for (let looks = 0; looks < 3000 && isLooking(); looks++) await delay(10);
}

/** Names of the zone, with the first string of each TXT and each address. */
function content(room: TestControl): ReadonlyMap<string, string> {
  const view = room.writer.view(record(room));
  const text = ({ rdatas }: { readonly rdatas: readonly Uint8Array[] }) =>
    Buffer.from(rdatas[0]!.subarray(1, 1 + rdatas[0]![0]!)).toString('latin1');
  return new Map(
    [...view.ascend(view.apexKey)].map((node) => {
      const [txt, a] = [rrsetOf(node, TYPE.TXT), rrsetOf(node, TYPE.A)];
      return [formatName(node.owner), txt ? text(txt) : (a?.rdatas[0]?.join('.') ?? '')];
    }),
  );
}

/** What is published of the zone; signatures of our own are random. */
function published({ writer }: TestControl) {
  const zone = writer.zoneByName(ZONE);
  if (zone === undefined) return undefined;
  const view = writer.view(zone);
  const own: readonly number[] = [TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY];
  const isOurs = zone.keys.length > 0;
  const shown = ({ key, owner, rrsets }: ZoneNode) => [
    `${key} ${formatName(owner)}`,
    rrsets
      .filter(({ type }) => !isOurs || !own.includes(type))
      .map(({ signatures, ...rest }) => ({ ...rest, signatures: isOurs ? signatures.length : signatures })),
  ];
  const [nodes, hashed] = [view, view.hashed].map((tree) => [...tree.ascend(view.apexKey)].map(shown));
  const { serial, dnssec, nodeCount, denial, secondary } = zone;
  return { serial, dnssec, nodeCount, denial, secondary, keys: zone.keys.length, nodes, hashed };
}

const steps = ({ writer }: TestControl) =>
  writer.journal(writer.zoneByName(ZONE)!.id, 10).map(({ fromSerial, toSerial }) => `${fromSerial}-${toSerial}`);

/** Waits until nothing is left of what was written beside the zone, and no file of it is open. */
async function untilClean({ writer }: TestControl): Promise<void> {
  const isClean = () => writer.documentIds(0, FILLING_KIND).length === 0 && openFiles() === 0;
  for (let looks = 0; looks < 1000 && !isClean(); looks++) await delay(5);
  expect([writer.documentIds(0, FILLING_KIND), openFiles()]).toEqual([[], 0]);
  expect(verifyStore(writer).problems).toEqual([]);
}

/** Files of transfers that this process has open. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((each) => {
    try {
      return /\/transfer-[^/]* \(deleted\)$/.test(readlinkSync(`/proc/self/fd/${each}`));
    } catch {
      // That of the folder that was read.
      return false;
    }
  }).length;
}

let from: Awaited<ReturnType<typeof primary>>;
beforeEach(async () => {
  from = await primary();
});

describe.each([
  ['a copy', false],
  ['signed here', true],
])('%s', (_what, isSigning) => {
  const nodeCount = NAMES + 2;

  test('the zone comes, and newer versions of it, as they do where nothing is made apart', async () => {
    const { here, room } = apart();
    const other = temporaryControl();
    for (const each of [room, other]) {
      await follow(each, from.at, isSigning);
      await look(each);
    }
    const work = { kind: 'transfer', from: { ip: '127.0.0.1', serial: 2 }, asked: { type: TYPE.AXFR } };
    expect(here.requests).toMatchObject([{ work }]);
    const [mode, dnssec] = isSigning ? ['sign', 'on'] : ['copy', 'off'];
    expect(record(room)).toMatchObject({ nodeCount, dnssec, secondary: { mode } });
    expect(content(room).get('h2399.z.example.')).toBe('one 2399');
    expect(published(room)).toEqual(published(other));
    await untilClean(room);
    const serials = [record(room).serial];
    for (const [serial, body] of [
      [3, FEW],
      [4, MANY],
    ] as const) {
      Object.assign(from.state, { serial, body });
      for (const each of [room, other]) await look(each, 110_000);
      serials.push(record(room).serial);
      expect(stateOf(room)).toMatchObject({ state: 'current', serial });
      expect(here.requests).toHaveLength(serial - 1);
      expect(published(room)).toEqual(published(other));
      await untilClean(room);
    }
    const now = content(room);
    expect(['h0', 'h1199', 'h1200', 'new', 'h3'].map((name) => now.get(`${name}.z.example.`))).toEqual([
      'three 0',
      'three 1199',
      'one 1200',
      '192.0.2.9',
      'three 3',
    ]);
    expect([record(room).nodeCount, steps(room)]).toEqual([nodeCount + 1, steps(other)]);
    expect(serials).toEqual([2, 3, 4]);
  });

  test('what is written with it: when it was looked at, and an entry of the audit log', async () => {
    const { room } = apart();
    await follow(room, from.at, isSigning);
    await look(room);
    expect(readChecked(room.writer, record(room).id)).toEqual({
      version: 1,
      checkedAtMs: TEST_NOW_MS,
      serial: 2,
      // Of its SOA.
      expireSeconds: 1000,
    });
    const [entry] = room.writer.audit(10).filter(({ action }) => action === 'zone.transfer');
    expect(entry).toMatchObject({
      atMs: TEST_NOW_MS,
      actor: { kind: 'system', id: 'secondary', from: '' },
      zone: 'z.example.',
      detail: expect.stringMatching(/^serial 2 from 127\.0\.0\.1 \(AXFR, 27 messages, 1\d{6} octets\) \(serial 0 → /),
      changes: [{ zone: 'z.example.', fromSerial: 0, toSerial: record(room).serial }],
    });
  });
});

test.each<readonly [string, boolean, readonly string[], RegExp]>([
  ['RFC 1034 §3.6.2: CNAME and other data', false, CNAME_TOO, /^sends a zone that cannot be served: .*h7.*CNAME/],
  ['RFC 1034 §4.2.1: no NS', false, FIRST.slice(1), /^sends a zone that cannot be served: .*no NS/],
  ['a record of another zone', false, [...FIRST, EVIL], /^sends evil\.example\., which is not in the zone$/],
  ['to be signed here, CNAME and other data', true, CNAME_TOO, /^sends a zone that cannot be served: .*h7.*CNAME/],
])('%s: it is not taken, in the same words, and the zone is as it was', async (_why, isSigning, body, words) => {
  const { room, here } = apart();
  const other = temporaryControl();
  for (const each of [room, other]) {
    await follow(each, from.at, isSigning);
    await look(each);
  }
  const [before, { revision }] = [published(room), record(room)];
  Object.assign(from.state, { serial: 3, body });
  for (const each of [room, other]) await look(each, 110_000);
  expect([here.requests.length, failureOf(room)]).toEqual([2, expect.stringMatching(words)]);
  expect(failureOf(room)).toBe(failureOf(other));
  expect([stateOf(room).state, alerts(room)]).toEqual(['failing', ['PRIMARY_FAILED']]);
  expect(published(room)).toEqual(before);
  expect(record(room).revision).toBe(revision);
  await untilClean(room);
  // And comes when the primary has mended it.
  Object.assign(from.state, { serial: 4, body: FEW });
  await look(room, 60_000);
  expect(stateOf(room)).toMatchObject({ state: 'current', serial: 4 });
  expect(content(room).get('new.z.example.')).toBe('192.0.2.9');
});

test('what is signed already is not taken to be signed here, as where nothing is made apart', async () => {
  from.state.body = [...FIRST, 'ns 60 NSEC z.example. A'];
  const { room, here } = apart();
  await follow(room, from.at, true);
  await look(room);
  expect(here.requests).toHaveLength(1);
  expect(failureOf(room)).toMatch(/^sends a zone that is signed already \(NSEC\)/);
  expect(record(room)).toMatchObject({ nodeCount: 0, serial: 0 });
  await untilClean(room);
});

test('a zone below 1 MiB is made ready here', async () => {
  from.state.body = [...HEAD, ...hosts(0, 100, 'one')];
  const { room, here } = apart();
  await follow(room, from.at);
  await look(room);
  expect([here.requests, record(room).nodeCount]).toEqual([[], 102]);
});

test.each(['NSEC', 'NSEC3'] as const)('RFC 4035 §3, RFC 5155 §7: a zone that another signed, %s', async (denial) => {
  const names = Array.from({ length: 1600 }, (_, at) => `h${at}`);
  const over = (type: string) => `RRSIG ${type} 13 3 60 20300101000000 20200101000000 1 z.example. ${'A'.repeat(88)}`;
  const chain = (at: number) =>
    denial === 'NSEC'
      ? [`h${at} 60 NSEC z.example. TXT RRSIG NSEC`, `h${at} 60 ${over('NSEC')}`]
      : [`${hashOf(at)} 60 NSEC3 1 0 0 - ${hashOf(at + 1)} TXT RRSIG`, `${hashOf(at)} 60 ${over('NSEC3')}`];
  const hashOf = (at: number) => at.toString(32).padStart(32, '0');
  const first = denial === 'NSEC' ? '@ 60 NSEC h0.z.example. NS SOA RRSIG NSEC' : '@ 0 NSEC3PARAM 1 0 0 -';
  const text = (name: string, word: string) => `${name} 60 TXT "${word}" "${PAD}" "${PAD}"`;
  const bodyOf = (word: string) => [
    ...HEAD,
    ...names.flatMap((name, at) => [text(name, word), `${name} 60 ${over('TXT')}`, ...chain(at)]),
    ...[`@ 60 ${over('SOA')}`, first],
  ];
  from.state.body = bodyOf('one');
  const { here, room } = apart();
  const other = temporaryControl();
  for (const each of [room, other]) {
    await follow(each, from.at);
    await look(each);
  }
  expect([here.requests.length, record(room).nodeCount, record(room).dnssec]).toEqual([1, names.length + 2, 'on']);
  const found = published(room);
  expect(found?.hashed).toHaveLength(denial === 'NSEC' ? 0 : names.length);
  expect(found).toEqual(published(other));
  const entries = [room, other].map(({ writer }) => writer.audit(10).find(({ action }) => action === 'zone.transfer')!);
  const [ours, theirs] = entries.map(({ changes, detail }) => ({ changes, detail }));
  expect(ours).toEqual(theirs);
  Object.assign(from.state, { serial: 3, body: bodyOf('two') });
  for (const each of [room, other]) await look(each, 110_000);
  expect([here.requests.length, record(room).serial, content(room).get('h7.z.example.')]).toEqual([2, 3, 'two']);
  expect(published(room)).toEqual(published(other));
  await untilClean(room);
});

describe('RFC 1995 §4: differences', () => {
  const gone = hosts(0, NAMES, 'one').slice(100);
  const came = hosts(100, NAMES, 'two');
  /** All names but a hundred are others. */
  const STEP = [soa(2), ...gone, soa(3), ...came];
  const AFTER = [...HEAD, ...hosts(0, 100, 'one'), ...came];

  test('that are large are made ready apart, and come to the same as the whole zone', async () => {
    const { here, room } = apart();
    const [whole, inTurn] = [temporaryControl(), temporaryControl()];
    for (const each of [room, whole, inTurn]) {
      await follow(each, from.at);
      await look(each);
    }
    Object.assign(from.state, { serial: 3, body: STEP });
    for (const each of [room, inTurn]) await look(each, 110_000);
    expect(from.state.asked.slice(-2)).toEqual([TYPE.IXFR, TYPE.IXFR]);
    const how = expect.stringMatching(/^IXFR/) as string;
    expect(here.requests[1]?.work).toMatchObject({ kind: 'transfer', since: 2, from: { how } });
    from.state.body = AFTER;
    await look(whole, 110_000);
    expect([record(room).serial, content(room).get('h99.z.example.'), content(room).get('h100.z.example.')]).toEqual([
      3,
      'one 99',
      'two 100',
    ]);
    expect(published(room)).toEqual(published(whole));
    expect(published(room)).toEqual(published(inTurn));
    expect(steps(room)).toEqual(steps(inTurn));
    await untilClean(room);
  });

  test('that do not fit are followed by the whole zone', async () => {
    const { here, room } = apart();
    await follow(room, from.at);
    await look(room);
    // h5 has other records here.
    const misfit = [soa(2), ...gone, 'h5 60 A 192.0.2.5', soa(3), ...came];
    const isIxfr = () => from.state.asked.at(-1) === TYPE.IXFR;
    Object.defineProperty(from.state, 'body', { get: () => (isIxfr() ? misfit : AFTER) });
    from.state.serial = 3;
    await look(room, 110_000);
    expect(from.state.asked).toEqual([TYPE.AXFR, TYPE.IXFR, TYPE.AXFR]);
    expect([here.requests.length, record(room).serial]).toEqual([3, 3]);
    expect(content(room).get('h100.z.example.')).toBe('two 100');
    expect([failureOf(room), alerts(room)]).toEqual([undefined, []]);
    await untilClean(room);
  });
});

test('RFC 1995 §4: a large zone as answer to IXFR', async () => {
  const { room, here } = apart();
  await follow(room, from.at);
  await look(room);
  Object.assign(from.state, { serial: 3, body: FEW });
  await look(room, 110_000);
  expect(from.state.asked).toEqual([TYPE.AXFR, TYPE.IXFR]);
  expect(here.requests[1]?.work).toMatchObject({ kind: 'transfer', asked: { type: TYPE.IXFR, apex: ZONE } });
  expect([record(room).serial, steps(room)]).toEqual([3, expect.arrayContaining(['2-3'])]);
});

test('records of what covers nothing are left out, and said', async () => {
  const signature = '13 3 60 20300101000000 20200101000000 1 z.example. AAAA';
  from.state.body = [...FIRST, `h1 60 RRSIG A ${signature}`, `h2 60 RRSIG A ${signature}`];
  const { room } = apart();
  await follow(room, from.at);
  await look(room);
  expect(stateOf(room).notes).toEqual(['2 RRSIG records that cover nothing are left out']);
  expect(record(room).nodeCount).toBe(NAMES + 2);
});

test('RFC 1034 §4.3.5: a zone that has expired is answered for again when it comes', async () => {
  const { room } = apart();
  await follow(room, from.at);
  await look(room);
  from.state.rcode = 5;
  await look(room, 110_000);
  await look(room, 1_100_000);
  await look(room);
  expect([stateOf(room).state, record(room).secondary]).toEqual(['expired', { mode: 'copy', isExpired: true }]);
  Object.assign(from.state, { serial: 3, body: FEW, rcode: 0 });
  await look(room, 60_000);
  expect([stateOf(room).state, record(room).secondary, record(room).serial]).toEqual(['current', { mode: 'copy' }, 3]);
});

test('RFC 9432 §5.6: a zone that its catalog has reset comes whole, and with it that it has come', async () => {
  const { room, here } = apart();
  const membership = { catalog: 'c.test.', catalogId: 9, label: 'x', groups: [], isReset: true } as const;
  const primaries = [{ ip: from.at.ip, port: from.at.port }];
  good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries, isSigning: false, membership }));
  await look(room);
  expect([here.requests.length, record(room).serial]).toEqual([1, 2]);
  expect(readMembership(room.writer, record(room).id)).toMatchObject({ catalog: 'c.test.', label: 'x' });
  expect(readMembership(room.writer, record(room).id)).not.toHaveProperty('isReset');
});

describe('keys of a zone that is signed here', () => {
  test('the process gets those of the zone, under a key for this once, and not the key-encryption key', async () => {
    const { here, room } = apart();
    await room.load('other.example.', '@ 60 SOA ns host 1 100 50 1000 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
    await follow(room, from.at, true);
    await look(room);
    Object.assign(from.state, { serial: 3, body: FEW });
    await look(room, 110_000);
    const [first, second] = here.requests;
    expect([here.requests.length, first!.secrets.size]).toEqual([2, 0]);
    const [key] = record(room).keys;
    expect([...second!.secrets.keys()]).toEqual([key!.id]);
    const all = JSON.stringify(second, (_name, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value instanceof Map ? [...value] : value,
    );
    expect(all).toContain(Buffer.from(second!.sessionKey).toString('hex'));
    expect(all).not.toContain(Buffer.from(TEST_KEK).toString('hex'));
    expect(Buffer.from(second!.sessionKey).equals(Buffer.from(first!.sessionKey))).toBe(false);
  });

  test('that were made with it are under the key-encryption key, and sign after a restart', async () => {
    const { room } = apart();
    await follow(room, from.at, true);
    await look(room);
    const before = record(room).keys;
    expect(before).toHaveLength(1);
    await room.control.close();
    const again = temporaryControl({ in: room.dir });
    good(await again.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
    expect(record(again).keys).toEqual(before);
    const view = again.writer.view(record(again));
    const node = [...view.ascend(view.apexKey)].find(({ owner }) => formatName(owner) === '_smtp._tls.z.example.');
    expect(rrsetOf(node, TYPE.TXT)?.signatures).toHaveLength(1);
  });
});

describe('beside other changes', () => {
  type Meanwhile = (room: TestControl, request: number) => unknown;
  /** `meanwhile`: what is done while each transfer is made ready after the zone has come. */
  async function busy(isSigning: boolean, meanwhile: Meanwhile, more: object = {}) {
    const state = { isArmed: false, count: 0 };
    const both = apart(async () => {
      if (state.isArmed) await meanwhile(both.room, ++state.count);
    }, more);
    const { room, here } = both;
    await follow(room, from.at, isSigning);
    await look(room);
    expect([record(room).nodeCount, here.requests.length]).toEqual([NAMES + 2, 1]);
    Object.assign(from.state, { serial: 3, body: MANY });
    Object.assign(state, { isArmed: true });
    return { room, here, state };
  }

  const bySystem = (room: TestControl, command: Command) => room.run(command, { actor: SYSTEM });

  test('other zones are changed while it is made ready', async () => {
    const OTHER = nameOf('other.example.');
    const records = (count: number) => [`192.0.2.${count}`];
    let changes = 0;
    const { room } = await busy(false, async (its) => {
      for (; changes < 5; changes++) {
        const operations = [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: records(changes + 1) }] as const;
        good(await its.run({ kind: 'rrsets.change', zone: OTHER, operations }));
        expect(record(its).serial).toBe(2);
      }
    });
    await room.load('other.example.', '@ 60 SOA ns host 1 100 50 1000 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
    await look(room, 110_000);
    expect([changes, record(room).serial]).toEqual([5, 3]);
  });

  test('other zones are changed between the slices in which its names are written', async () => {
    const { room } = await busy(false, () => undefined);
    await room.load('other.example.', '@ 60 SOA ns host 1 100 50 1000 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
    const looked = look(room, 110_000);
    let changes = 0;
    for (let turns = 0; turns < 100_000 && record(room).serial === 2; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (room.writer.documentIds(0, FILLING_KIND).length === 0) continue;
      const records = [`192.0.2.${(changes % 200) + 1}`];
      const operations = [{ op: 'set', name: 'www', type: 'A', ttl: 60, records }] as const;
      good(await room.run({ kind: 'rrsets.change', zone: nameOf('other.example.'), operations }));
      // All of the zone is as it was until all of it is another.
      if (record(room).serial === 2) expect(content(room).get('h0.z.example.')).toBe('one 0');
      changes++;
    }
    await looked;
    expect(changes).toBeGreaterThan(2);
    expect([record(room).serial, content(room).get('h0.z.example.')]).toEqual([3, 'three 0']);
    await untilClean(room);
  });

  test('upkeep changes the zone meanwhile: it is made again, on the zone as it is now', async () => {
    const { room, here, state } = await busy(true, async (its, count) => {
      if (count === 1) good(await bySystem(its, { kind: 'mail.apply', zone: ZONE, policy: POLICY }));
    });
    await look(room, 110_000);
    expect([state.count, here.requests.length]).toEqual([2, 3]);
    const now = content(room);
    expect(now.get('_smtp._tls.z.example.')).toBe('v=TLSRPTv1; rua=mailto:tls@z.example');
    expect(now.get('h0.z.example.')).toBe('three 0');
    expect([stateOf(room).state, stateOf(room).serial, failureOf(room)]).toEqual(['current', 3, undefined]);
    await untilClean(room);
  });

  test('a key of the zone comes meanwhile, as a rollover brings it: it is made again, with that key', async () => {
    const { room, here, state } = await busy(true, async (its, count) => {
      if (count === 1) good(await bySystem(its, { kind: 'dnssec.roll', zone: ZONE, role: 'csk' }));
    });
    await look(room, 110_000);
    expect([failureOf(room), alerts(room), state.count]).toEqual([undefined, [], 2]);
    expect([here.requests.at(-1)?.secrets.size, record(room).keys.length]).toEqual([2, 2]);
    expect([stateOf(room).serial, content(room).get('h0.z.example.')]).toEqual([3, 'three 0']);
  });

  test('a zone that changes under every try is looked at again, and no primary has failed', async () => {
    let last = 0;
    const { room, state } = await busy(true, async (its, count) => {
      if (count > 3) return;
      const policy = { tlsRpt: { rua: [`mailto:tls${++last}@z.example`] } };
      good(await bySystem(its, { kind: 'mail.apply', zone: ZONE, policy }));
    });
    await look(room, 110_000);
    expect([state.count, stateOf(room).serial, content(room).get('h0.z.example.')]).toEqual([3, 2, 'one 0']);
    expect([stateOf(room).state, failureOf(room), alerts(room)]).toEqual(['current', undefined, []]);
    await untilClean(room);
    await look(room, 1_000);
    expect([state.count, stateOf(room).serial, content(room).get('h0.z.example.')]).toEqual([4, 3, 'three 0']);
  });

  test('a change of the zone that waits too long is turned away, as is one that waits for an import', async () => {
    const problems: Problem[] = [];
    const { room } = await busy(
      true,
      async (its) => void problems.push(...bad(await its.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }))),
      { importWaitMs: 20 },
    );
    await look(room, 110_000);
    const words = 'a transfer of z.example. is under way; nothing was changed';
    expect(problems).toMatchObject([{ code: 'IMPORT_UNDER_WAY', message: words }]);
    expect([record(room).nodeCount, stateOf(room).serial]).toEqual([NAMES + 3, 3]);
    // It is not held any more.
    good(await room.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  });

  test('a change of the zone that comes meanwhile is made when it has ended', async () => {
    const applied: Promise<unknown>[] = [];
    const { room } = await busy(true, (its) => {
      applied.push(its.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }).then(good));
    });
    await look(room, 110_000);
    await Promise.all(applied);
    const now = content(room);
    expect([applied.length, now.get('h0.z.example.'), now.has('_smtp._tls.z.example.')]).toEqual([1, 'three 0', true]);
  });

  test('the zone is removed meanwhile: nothing of it is there', async () => {
    const remove = { kind: 'zone.remove', zone: ZONE } as const;
    const { room } = await busy(false, async (its) => void good(await bySystem(its, remove)));
    await look(room, 110_000);
    await untilClean(room);
    expect([room.writer.zoneByName(ZONE), alerts(room)]).toEqual([undefined, []]);
  });

  test('the zone is removed and made again meanwhile: what came for the one before is not taken', async () => {
    const { room, here, state } = await busy(false, async (its, count) => {
      if (count > 1) return;
      good(await bySystem(its, { kind: 'zone.remove', zone: ZONE }));
      // Nothing is there at this port.
      const primaries = [{ ip: '127.0.0.1', port: 9 }];
      good(await bySystem(its, { kind: 'secondary.create', zone: ZONE, primaries, isSigning: false }));
    });
    const before = record(room).id;
    await look(room, 110_000);
    await untilClean(room);
    expect([state.count, here.requests.length]).toEqual([1, 2]);
    expect(record(room)).toMatchObject({ nodeCount: 0, serial: 0 });
    expect(record(room).id).not.toBe(before);
    expect(readChecked(room.writer, record(room).id)).toBeUndefined();
  });

  test.each([
    ['a copy is signed here from now on', false, 'sign'],
    ['a copy is kept here from now on', false, 'primary'],
    ['what was signed here as it came is kept here from now on', true, 'primary'],
  ] as const)('%s: nothing of what comes is written, and no primary has failed', async (_what, isSigning, role) => {
    const state: { left?: unknown } = {};
    const { room } = await busy(isSigning, async (its, count) => {
      if (count > 1) return;
      good(await bySystem(its, { kind: 'zone.role', zone: ZONE, role }));
      state.left = published(its);
    });
    room.clock.pass(110_000);
    room.control.transferParts.keeper.tick();
    for (let looks = 0; looks < 1000 && state.left === undefined; looks++) await delay(10);
    await untilClean(room);
    // What follows from its end is done.
    await delay(100);
    expect(record(room).secondary?.mode).toBe(role === 'sign' ? 'sign' : undefined);
    expect(published(room)).toEqual(state.left);
    expect([content(room).get('h0.z.example.'), failureOf(room), alerts(room)]).toEqual(['one 0', undefined, []]);
  });
});

describe('what ends it', () => {
  /** The transfer of a newer version waits, for as long as it is not ended. */
  async function waiting() {
    const begun = Promise.withResolvers<void>();
    const state = { isArmed: false };
    const both = apart((_request, signal) => {
      if (!state.isArmed) return undefined;
      begun.resolve();
      return new Promise((_resolve, reject) => {
        const end = () => reject(new Error('it was stopped'));
        if (signal.aborted) end();
        signal.addEventListener('abort', end);
      });
    });
    const { room } = both;
    await follow(room, from.at);
    await look(room);
    Object.assign(from.state, { serial: 3, body: FEW });
    state.isArmed = true;
    const before = published(room);
    const looked = look(room, 110_000);
    await begun.promise;
    return { ...both, before, looked };
  }

  test('the keeper stops: at once, and the zone is as it was', async () => {
    const { room, before, looked } = await waiting();
    await room.control.transferParts.keeper.stop();
    await looked;
    await untilClean(room);
    expect(published(room)).toEqual(before);
    expect([failureOf(room), alerts(room)]).toEqual([undefined, []]);
  });

  test('the server stops: at once, the zone is as it was, and no primary has failed', async () => {
    const { room, before, looked } = await waiting();
    // In the order of process/control-service.ts, which stops others between the two.
    await room.control.endLongRequests();
    await delay(20);
    await room.control.transferParts.keeper.stop();
    await looked;
    await untilClean(room);
    expect(published(room)).toEqual(before);
    expect([failureOf(room), alerts(room)]).toEqual([undefined, []]);
  });

  test('its process fails: the zone is as it was, the problem says so, and the next look brings it', async () => {
    const here = importsHere();
    let failures = 0;
    const room = temporaryControl({
      fillLimits: FILL,
      runImport(...order) {
        if (failures-- > 0) return Promise.reject(new Error('ended early (SIGKILL)'));
        return here.runImport(...order);
      },
    });
    await follow(room, from.at);
    await look(room);
    const before = published(room);
    Object.assign(from.state, { serial: 3, body: FEW });
    failures = 1;
    await look(room, 110_000);
    expect(failureOf(room)).toMatch(
      /^sends a zone that is not written: .*the transfer of z\.example\. was not made: .*SIGKILL.*nothing was/,
    );
    expect(published(room)).toEqual(before);
    await untilClean(room);
    await look(room, 60_000);
    expect([stateOf(room).state, record(room).serial]).toEqual(['current', 3]);
  });
});

describe('turns of what is made ready', () => {
  /** Work whose process ends when the test says so, without a store. */
  function bench() {
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    let closed = 0;
    const options = {
      writer: { zoneByName: () => ({ id: 1, keys: [] }), document: () => undefined, nextZoneId: () => 7, dir: '/none' },
      clock: { nowMs: () => 0 },
      time: { nowMs: () => 0 },
      signingClock: { read: () => ({ earliestMs: 0, latestMs: 0 }), problem: () => undefined },
      recordsPerRrsetMax: 100,
      filling: { sweep: () => Promise.resolve() },
      funnel: {
        async changeAfter(_turn: unknown, around: () => Promise<Result<() => unknown>>) {
          const decide = await around();
          return decide.ok ? ((await decide.value()) as Result<Done>) : decide;
        },
      },
      stopping: new AbortController().signal,
      follow: () => {},
      onDue: () => {},
      async runImport({ zone }: { readonly zone: Name }) {
        const name = formatName(zone);
        begun.push(name);
        const { promise, resolve } = Promise.withResolvers<void>();
        ends.set(name, resolve);
        await promise;
        const nothing = { warnings: [], parts: [], changed: false, write: undefined };
        const made = { ...nothing, fileBytes: 0, names: 0, notes: [name] };
        return { reply: { kind: 'made', made }, nodes: [], close: () => closed++ };
      },
    };
    const work = new ApartWork(options as unknown as ApartOptions);
    const begin = (name: string, lane: string, isLarge = false, more: Partial<ApartOrder> = {}) => {
      const zone = nameOf(name);
      const turn = { actor: SYSTEM, action: 'zone.transfer' };
      const order: ApartOrder = {
        ...{ zone, turn, lane, isLarge, input: { text: '' }, what: 'transfer' },
        early: () => Promise.resolve(ok(undefined)),
        clockProblem: () => undefined,
        request: () => ({ zone, turn, work: {} as never, inputBytes: 0, parent: undefined }),
        base: () => '',
        decide: (settle) => settle,
        ...more,
      };
      return work.carryOut(order, () => {});
    };
    const settled = async () => {
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    };
    const end = async (name: string): Promise<void> => {
      ends.get(name)!();
      await settled();
    };
    return { begin, begun, end, settled, closed: () => closed };
  }

  test('one at a time; lanes take turns; large ones have turns of their own', async () => {
    const { begin, begun, end, settled, closed } = bench();
    const all = [
      begin('a1.', 'primary a'),
      begin('a2.', 'primary a'),
      begin('a3.', 'primary a'),
      begin('b1.', 'primary b'),
      begin('large1.', 'primary a', true),
      begin('large2.', 'primary b', true),
    ];
    await settled();
    expect(begun).toEqual(['a1.', 'large1.']);
    await end('a1.');
    expect(begun).toEqual(['a1.', 'large1.', 'b1.']);
    await end('b1.');
    expect(begun).toEqual(['a1.', 'large1.', 'b1.', 'a2.']);
    await end('large1.');
    expect(begun.at(-1)).toBe('large2.');
    for (const name of ['a2.', 'a3.', 'large2.']) await end(name);
    expect((await Promise.all(all)).map(({ ok: isOk }) => isOk)).toEqual([true, true, true, true, true, true]);
    expect([begun.length, closed()]).toEqual([6, 6]);
  });

  test('one that is ended while it waits never begins', async () => {
    const { begin, begun, end, settled } = bench();
    const gone = new AbortController();
    const [first, second] = [begin('a1.', 'a'), begin('a2.', 'a', false, { signal: gone.signal })];
    await settled();
    gone.abort();
    await end('a1.');
    good(await first);
    expect(bad(await second)).toMatchObject([
      { code: 'IMPORT_FAILED', message: 'the transfer of a2. was not made: it was stopped; nothing was changed' },
    ]);
    expect(begun).toEqual(['a1.']);
  });

  test('what it is made of changes under every try: three, then it says so; each file is closed', async () => {
    const { begin, begun, end, settled, closed } = bench();
    let base = 0;
    const done = begin('a1.', 'a', false, { base: () => String(base++) });
    await settled();
    for (let tries = 0; tries < 3; tries++) await end('a1.');
    expect(bad(await done)).toMatchObject([
      { code: 'IMPORT_OVERTAKEN', message: expect.stringMatching(/^a1\. .*changed 3 times while its transfer/) },
    ]);
    expect([begun, closed()]).toEqual([['a1.', 'a1.', 'a1.'], 3]);
  });

  test('what is against it already is said before any work; what is against it in its turn, after that', async () => {
    const { begin, begun, end, settled } = bench();
    const problem = no('PRECONDITION', atZone('a1.'), 'it is otherwise');
    expect(bad(await begin('a1.', 'a', false, { early: () => Promise.resolve(fail(problem)) }))).toEqual([problem]);
    expect(bad(await begin('a1.', 'a', false, { clockProblem: () => problem }))).toEqual([problem]);
    expect(begun).toEqual([]);
    const late = begin('a1.', 'a', false, { decide: () => () => fail(problem) });
    await settled();
    await end('a1.');
    expect([bad(await late), begun]).toEqual([[problem], ['a1.']]);
  });
});
