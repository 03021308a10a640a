/** One SPF check in progress: what it counts, when its time is over, which name `%{p}` is. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { parseIp } from '#mail/spf/ip.ts';
import {
  type SpfCheck,
  type TermScope,
  ask,
  countLookup,
  countVoid,
  expandTarget,
  fetch,
  fetchAddresses,
  isStop,
  validatedNameForExplanation,
  validatedNames,
} from '#mail/spf/lookup.ts';
import { parseMacros } from '#mail/spf/macro.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { type Table, plainName, tableResolver } from '../../support/table-resolver.ts';

const REVERSE = '1.2.0.192.in-addr.arpa';

/** A term of the record of example.com, with the client 192.0.2.1. */
function scopeOf(table: Table = {}, changes: Partial<SpfCheck> = {}) {
  const resolver = tableResolver(table);
  const check: SpfCheck = {
    ip: parseIp('192.0.2.1')!,
    sender: 'user@example.com',
    helo: 'mail.example.com',
    receiver: 'unknown',
    resolver,
    clock: { nowMs: () => 1000 },
    deadlineMs: 2000,
    lookupsMax: 10,
    voidsMax: 2,
    trace: [],
    lookups: 0,
    voids: 0,
    validated: undefined,
    ...changes,
  };
  const parsed = parseSpf('v=spf1 mx -all');
  if (!parsed.ok) throw new Error('bad record in the test');
  const nextTerm = (): TermScope => ({ check, domain: 'example.com', term: parsed.value.terms[0]!, depth: 0, isVoid: false });
  return { scope: nextTerm(), nextTerm, check, asked: resolver.asked };
}

const stopOf = (value: unknown): string => (isStop(value) ? `${value.result} ${value.problem.code}` : 'goes on');
const expand = (scope: TermScope, text: string) => expandTarget(scope, parseMacros(text, false).macros);

describe('RFC 7208 §4.6.4: counters', () => {
  test('ten look-ups are made, the eleventh is counted and is a permerror', () => {
    const { scope, check } = scopeOf();
    expect(Array.from({ length: 11 }, () => stopOf(countLookup(scope)))).toEqual([
      ...Array.from({ length: 10 }, () => 'goes on'),
      'permerror SPF_LOOKUPS',
    ]);
    expect(check.lookups).toBe(11);
  });

  test('two terms may find nothing, the third is a permerror', () => {
    const { nextTerm } = scopeOf();
    expect([1, 2, 3].map(() => stopOf(countVoid(nextTerm())))).toEqual(['goes on', 'goes on', 'permerror SPF_VOIDS']);
  });

  test('a term is void once, however often it finds nothing', async () => {
    const { scope, check } = scopeOf();
    for (let time = 0; time < 5; time++) expect(await fetch(scope, nameOf('gone.example'), TYPE.A)).toEqual([]);
    expect(check.voids).toBe(1);
  });
});

describe('answers', () => {
  test.each([
    ['no such name', {}, 1],
    ['no such type', { 'h.example': { txt: ['x'] } }, 1],
    ['records', { 'h.example': { a: ['192.0.2.9'] } }, 0],
  ] as const)('%s: voids', async (_what, table: Table, voids) => {
    const { scope, check } = scopeOf(table);
    await fetch(scope, nameOf('h.example'), TYPE.A);
    expect(check.voids).toBe(voids);
  });

  test.each([{ servfail: true }, { timeout: true }] as const)('§2.6.6: %j is a temperror and no void', async (entry) => {
    const { scope, check } = scopeOf({ 'h.example': entry });
    expect(stopOf(await fetch(scope, nameOf('h.example'), TYPE.A))).toBe('temperror SPF_UNRESOLVED');
    expect(check.voids).toBe(0);
  });

  test.each([
    ['192.0.2.1', 'h.example 1', ['192.0.2.9']],
    ['::ffff:192.0.2.1', 'h.example 1', ['192.0.2.9']],
    ['2001:db8::1', 'h.example 28', ['2001:db8::9']],
  ])('§5: addresses in the family of the client %s', async (ip, question, expected) => {
    const { scope, asked } = scopeOf({ 'h.example': { a: ['192.0.2.9'], aaaa: ['2001:db8::9'] } }, { ip: parseIp(ip)! });
    expect(await fetchAddresses(scope, nameOf('h.example'))).toEqual(expected.map(parseIp));
    expect(asked).toEqual([question]);
  });
});

describe('the time for the whole check', () => {
  test('once it is over nothing is asked', async () => {
    const { check, asked } = scopeOf({ 'h.example': { a: ['192.0.2.9'] } }, { deadlineMs: 1000 });
    expect(await ask(check, nameOf('h.example'), TYPE.A)).toMatchObject({ kind: 'timeout' });
    expect(asked).toEqual([]);
  });

  test('an answer that comes when it is over is a timeout', async () => {
    let nowMs = 1999;
    const resolver = tableResolver({ 'h.example': { a: ['192.0.2.9'] } }, { onLookup: () => (nowMs = 2000) });
    const { check } = scopeOf({}, { resolver, clock: { nowMs: () => nowMs } });
    expect(await ask(check, nameOf('h.example'), TYPE.A)).toMatchObject({ kind: 'timeout' });
  });
});

describe('RFC 7208 §5.5: validated names', () => {
  const names = async (table: Table) => {
    const { scope, check } = scopeOf(table);
    const found = await validatedNames(scope);
    return { names: isStop(found) ? stopOf(found) : found.map(plainName), voids: check.voids };
  };

  test('only those whose addresses include the client', async () =>
    expect(
      await names({
        [REVERSE]: { ptr: ['good.example', 'other.example', 'none.example', 'slow.example', 'also.example'] },
        'good.example': { a: ['192.0.2.7', '192.0.2.1'] },
        'other.example': { a: ['192.0.2.2'] },
        'slow.example': { timeout: true },
        'also.example': { a: ['192.0.2.1'] },
      }),
    ).toEqual({ names: ['good.example', 'also.example'], voids: 0 }));

  test('§4.6.4: no PTR is a void, a PTR that cannot be looked up is none', async () => {
    expect(await names({})).toEqual({ names: [], voids: 1 });
    expect(await names({ [REVERSE]: { servfail: true } })).toEqual({ names: [], voids: 0 });
  });

  test('§4.6.4: the eleventh name is ignored', async () => {
    const hosts = Array.from({ length: 11 }, (_, at) => `h${at}.example`);
    const table = { [REVERSE]: { ptr: hosts }, ...Object.fromEntries(hosts.map((host) => [host, { a: ['192.0.2.1'] }])) };
    expect(await names(table)).toEqual({ names: hosts.slice(0, 10), voids: 0 });
  });

  test('looked up once in a check', async () => {
    const { nextTerm, asked } = scopeOf({ [REVERSE]: { ptr: ['h.example'] }, 'h.example': { a: ['192.0.2.1'] } });
    await validatedNames(nextTerm());
    await validatedNames(nextTerm());
    expect(asked).toEqual([`${REVERSE} 12`, 'h.example 1']);
  });
});

describe('the domain of a term', () => {
  test.each([
    ['%{d}.', 'example.com'],
    ['%{ir}.%{v}.x.example', '1.2.0.192.in-addr.x.example'],
    ['%{l}.%{o}', 'user.example.com'],
    // §7.3: labels on the left go until the rest has 253 characters: 61 of 4 with the host's 9 are 253.
    [`${'abc.'.repeat(70)}x.example`, `${'abc.'.repeat(61)}x.example`],
  ])('%s', async (text, expected) => expect(await expand(scopeOf().scope, text)).toBe(expected));

  test('without a domain-spec it is the domain itself', async () =>
    expect(await expandTarget(scopeOf().scope, undefined)).toBe('example.com'));

  const host = { a: ['192.0.2.1'] };
  test.each([
    ['the domain itself', ['a.example', 'x.example.com', 'EXAMPLE.com'], 'EXAMPLE.com'],
    ['a name below it', ['a.example', 'notexample.com', 'x.example.com'], 'x.example.com'],
    ['any', ['a.example', 'b.example'], 'a.example'],
    ['none', [], 'unknown'],
  ])('§7.3: %%{p} is %s', async (_what, ptr, expected) => {
    const table: Table = { [REVERSE]: { ptr }, ...Object.fromEntries(ptr.map((name) => [name, host])) };
    const { scope, check } = scopeOf(table);
    expect(await expand(scope, '%{p}')).toBe(expected);
    expect(await validatedNameForExplanation(check, 'example.com')).toBe(expected);
  });

  test('§4.6.4: %{p} is one look-up the first time; in an explanation nothing is counted', async () => {
    const { nextTerm, check } = scopeOf();
    await expand(nextTerm(), '%{p}.example');
    await expand(nextTerm(), '%{p}.%{p}.example');
    expect(check.lookups).toBe(1);
    const explaining = scopeOf();
    await validatedNameForExplanation(explaining.check, 'example.com');
    expect([explaining.check.lookups, explaining.check.voids]).toEqual([0, 0]);
  });

  test('§4.6.4: %{p} beyond the limit is a permerror and asks nothing', async () => {
    const { scope, asked } = scopeOf({}, { lookups: 10 });
    expect(stopOf(await expand(scope, '%{p}'))).toBe('permerror SPF_LOOKUPS');
    expect(asked).toEqual([]);
  });
});
