/** What the process of an import decides of what a primary has sent. Files: job.test.ts, imports.test.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { type DecisionStore } from '#control/commands/decision-store.ts';
import { decideTransfer } from '#control/import/decide.ts';
import { type ImportRequest, type TransferWork } from '#control/import/work.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_NOW_MS } from '../../support/temporary-store.ts';
import { ZONE, fakePrimary, message, soa } from '../../support/transfer-messages.ts';

const BODY = ['@ 60 NS ns', 'ns 60 A 192.0.2.1'];
const SIGNATURE = '13 3 60 20300101000000 20200101000000 1 z.example. AAAA';
const WORK: TransferWork = {
  kind: 'transfer',
  asked: { id: 7, apex: ZONE, type: TYPE.AXFR },
  since: undefined,
  recordsMax: 100,
  from: { ip: '192.0.2.53', serial: 5, expireSeconds: undefined, how: 'AXFR, 1 messages, 300 octets' },
};

const FEWER = { ...WORK, recordsMax: 3 };

/** The messages of a zone, each with its length before it (RFC 1035 §4.2.2). */
function stored(...messages: readonly (readonly string[])[]): Uint8Array {
  const octets = messages.map((lines) => message({ id: 7, type: TYPE.AXFR, lines }));
  return Buffer.concat(octets.flatMap((each) => [Buffer.of(each.length >> 8, each.length & 0xff), each]));
}

/** With `lines`, the zone has come already. */
async function secondary(isSigning = false, lines: readonly string[] = []): Promise<TestControl> {
  const room = temporaryControl();
  const at = await fakePrimary(({ id, type }, send) => send(message({ id, type, lines })));
  const primaries = [{ ip: at.ip, port: at.port }];
  good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries, isSigning }));
  if (lines.length === 0) return room;
  const { keeper } = room.control.transferParts;
  keeper.tick();
  const isLooking = () => keeper.view(room.writer.zoneByName(ZONE)!)!.isLooking;
  for (let looks = 0; looks < 500 && isLooking(); looks++) await delay(10);
  expect(room.writer.zoneByName(ZONE)?.serial).toBe(2);
  return room;
}

function decide(room: TestControl, octets: Uint8Array, { work = WORK, recordsPerRrsetMax = 100 } = {}) {
  const request = { zone: ZONE, nowMs: TEST_NOW_MS + 5, recordsPerRrsetMax } as ImportRequest;
  const notes: string[] = [];
  const store: DecisionStore = room.writer;
  return { decided: decideTransfer(request, work, octets, store, notes), notes };
}

test('a zone that is gone is said to be so', async () => {
  const room = temporaryControl();
  const { decided, notes } = decide(room, stored([soa(5), ...BODY, soa(5)]));
  expect(bad(await decided)).toMatchObject([
    { code: 'ZONE_NOT_FOUND', at: { zone: 'z.example.' }, message: 'z.example. is not served here any more' },
  ]);
  expect(notes).toEqual([]);
});

test('a copy: the zone as it came, what was left out of it, and that it was looked at', async () => {
  const room = await secondary();
  const lines = [soa(5), ...BODY, 'x 60 TXT "a"', `ns 60 RRSIG TXT ${SIGNATURE}`, `x 60 RRSIG A ${SIGNATURE}`, soa(5)];
  const { decided, notes } = decide(room, stored(lines.slice(0, 3), lines.slice(3)));
  const { zone, parts, documents, detail, isChanged } = good(await decided);
  expect({ zone, detail, isChanged }).toEqual({
    zone: 'z.example.',
    detail: 'serial 5 from 192.0.2.53 (AXFR, 1 messages, 300 octets)',
    isChanged: true,
  });
  expect(parts).toMatchObject([{ secondary: { mode: 'copy' }, received: { dnssec: 'off' } }]);
  // Apex, ns and x; of a zone that was not here there is no plan.
  const [{ received } = {}] = parts!;
  expect([received?.whole?.size, received?.plan]).toEqual([3, undefined]);
  const value = { version: 1, checkedAtMs: TEST_NOW_MS + 5, serial: 5, expireSeconds: 1000 };
  expect(documents).toEqual([{ zoneId: room.writer.zoneByName(ZONE)!.id, kind: 'primaries', id: 'checked', value }]);
  expect(notes).toEqual(['2 RRSIG records that cover nothing are left out']);
});

test('a copy that is here: a plan of what changes', async () => {
  const room = await secondary(false, [soa(2), ...BODY, 'gone 60 A 192.0.2.9', soa(2)]);
  const { decided } = decide(room, stored([soa(5), ...BODY, 'came 60 A 192.0.2.8', soa(5)]));
  const [{ received } = {}] = good(await decided).parts!;
  expect([...received!.plan!.nodes.keys()].map((key) => key.split('\0').at(-2))).toEqual(['z', 'came', 'gone']);
  expect(received!.plan!.changeset).toMatchObject({ fromSerial: 2, toSerial: 5 });
});

describe('RFC 1995 §4: differences', () => {
  const work = { ...WORK, asked: { ...WORK.asked, type: TYPE.IXFR }, since: 2 };
  const ixfr = (lines: readonly string[]) => {
    const octets = message({ id: 7, type: TYPE.IXFR, lines });
    return Buffer.concat([Buffer.of(octets.length >> 8, octets.length & 0xff), octets]);
  };

  test('to what is here are taken', async () => {
    const room = await secondary(false, [soa(2), ...BODY, soa(2)]);
    const lines = [soa(5), soa(2), BODY[1]!, soa(5), 'ns 60 A 192.0.2.7', soa(5)];
    const { parts, documents } = good(await decide(room, ixfr(lines), { work }).decided);
    expect(parts?.[0]?.received?.plan?.changeset).toMatchObject({
      ...{ fromSerial: 2, toSerial: 5 },
      deleted: expect.arrayContaining([expect.objectContaining({ type: TYPE.A })]),
    });
    expect(documents).toMatchObject([{ id: 'checked', value: { serial: 5 } }]);
  });

  test.each<readonly [string, readonly string[], number, RegExp]>([
    ['to another serial', [soa(5), soa(3), soa(5), soa(5)], 3, /^sends differences to another serial$/],
    ['of what is not here', [soa(5), soa(2), 'x 60 A 192.0.2.9', soa(5), soa(5)], 2, /^sends differences that do not /],
    ['to what cannot be served', [soa(5), soa(2), BODY[0]!, soa(5), soa(5)], 2, /^sends a zone that cannot be .*no NS/],
  ])('%s are not taken', async (_what, lines, since, words) => {
    const room = await secondary(false, [soa(2), ...BODY, soa(2)]);
    const { decided } = decide(room, ixfr(lines), { work: { ...work, since } });
    expect(bad(await decided)).toMatchObject([{ code: 'PRIMARY_FAILED', message: expect.stringMatching(words) }]);
  });
});

test('RFC 7314 §4: what the primary says of its EXPIRE is written with it', async () => {
  const room = await secondary();
  const work = { ...WORK, from: { ...WORK.from, expireSeconds: 77 } };
  const { decided } = decide(room, stored([soa(5), ...BODY, soa(5)]), { work });
  expect(good(await decided).documents).toMatchObject([{ id: 'checked', value: { serial: 5, expireSeconds: 77 } }]);
});

test('to be signed here: its records are changes, under the serial that it comes with first', async () => {
  const room = await secondary(true);
  const { decided, notes } = decide(room, stored([soa(5), ...BODY, soa(5)]));
  const [part] = good(await decided).parts!;
  expect(part).toMatchObject({ secondary: { mode: 'sign' }, isSigned: true, isFromPrimary: true });
  expect(part).not.toHaveProperty('received');
  const changes = typeof part!.changes === 'function' ? [] : part!.changes;
  expect(changes.map(({ type }) => type).toSorted((a, b) => a - b)).toEqual([TYPE.A, TYPE.NS, TYPE.SOA]);
  expect(notes).toEqual([]);
});

test.each<readonly [string, Uint8Array, object, RegExp]>([
  ['octets that are no messages', Buffer.from('000400000000', 'hex'), {}, /^answers with octets that are no reply$/],
  ['no end', stored([soa(5), ...BODY]), {}, /^sends z\.example\. without its end$/],
  ['too many records', stored([soa(5), ...BODY, soa(5)]), { work: FEWER }, /^sends more than 3 records$/],
  ['RFC 1034 §4.2.1: no NS', stored([soa(5), BODY[1]!, soa(5)]), {}, /^sends a zone that cannot be served: .*no NS/],
  [
    'more records of one type than there may be',
    stored([soa(5), ...BODY, 'ns 60 A 192.0.2.2', 'ns 60 A 192.0.2.3', soa(5)]),
    { recordsPerRrsetMax: 2 },
    /^sends a zone that cannot be served: .*ns/,
  ],
])('%s: not taken, in words that follow the address of the primary', async (_what, octets, more, words) => {
  const { decided, notes } = decide(await secondary(), octets, more);
  expect(bad(await decided)).toMatchObject([{ code: 'PRIMARY_FAILED', message: expect.stringMatching(words) }]);
  expect(notes).toEqual([]);
});
