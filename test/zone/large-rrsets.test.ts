/**
 * A change of an RRset of 10,000 records takes steps in number of its records, not of their pairs, which would take
 * minutes and hold up all other changes. The bound is twenty times what each takes on an idle machine.
 */
import { expect, test } from 'vitest';
import { type Name, nameOf } from '#dns/name.ts';
import { CLASS, TYPE } from '#dns/types.ts';
import { diffNodes } from '#zone/changeset.ts';
import { receivedEdits } from '#zone/received-changes.ts';
import { applyUpdates } from '#zone/update/apply.ts';
import { rrsetOf } from '#zone/view.ts';
import { memoryZone } from '#zone/zone.ts';
import { readRrsets } from '#admin/powerdns/rrset-body.ts';
import { decideOperations } from '#control/zone/rrset-operations.ts';

const COUNT = 10_000;
const MS_MAX = 3_000;
const APEX = nameOf('a.test.');
const OWNER: Name = nameOf('pool.a.test.');
const addressOf = (from: number, at: number): Uint8Array => Uint8Array.of(from, 0, at >> 8, at & 0xff);
const ipsOf = (from: number): Uint8Array[] => Array.from({ length: COUNT }, (_, at) => addressOf(from, at));
const textOf = (rdata: Uint8Array): string => rdata.join('.');
const [BEFORE, AFTER] = [ipsOf(10), ipsOf(11)];
const A = { owner: OWNER, type: TYPE.A, ttl: 60 };
const view = memoryZone(APEX, [{ ...A, rdatas: BEFORE }]);

/** What `work` returns, in time. */
function fast<T>(work: () => T): T {
  const startedMs = performance.now();
  const result = work();
  expect(performance.now() - startedMs).toBeLessThan(MS_MAX);
  return result;
}

test('RFC 1995 §4: differences of a primary', () => {
  const recordsOf = (rdatas: readonly Uint8Array[]) => rdatas.map((rdata) => ({ ...A, rdata }));
  const edits = fast(() => receivedEdits(view, [{ deleted: recordsOf(BEFORE), added: recordsOf(AFTER) }]));
  if (typeof edits === 'string') throw new Error(edits);
  expect([...edits.nodes.values()].flatMap((node) => rrsetOf(node ?? undefined, TYPE.A)?.rdatas ?? [])).toEqual(AFTER);
});

test('RFC 2136 §3.4.2: an UPDATE', () => {
  const updates = [
    ...AFTER.map((rdata) => ({ ...A, class: CLASS.IN, rdata })),
    ...BEFORE.map((rdata) => ({ ...A, ttl: 0, class: CLASS.NONE, rdata })),
  ];
  const changes = fast(() => applyUpdates(view, updates, () => undefined));
  expect('rcode' in changes ? changes : changes[0]?.rrset?.rdatas).toEqual(AFTER);
});

test('operations of the API, and of that of PowerDNS', () => {
  const operation = (op: 'add' | 'remove', rdatas: readonly Uint8Array[]) => {
    return { op, name: 'pool.a.test.', type: 'A', ttl: 60, records: rdatas.map(textOf) };
  };
  const decided = fast(() => decideOperations(view, [operation('add', AFTER), operation('remove', BEFORE)], false));
  expect(decided.ok && decided.value[0]?.rrset?.rdatas).toEqual(AFTER);
  const records = AFTER.map((rdata) => ({ content: textOf(rdata) }));
  const body = [{ name: 'pool.a.test.', type: 'A', ttl: 60, changetype: 'REPLACE', records }];
  const read = fast(() => readRrsets(body, { apex: APEX, serial: 1 }));
  expect(read.ok && read.value.operations[0]?.records?.length).toBe(COUNT);
});

test('the changeset of it', () => {
  const [before] = [...view.ascend(view.apexKey)].filter(({ rrsets }) => rrsets.length > 0);
  const after = { ...before!, rrsets: [{ ...before!.rrsets[0]!, rdatas: [...BEFORE.slice(1), ...AFTER] }] };
  const difference = { deleted: [], added: [] };
  fast(() => diffNodes(before, after, difference));
  expect(difference).toEqual({ deleted: [{ ...A, rdatas: [BEFORE[0]] }], added: [{ ...A, rdatas: AFTER }] });
});
