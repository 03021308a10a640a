/** Counts of queries for DKIM selectors: what is counted, once each whether from the cache or not; and the table's memory. */
import { describe, expect, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { SELECTOR_ROW_BYTES, SelectorCounts, readSelectorCounts, sumSelectorCounts } from '#answer/count/selector-counts.ts';
import { SELECTORS_COUNTED_MAX, SELECTOR_NAME_BYTES_MAX } from '#base/limits/events.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { dummySigned } from '../../support/dummy-signed.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { zoneOf } from '../../support/random-zone.ts';
import { buildQuery } from '../../support/wire.ts';

function read(memory: SharedArrayBuffer, row = 0): Record<string, number> {
  const counts: Record<string, number> = {};
  readSelectorCounts(memory, row, (name, count) => (counts[formatName(name)] = count));
  return counts;
}

describe('queries', () => {
  const view = dummySigned(
    zoneOf(
      'z.',
      `@ 60 SOA ns hostmaster 1 3600 600 86400 300
       @ 60 NS ns
       ns 60 A 192.0.2.53
       s1._domainkey 60 TXT "v=DKIM1; p=AA"
       s2._domainkey 60 TXT "v=DKIM1; p=AA"
       esp._domainkey 60 CNAME s1._domainkey
       a._domainkey 60 A 192.0.2.1
       *.wild._domainkey 60 TXT "v=DKIM1; p=AA"
       _domainkey 60 TXT "o=~"
       x._domainkeys 60 TXT "no"
       www 60 TXT "no"`,
    ),
  );

  test.each([
    ['with a cache', undefined],
    ['without', 0],
  ])('are counted where they have an answer at the name itself, %s', (_what, cacheBytes) => {
    const memory = new SharedArrayBuffer(SELECTOR_ROW_BYTES);
    const selectors = new SelectorCounts(memory, 0);
    const responder = new Responder(new MemorySource([{ view, signed: true }]), {
      selectors,
      ...(cacheBytes === undefined ? {} : { cacheBytes }),
    });
    const out = new Uint8Array(65_535);
    const ask = (name: string, type = 'TXT', dnssecOk = false, transport: 'udp' | 'tcp' = 'udp') => {
      const query = buildQuery({ name, type, id: 1, edns: { size: 1232, dnssecOk } });
      for (let each = 0; each < 3; each++) responder.respond(query, query.length, out, transport);
    };
    ask('s1._domainkey.z.');
    ask('S1._DomainKey.Z.');
    ask('s1._domainkey.z.', 'TXT', true);
    ask('s1._domainkey.z.', 'TXT', false, 'tcp');
    ask('s2._domainkey.z.', 'TXT', true);
    for (const [name, type] of [
      ['s1._domainkey.z.', 'A'],
      ['s1._domainkey.z.', 'ANY'],
      ['esp._domainkey.z.', 'TXT'],
      ['a._domainkey.z.', 'TXT'],
      ['any.wild._domainkey.z.', 'TXT'],
      ['nobody._domainkey.z.', 'TXT'],
      ['_domainkey.z.', 'TXT'],
      ['x._domainkeys.z.', 'TXT'],
      ['www.z.', 'TXT'],
      ['s1._domainkey.other.', 'TXT'],
    ] as const)
      ask(name, type);
    expect(read(memory)).toEqual({ 's1._domainkey.z.': 12, 's2._domainkey.z.': 3 });
    expect(sumSelectorCounts(memory, 0)).toBe(15);
    if (cacheBytes === undefined) expect(responder.cachedAnswers()).toBeGreaterThan(8);
  });

  test('an answer that is made anew, because its record changed, is counted in the same slot', () => {
    const memory = new SharedArrayBuffer(SELECTOR_ROW_BYTES);
    const selectors = new SelectorCounts(memory, 0);
    const name = nameOf('s1._domainkey.z.');
    const slot = selectors.slotOf(name, 0, name.length);
    selectors.count(slot);
    const upper = nameOf('S1._DOMAINKEY.z.');
    expect(selectors.slotOf(upper, 0, upper.length)).toBe(slot);
    // A worker that ended: its successor has the row.
    const next = new SelectorCounts(memory, 0);
    expect(next.slotOf(name, 0, name.length)).toBe(slot);
    next.count(slot);
    expect(read(memory)).toEqual({ 's1._domainkey.z.': 2 });
  });
});

describe('the table', () => {
  test('has a row for each worker, and says when it is full; what it has goes on being counted', () => {
    const memory = new SharedArrayBuffer(2 * SELECTOR_ROW_BYTES);
    const [first, second] = [new SelectorCounts(memory, 0), new SelectorCounts(memory, 1)];
    const slots: number[] = [];
    for (let each = 0; each < SELECTORS_COUNTED_MAX + 10; each++) {
      const name = nameOf(`s${each}._domainkey.example.`);
      const slot = first.slotOf(name, 0, name.length);
      slots.push(slot);
      if (slot > 0) first.count(slot);
    }
    expect(new Set(slots).size).toBe(SELECTORS_COUNTED_MAX + 1);
    expect(slots.slice(-10)).toEqual(Array.from({ length: 10 }, () => 0));
    const name = nameOf('s9._domainkey.example.');
    first.count(first.slotOf(name, 0, name.length));
    second.count(second.slotOf(name, 0, name.length));
    expect(readSelectorCounts(memory, 0, () => undefined)).toBe(true);
    expect(readSelectorCounts(memory, 1, () => undefined)).toBe(false);
    expect(read(memory, 0)['s9._domainkey.example.']).toBe(2);
    expect(read(memory, 1)).toEqual({ 's9._domainkey.example.': 1 });
    expect(sumSelectorCounts(memory, 0)).toBe(SELECTORS_COUNTED_MAX + 1);
  });

  test('is full too when long names take its room', () => {
    const memory = new SharedArrayBuffer(SELECTOR_ROW_BYTES);
    const counts = new SelectorCounts(memory, 0);
    const long = `${'x'.repeat(63)}.${'y'.repeat(63)}.${'z'.repeat(60)}.`;
    let held = 0;
    for (; ; held++) {
      const name = nameOf(`s${held}._domainkey.${long}`);
      if (counts.slotOf(name, 0, name.length) === 0) break;
    }
    expect(held).toBeGreaterThan(SELECTOR_NAME_BYTES_MAX / 255);
    expect(held).toBeLessThan(SELECTORS_COUNTED_MAX);
    expect(Object.keys(read(memory))).toHaveLength(held);
  });
});
