/** Flattening: exact addresses, last known good, splitting, provenance. */
import { describe, expect, test } from 'vitest';
import { type FlattenedSource, flatten } from '#mail/spf/flatten.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { formatSpf } from '#mail/spf/spf.ts';
import { type Table, type TableEntry, tableResolver } from '../../support/table-resolver.ts';

const WORLD: Table = {
  'mailer.example': { txt: ['v=spf1 include:_a.mailer.example ip4:198.51.100.0/25 mx -all'], mx: ['1 mx.mailer.example'] },
  '_a.mailer.example': { txt: ['v=spf1 ip4:198.51.100.128/25 ip6:2001:db8::/33 ip6:2001:db8:8000::/33 ~all'] },
  'mx.mailer.example': { a: ['203.0.113.5'], aaaa: ['2001:db9::5'] },
  'crm.example': { txt: ['v=spf1 -ip4:192.0.2.64/26 ip4:192.0.2.0/24 -all'] },
  'other.example': { txt: ['v=spf1 ip4:203.0.113.4 -all'] },
};

interface Setting {
  readonly chosen?: readonly string[];
  readonly changes?: Record<string, TableEntry>;
  readonly previous?: readonly FlattenedSource[];
  readonly otherTxtBytes?: number;
}

async function run(text: string, { chosen = ['mailer.example'], changes = {}, previous = [], otherTxtBytes = 0 }: Setting = {}) {
  const parsed = parseSpf(text);
  if (!parsed.ok) throw new Error('bad record in the test');
  const request = { domain: 'example.com', record: parsed.value, chosen, otherTxtBytes, nowMs: 1_700_000_000_000 };
  const result = await flatten(request, tableResolver({ ...WORLD, ...changes }), previous);
  return {
    text: formatSpf(result.record),
    parts: result.parts.map(({ owner, record }) => `${owner} ${formatSpf(record)}`),
    problems: result.problems.map(({ severity, code }) => `${severity} ${code}`),
    result,
  };
}

describe('addresses for includes', () => {
  test('aggregated, in the place of the include', async () => {
    const { text, problems, result } = await run('v=spf1 mx include:mailer.example ~include:crm.example -all');
    expect(text).toBe('v=spf1 mx ip4:198.51.100.0/24 ip4:203.0.113.5 ip6:2001:db8::/32 ip6:2001:db9::5 ~include:crm.example -all');
    expect(problems).toEqual([]);
    expect(result.ttlSeconds).toBe(300);
  });

  test('provenance of each network', async () => {
    const { result } = await run('v=spf1 include:mailer.example -all');
    expect(result.networks[0]).toEqual({
      network: '198.51.100.0/24',
      via: ['_a.mailer.example ip4:198.51.100.128/25', 'mailer.example ip4:198.51.100.0/25'],
    });
    expect(result.networks.at(-1)).toEqual({ network: '2001:db9::5', via: ['mailer.example mx'] });
  });

  test('what the included record excludes is taken off', async () => {
    const { text } = await run('v=spf1 include:crm.example -all', { chosen: ['CRM.example.'] });
    expect(text).toBe('v=spf1 ip4:192.0.2.0/26 ip4:192.0.2.128/25 -all');
  });

  test('includes with one qualifier go together, across terms with the same one only', async () => {
    const chosen = ['mailer.example', 'other.example', 'crm.example'];
    expect((await run('v=spf1 include:other.example a include:crm.example -all', { chosen })).text).toBe(
      'v=spf1 ip4:192.0.2.0/26 ip4:192.0.2.128/25 ip4:203.0.113.4 a -all',
    );
    expect((await run('v=spf1 include:other.example -a include:crm.example -all', { chosen })).text).toBe(
      'v=spf1 ip4:203.0.113.4 -a ip4:192.0.2.0/26 ip4:192.0.2.128/25 -all',
    );
    expect((await run('v=spf1 ?include:other.example include:crm.example -all', { chosen })).text).toBe(
      'v=spf1 ?ip4:203.0.113.4 ip4:192.0.2.0/26 ip4:192.0.2.128/25 -all',
    );
  });

  test('too large for one record: split under 450 octets with the name', async () => {
    const many = Array.from({ length: 60 }, (_, at) => `ip4:198.51.${at}.${(at * 7) % 256}`).join(' ');
    const { text, parts } = await run('v=spf1 a ~include:mailer.example -all', {
      changes: { 'mailer.example': { txt: [`v=spf1 ${many} -all`] } },
    });
    expect(text).toBe('v=spf1 a ~include:_spf1.example.com ~include:_spf2.example.com ~include:_spf3.example.com -all');
    expect(parts).toHaveLength(3);
    for (const part of parts) expect(part.length - 1).toBeLessThanOrEqual(450);
    expect(parts.flatMap((part) => part.split(' ').filter((term) => term.startsWith('ip4:'))).toSorted()).toEqual(
      many.split(' ').toSorted(),
    );
    expect(parts.every((part) => part.endsWith(' -all'))).toBe(true);
  });

  test('other TXT at the owner takes room', async () => {
    expect((await run('v=spf1 include:other.example -all', { chosen: ['other.example'], otherTxtBytes: 420 })).text).toBe(
      'v=spf1 include:_spf1.example.com -all',
    );
  });

  test('an include that is chosen and is not there is told', async () =>
    expect((await run('v=spf1 -all')).problems).toEqual(['warning SPF_FLATTEN_MISSING']));
});

describe('never drops addresses', () => {
  const RECORD = 'v=spf1 include:mailer.example -all';
  test.each(['mailer.example', '_a.mailer.example', 'mx.mailer.example'])('%s cannot be looked up: last known good', async (name) => {
    const before = await run(RECORD);
    for (const failing of [{ timeout: true }, { servfail: true }] as const) {
      const after = await run(RECORD, { changes: { [name]: failing }, previous: before.result.sources });
      expect(after).toMatchObject({ text: before.text, problems: ['warning SPF_FLATTEN_KEPT'] });
      expect(after.result.drift).toEqual({ added: [], removed: [] });
      expect(after.result.sources).toEqual(before.result.sources);
      // Never seen before: it stays what it is.
      expect(await run(RECORD, { changes: { [name]: failing } })).toMatchObject({ text: RECORD, problems: ['warning SPF_FLATTEN_KEPT'] });
    }
  });

  test.each<[string, TableEntry, string]>([
    ['gone', {}, 'error SPF_INCLUDE'],
    ['two records', { txt: ['v=spf1 -all', 'v=spf1 ~all'] }, 'error SPF_INCLUDE'],
    ['malformed', { txt: ['v=spf1 moo'] }, 'error SPF_INCLUDE'],
    ['includes itself', { txt: ['v=spf1 include:mailer.example -all'] }, 'error SPF_INCLUDE'],
    ['macros', { txt: ['v=spf1 exists:%{i}.mailer.example -all'] }, 'error SPF_FLATTEN_DYNAMIC'],
    ['ptr', { txt: ['v=spf1 ptr:mailer.example -all'] }, 'error SPF_FLATTEN_DYNAMIC'],
    ['far too many networks', { txt: [`v=spf1 ${'ip4:192.0.2.1 '.repeat(1001)}-all`] }, 'error SPF_INCLUDE'],
    ['everybody', { txt: ['v=spf1 +all'] }, 'error SPF_EVERYBODY'],
    ['everybody but one', { txt: ['v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all'] }, 'error SPF_EVERYBODY'],
  ])('%s: kept, and somebody is told', async (_what, entry, expected) => {
    const before = await run(RECORD);
    const changes = { 'mailer.example': entry };
    expect(await run(RECORD, { changes, previous: before.result.sources })).toMatchObject({ text: before.text, problems: [expected] });
    expect(await run(RECORD, { changes })).toMatchObject({ text: RECORD, problems: [expected] });
  });

  test('what the owner took away is taken away, and reported', async () => {
    const before = await run(RECORD);
    const changes = { 'mailer.example': { txt: ['v=spf1 include:_a.mailer.example ip4:198.51.100.0/26 ip4:192.0.2.7 -all'] } };
    const { text, result } = await run(RECORD, { changes, previous: before.result.sources });
    expect(text).toBe('v=spf1 ip4:192.0.2.7 ip4:198.51.100.0/26 ip4:198.51.100.128/25 ip6:2001:db8::/32 -all');
    const include = 'mailer.example';
    expect(result.drift).toEqual({
      added: [{ include, network: '192.0.2.7' }],
      removed: [
        { include, network: '198.51.100.64/26' },
        { include, network: '203.0.113.5' },
        { include, network: '2001:db9::5' },
      ],
    });
  });

  test('the state is plain data', async () => {
    const { result } = await run(RECORD);
    expect(JSON.parse(JSON.stringify(result.sources))).toEqual(result.sources);
  });
});
