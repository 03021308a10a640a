/** What `mail apply` says of SPF: an error that the zone's record has already, and no less, is a warning; more of it, or a new one, rejects. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';
import { MAIL_ZONE_TEXT, type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const OUTSIDE: Table = {
  'four.example': { txt: ['v=spf1 include:one.example include:two.example include:three.example ~all'] },
  'one.example': { txt: ['v=spf1 ip4:192.0.2.1 ~all'] },
  'two.example': { txt: ['v=spf1 ip4:192.0.2.2 ~all'] },
  'three.example': { txt: ['v=spf1 ip4:192.0.2.3 ~all'] },
  'twice.example': { txt: ['v=spf1 a -all', 'v=spf1 mx -all'] },
};
/** 12 look-ups: mx, a, ptr, a:, include 4, include 4. */
const OVER = ['mx', 'a', 'ptr', 'a:mx1.post.example', 'include:four.example', '?include:four.example'];

async function roomWith(text: string, outside: Resolver = tableResolver(OUTSIDE)): Promise<TestControl> {
  const room = temporaryControl({ sources: [], outside });
  await room.load('post.example.', `${MAIL_ZONE_TEXT}@ 3600 A 192.0.2.80\n${text}`);
  return room;
}

const spfRecord = (...terms: readonly string[]) => `@ 3600 TXT "${['v=spf1', ...terms, '-all'].join(' ')}"\n`;

function apply(room: TestControl, mechanisms: readonly string[]) {
  const policy = { spf: { mechanisms, all: '-all' }, dkim: { algorithms: [] }, mtaSts: { mode: 'off' } };
  return room.run({ kind: 'mail.apply', zone: ZONE, policy, takeOver: true });
}

describe('RFC 7208 §4.6.4: a record over the limit of look-ups', () => {
  test('stays as it is, with the count and the fix as a warning', async () => {
    const { warnings } = good(await apply(await roomWith(spfRecord(...OVER)), OVER));
    expect(warnings).toContainEqual(
      expect.objectContaining({
        code: 'SPF_LOOKUPS',
        severity: 'warning',
        message: expect.stringMatching(/^12 look-ups, at most 10 are made: .*; the records in the zone have this error already$/),
        fix: expect.stringContaining('flatten an include'),
      }),
    );
  });

  test('gets better, though it is not good yet', async () => {
    const { warnings } = good(await apply(await roomWith(spfRecord(...OVER)), OVER.slice(1)));
    expect(warnings.find(({ code }) => code === 'SPF_LOOKUPS')).toMatchObject({ message: expect.stringMatching(/^11 /) });
  });

  test('does not get worse', async () => {
    const room = await roomWith(spfRecord(...OVER));
    const problems = bad(await apply(room, [...OVER, 'exists:%{i}.post.example']));
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'SPF_LOOKUPS', message: expect.stringMatching(/^13 /) },
    ]);
  });

  test('is not put where a good one stands, or none', async () => {
    for (const text of [spfRecord('mx'), ''])
      expect(bad(await apply(await roomWith(text), OVER)).map(({ code }) => code)).toContain('SPF_LOOKUPS');
  });

  test('is kept under a policy too, when an include has grown since: the rest of the policy can be changed', async () => {
    let world = tableResolver({ ...OUTSIDE, 'four.example': { txt: ['v=spf1 ip4:192.0.2.4 ~all'] } });
    const room = await roomWith('', { lookup: (name, type) => world.lookup(name, type) });
    good(await apply(room, OVER));
    world = tableResolver(OUTSIDE);
    expect(good(await apply(room, OVER)).warnings.map(({ code, severity }) => `${severity} ${code}`)).toContain('warning SPF_LOOKUPS');
  });
});

test('each error is weighed for itself: what stands is kept, what is new rejects', async () => {
  const stands = await roomWith(spfRecord(...OVER));
  expect(
    bad(await apply(stands, [...OVER.slice(3), 'include:twice.example'])).flatMap(({ code, severity }) =>
      severity === 'error' ? code : [],
    ),
  ).toEqual(['SPF_INCLUDE']);
  const broken = await roomWith(spfRecord('include:twice.example', 'include:gone.example'));
  const kept = good(await apply(broken, ['include:gone.example', 'include:twice.example'])).warnings;
  expect(kept.filter(({ code }) => code === 'SPF_INCLUDE').map(({ severity }) => severity)).toEqual(['warning', 'warning']);
});

test('RFC 7208 §3.4: TXT that stands at the domain already is no reason to reject; more of it is', async () => {
  const room = await roomWith(`${spfRecord('mx')}@ 3600 TXT "${'x'.repeat(250)}" "${'y'.repeat(200)}"\n`);
  expect(good(await apply(room, ['mx'])).warnings.map(({ code }) => code)).toContain('SPF_SIZE');
  expect(bad(await apply(room, ['mx', 'ip4:192.0.2.1'])).map(({ code }) => code)).toContain('SPF_SIZE');
});

test('RFC 7208 §4.5: two records at the wildcard, which no policy is about, stop none', async () => {
  const room = await roomWith(`${spfRecord('mx')}* 3600 TXT "v=spf1 -all"\n* 3600 TXT "v=spf1 mx -all"\n`);
  expect(good(await apply(room, ['mx'])).warnings).toContainEqual(
    expect.objectContaining({ code: 'SPF_MULTIPLE', severity: 'warning', message: expect.stringContaining('already') }),
  );
});
