/** Search: by text, by name, by rights, by pages, over zones that come and go. */
import { describe, expect, test } from 'vitest';
import type { NewToken } from '#control/api/tokens.ts';
import type { Identity } from '#admin/http/identity.ts';
import { SOCKET_IDENTITY } from '#admin/http/identity.ts';
import type { SearchPlace } from '#control/api/search.ts';
import { type Found, search, textMatcher } from '#admin/search/search.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { temporaryControl } from '../../support/temporary-control.ts';

const ALL = { matches: () => true };
const zoneText = (names: number) =>
  [
    '@ 60 SOA ns h 1 2 3 4 5',
    '@ 60 NS ns',
    'ns 60 A 192.0.2.1',
    ...Array.from({ length: names }, (_, at) => `h${at} 60 A 192.0.2.7`),
  ].join('\n');
const shown = (found: readonly Found[]) =>
  found.map(({ owner, rrset }) => `${formatName(owner)} ${typeName(rrset.type)}`);

async function zones(...names: readonly string[]) {
  const room = temporaryControl();
  for (const name of names) await room.load(name, zoneText(3), { dnssec: false });
  return room;
}

function sender(narrowing: Partial<NewToken>): Identity {
  return { actor: { kind: 'token', id: 't', from: '' }, scopes: [], grants: [], ...narrowing };
}

describe('textMatcher', () => {
  test.each([
    ['2.0.2', false, '192.0.2.1', true],
    ['WWW', false, 'www.example.com.', true],
    ['www', true, 'www.example.com.', false],
    ['www*', true, 'www.example.com.', true],
    ['*.example.com', true, 'www.example.com', true],
    ['*.example.com', true, 'example.com', false],
    ['w?w.*', false, 'www.example.com.', true],
    ['*a*b*', true, 'xxaxxbxx', true],
    ['*a*b', true, 'xxaxxbxx', false],
    ['(a+)+$', false, 'aaaa', false],
  ])('%s, whole %s, in %s: %s', (pattern, isWhole, text, expected) => {
    expect(textMatcher(pattern, isWhole)(text)).toBe(expected);
  });

  test('eight stars take no longer than the product of the lengths', () => {
    const began = performance.now();
    for (let n = 0; n < 200; n++) textMatcher('*a*a*a*a*a*a*a*b', true)('a'.repeat(4000));
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

test('by name only the zones and names at or below it are looked at', async () => {
  const { control } = await zones('a.test.', 'b.test.', 'other.');
  const found = (await search(control, SOCKET_IDENTITY, { ...ALL, below: nameOf('h1.b.test.') }, { limit: 10 })).found;
  expect(shown(found)).toEqual(['h1.b.test. A']);
  const below = await search(
    control,
    SOCKET_IDENTITY,
    { ...ALL, below: nameOf('test.') },
    { limit: 100, namesMax: 10 },
  );
  expect([below.found.length, below.next]).toEqual([12, undefined]);
});

test('by name with a cursor: those below in their order, the zone above has nothing there', async () => {
  const made = await zones('test.', 'a.test.');
  const text = zoneText(3);
  const zone = nameOf('x.test.');
  await made.run({ kind: 'zone.import', zone, text, file: 'x', dnssec: false, parent: 'ignore' });
  const wanted = { ...ALL, below: zone };
  const all = shown((await search(made.control, SOCKET_IDENTITY, wanted, { limit: 100 })).found);
  expect(all).toHaveLength(6);
  const paged: string[] = [];
  for (let from: SearchPlace | undefined, isFirst = true; isFirst || from !== undefined; isFirst = false) {
    const page = await search(made.control, SOCKET_IDENTITY, wanted, { from, limit: 1 });
    paged.push(...shown(page.found));
    from = page.next;
  }
  expect(paged).toEqual(all);
  const inParent = await search(made.control, SOCKET_IDENTITY, { ...ALL, below: nameOf('h1.test.') }, { limit: 100 });
  expect(shown(inParent.found)).toEqual(['h1.test. A']);
});

test('pages have every RRset once, whatever the limits, and zones that go meanwhile end nothing', async () => {
  const made = await zones('a.test.', 'b.test.', 'c.test.');
  const { control } = made;
  const whole = shown((await search(control, SOCKET_IDENTITY, ALL, { limit: 1000 })).found);
  expect(whole).toHaveLength(18);
  for (const [limit, namesMax] of [
    [1, 100],
    [5, 100],
    [100, 1],
    [100, 4],
  ] as const) {
    const paged: string[] = [];
    let from: SearchPlace | undefined;
    do {
      const page = await search(control, SOCKET_IDENTITY, ALL, { from, limit, namesMax });
      paged.push(...shown(page.found));
      from = page.next;
    } while (from !== undefined);
    expect(paged).toEqual(whole);
  }
  const { next } = await search(control, SOCKET_IDENTITY, ALL, { limit: 8 });
  await made.run({ kind: 'zone.remove', zone: nameOf('b.test.') });
  const rest = await search(control, SOCKET_IDENTITY, ALL, { from: next, limit: 100 });
  expect(shown(rest.found)).toEqual(whole.filter((each) => each.includes('c.test.')));
});

test('a tenant sees its zone, or the RRsets in its scope, and no other zone costs it a look', async () => {
  const { control } = await zones('a.test.', 'b.test.', 'c.test.');
  const ofZone = await search(control, sender({ scopes: ['zone:b.test.'] }), ALL, { limit: 100, namesMax: 5 });
  expect(new Set(ofZone.found.map(({ zone }) => zone.name))).toEqual(new Set(['b.test.']));
  expect(ofZone.next).toBeUndefined();
  const grants = [{ zone: 'c.test.', may: 'read', names: ['h1.*'], types: ['A'] }] as const;
  expect(shown((await search(control, sender({ grants }), ALL, { limit: 100 })).found)).toEqual(['h1.c.test. A']);
  expect((await search(control, sender({ scopes: ['signer:x'] }), ALL, { limit: 100 })).found).toEqual([]);
});

test('other work has its turn while a large zone is looked at', async () => {
  const room = temporaryControl();
  await room.load('large.test.', zoneText(3000), { dnssec: false });
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await search(room.control, SOCKET_IDENTITY, { matches: () => false }, { limit: 10 });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});
