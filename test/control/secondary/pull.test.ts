/** One look at one primary: which questions follow from which answers. */
import { describe, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { TRANSFER_IN_RECORDS_MAX } from '#base/limits/transfer.ts';
import { atZone } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { TransferPlaces } from '#control/secondary/places.ts';
import { type PullOptions, pull } from '#control/secondary/pull.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { type SoaAnswer } from '#control/secondary/ask-soa.ts';
import { type FetchFailure, type FetchOrder, type Fetched } from '#control/secondary/fetch-zone.ts';
import { type TransferOrder } from '#control/secondary/take-apart.ts';
import { ZONE, record, soa } from '../../support/transfer-messages.ts';
import { type ZoneRecord } from '#store/schema.ts';

const lines = (serial: number) => [soa(serial), '@ 60 NS ns', 'ns 60 A 192.0.2.1'].map(record);
const times = { createdAtMs: 0, changedAtMs: 0, revision: 1, nodeCount: 2 };
const zone: ZoneRecord = { id: 1, name: 'z.example.', dnssec: 'off', serial: 5, keys: [], secondary: { mode: 'copy' }, ...times };
const order = {
  server: ipPort('192.0.2.1', 53),
  key: undefined,
  apex: ZONE,
  record: zone,
  view: receivedZone(ZONE, lines(5)).zone,
  serial: 5,
  known: { ttl: 60, rdata: record(soa(5)).rdata },
};
const whole = (serial: number): Fetched => ({
  received: { kind: 'whole', serial, records: lines(serial) },
  expireSeconds: undefined,
  messages: 1,
  bytes: 100,
});

/** What was asked, and how it ended. */
function pulled(soaAnswer: SoaAnswer, ...fetched: readonly (Fetched | FetchFailure)[]) {
  return pulledOf(zone, soaAnswer, ...fetched);
}

async function pulledOf(of: ZoneRecord, soaAnswer: SoaAnswer, ...fetched: readonly (Fetched | FetchFailure)[]) {
  const asked: string[] = [];
  const answers = [...fetched];
  const options: PullOptions = {
    askSoa: () => Promise.resolve((asked.push('SOA'), soaAnswer)),
    fetchZone: ({ known }) => Promise.resolve((asked.push(known === undefined ? 'AXFR' : 'IXFR'), answers.shift()!)),
    inPlace: (_address, work) => work({ reserve: () => 'taken', signal: new AbortController().signal, keep: () => {} }),
    now: () => 0,
    signal: new AbortController().signal,
    recordsPerRrsetMax: 100,
  };
  const result = await pull({ ...order, record: of }, options);
  const said = 'failure' in result ? result.failure : `${result.kind} ${result.serial}`;
  return [asked.join(' '), said];
}

const newer = { serial: 6, expireSeconds: undefined };
const answered = (failure: string): FetchFailure => ({ failure, isAnswer: true });

test('RFC 1034 §4.3.5: nothing is transferred where nothing is newer (RFC 1982 §3.2)', async () => {
  expect(await pulled({ serial: 5, expireSeconds: 9 })).toEqual(['SOA', 'current 5']);
  expect(await pulled({ serial: 4, expireSeconds: undefined })).toEqual(['SOA', 'current 4']);
});

test('RFC 9432 §6: the SOA of a catalog is asked for with IXFR, because no query gets it', async () => {
  const current: Fetched = { ...whole(5), received: { kind: 'current', serial: 5 } };
  const refused = { failure: 'answers REFUSED', isSilent: false };
  expect(await pulledOf({ ...zone, isCatalog: true }, refused, current)).toEqual(['IXFR', 'current 5']);
});

test('RFC 1995 §2: IXFR first, AXFR where the primary does not have it or its steps are wrong', async () => {
  expect(await pulled(newer, whole(6))).toEqual(['SOA IXFR', 'new 6']);
  expect(await pulled(newer, answered('answers NOTIMP'), whole(6))).toEqual(['SOA IXFR AXFR', 'new 6']);
  const misfit: Fetched = { ...whole(6), received: { kind: 'differences', serial: 6, differences: [] } };
  expect(await pulled(newer, misfit, whole(6))).toEqual(['SOA IXFR AXFR', 'new 6']);
  expect(await pulled(newer, answered('answers NOTIMP'), answered('answers REFUSED'))).toEqual(['SOA IXFR AXFR', 'answers REFUSED']);
});

test('a primary that is silent over UDP is asked over TCP; one that answers otherwise, or is not there, is not asked more', async () => {
  expect(await pulled({ failure: 'does not answer', isSilent: true }, whole(6))).toEqual(['SOA IXFR', 'new 6']);
  expect(await pulled({ failure: 'answers REFUSED', isSilent: false })).toEqual(['SOA', 'answers REFUSED']);
  expect(await pulled(newer, { failure: 'ECONNREFUSED', isAnswer: false })).toEqual(['SOA IXFR', 'ECONNREFUSED']);
});

test('a whole zone that is not newer than what is here changes nothing', async () => {
  expect(await pulled(newer, whole(5))).toEqual(['SOA IXFR', 'current 5']);
});

test('the whole zone after differences that do not do has a place of its own: their memory is given back before', async () => {
  const places = new TransferPlaces({ max: 1, perAddressMax: 1, own: 0, shared: 10, keptMs: 0 }, () => 0);
  const reserved: string[] = [];
  const fetchZone: PullOptions['fetchZone'] = ({ known, reserve }) => {
    reserved.push(reserve!(8));
    return Promise.resolve(known === undefined ? whole(6) : answered('sends a difference of another zone'));
  };
  const result = await pull(order, {
    askSoa: () => Promise.resolve(newer),
    fetchZone,
    inPlace: (address, work) => places.use(address, work),
    now: () => 0,
    signal: new AbortController().signal,
    recordsPerRrsetMax: 100,
  });
  expect([result.kind, reserved, places.count]).toEqual(['new', ['taken', 'taken'], 0]);
});

describe('a large zone that has come as octets in a file', () => {
  const messages = { file: 99, bytes: 2_000_000, asked: { id: 7, apex: ZONE, type: TYPE.IXFR }, since: 5 };

  type Taken = () => Promise<Result<readonly string[]>>;
  /** `taken`: what becomes of it. What was done, in order, and how it ended. */
  async function pulledStored(taken: Taken, { serial = 6, isDifferences = false } = {}) {
    const done: string[] = [];
    const orders: TransferOrder[] = [];
    const fetches: FetchOrder[] = [];
    const stop = new AbortController();
    const close = (): void => void done.push('closed');
    const fetched: Fetched = {
      received: { kind: 'stored', isDifferences, serial, messages, close },
      expireSeconds: 777,
      messages: 40,
      bytes: 2_000_000,
    };
    const pulling = pull(order, {
      askSoa: () => Promise.resolve(newer),
      fetchZone: (given) => Promise.resolve((fetches.push(given), fetches.length === 1 ? fetched : whole(6))),
      inPlace: (_address, work) =>
        work({
          reserve: () => 'taken',
          signal: new AbortController().signal,
          keep: () => void done.push('kept'),
        }),
      now: () => 0,
      signal: stop.signal,
      recordsPerRrsetMax: 100,
      apart: {
        folder: '/a/folder',
        async takeTransfer(given) {
          orders.push(given);
          done.push('begun');
          const result = await taken();
          done.push('ended');
          return result;
        },
      },
    });
    const result = await pulling.catch((error: unknown) => String(error));
    return { result, done, orders, fetches, stop };
  }

  const failing = (code: ProblemCode, words: string) => () => Promise.resolve(fail(problem(code, atZone('z.'), words)));

  test('is handed on, with all that is known of it, and is closed when it is written', async () => {
    const { result, done, orders, fetches, stop } = await pulledStored(() => Promise.resolve(ok(['a note'])));
    expect(result).toEqual({ kind: 'taken', serial: 6, notes: ['a note'], how: 'AXFR, 40 messages, 2000000 octets' });
    expect(done).toEqual(['kept', 'begun', 'ended', 'closed']);
    expect(fetches.map(({ folder }) => folder)).toEqual(['/a/folder']);
    const [given] = orders;
    expect(given).toMatchObject({
      zone: ZONE,
      record: zone,
      turn: { actor: { kind: 'system', id: 'secondary', from: '' }, action: 'zone.transfer' },
      messages,
      recordsMax: TRANSFER_IN_RECORDS_MAX,
      from: { ip: '192.0.2.1', serial: 6, expireSeconds: 777, how: 'AXFR, 40 messages, 2000000 octets' },
    });
    // A stop of the server ends it.
    expect(given!.signal.aborted).toBe(false);
    stop.abort();
    expect(given!.signal.aborted).toBe(true);
  });

  test.each(['PRECONDITION', 'IMPORT_OVERTAKEN', 'IMPORT_UNDER_WAY'] as const)(
    '%s: the zone is looked at again, and no primary has failed',
    async (code) => {
      const { result, done } = await pulledStored(failing(code, 'it was changed meanwhile'));
      expect([result, done]).toEqual([{ kind: 'overtaken', serial: 6 }, ['kept', 'begun', 'ended', 'closed']]);
    },
  );

  test('PRIMARY_FAILED: its words follow the address of the primary; the zone is not asked for once more', async () => {
    const words = 'sends a zone that cannot be served: no NS';
    const { result, done, fetches } = await pulledStored(failing('PRIMARY_FAILED', words));
    expect([result, done]).toEqual([{ kind: 'failed', failure: words }, ['kept', 'begun', 'ended', 'closed']]);
    expect(fetches).toHaveLength(1);
  });

  test('RFC 1995 §2: differences are said to be so; those that do not do are followed by the whole zone', async () => {
    const good = await pulledStored(() => Promise.resolve(ok([])), { isDifferences: true });
    expect(good.result).toMatchObject({ kind: 'taken', how: 'IXFR, 40 messages, 2000000 octets' });
    const misfit = failing('PRIMARY_FAILED', 'sends differences that do not fit: x');
    const { result, done, fetches } = await pulledStored(misfit, { isDifferences: true });
    expect(result).toMatchObject({ kind: 'new', serial: 6, how: 'AXFR, 1 messages, 100 octets' });
    expect(fetches.map(({ known }) => known !== undefined)).toEqual([true, false]);
    expect(done).toEqual(['kept', 'begun', 'ended', 'closed']);
    // What is no fault of the differences is not asked for once more.
    for (const code of ['STORE_FULL', 'IMPORT_FAILED', 'PRECONDITION'] as const) {
      const other = await pulledStored(failing(code, 'x'), { isDifferences: true });
      expect([code, other.result, other.fetches.length]).toMatchObject([
        code,
        { kind: code === 'PRECONDITION' ? 'overtaken' : 'failed' },
        1,
      ]);
    }
  });

  test('other problems: what they are', async () => {
    const { result, done } = await pulledStored(failing('STORE_FULL', 'no space is left'));
    expect(result).toEqual({
      kind: 'failed',
      failure: expect.stringMatching(/^sends a zone that is not written: .*no space is left/),
    });
    expect(done.filter((each) => each === 'closed')).toHaveLength(1);
  });

  test('RFC 1982 §3.2: one that is not newer than what is here is not handed on, and closed', async () => {
    for (const serial of [5, 4, 2 ** 31 + 5]) {
      const { result, done } = await pulledStored(() => Promise.reject(new Error('not asked')), { serial });
      expect(result).toEqual({ kind: 'current', serial, expireSeconds: 777 });
      expect(done).toEqual(['closed']);
    }
  });

  test('a broken store is told to who asks; the file is closed all the same', async () => {
    const { result, done } = await pulledStored(() => Promise.reject(new Error('the store is broken')));
    expect([result, done]).toEqual(['Error: the store is broken', ['kept', 'begun', 'closed']]);
  });

  test('where no other process makes it ready, none is asked for', async () => {
    const folders: unknown[] = [];
    const { signal } = new AbortController();
    await pull(order, {
      askSoa: () => Promise.resolve(newer),
      fetchZone: ({ folder }) => Promise.resolve((folders.push(folder), whole(6))),
      inPlace: (_address, work) => work({ reserve: () => 'taken', signal, keep: () => expect.unreachable() }),
      now: () => 0,
      signal,
      recordsPerRrsetMax: 100,
    });
    expect(folders).toEqual([undefined]);
  });
});
