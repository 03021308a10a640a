/** May an SPF record be published? What it costs, how large it is, what stands beside it. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { checkSpfBudget, withTxt } from '#mail/spf/budget.ts';
import { txtText } from '#mail/text/txt.ts';
import { SPF_WORLD } from '../../support/mail/spf-world.ts';
import { type TableEntry, tableResolver } from '../../support/table-resolver.ts';

const check = (text: string, changes: Record<string, TableEntry> = {}, otherTexts: readonly string[] = []) =>
  checkSpfBudget({ domain: 'example.com', text, otherTexts }, tableResolver({ ...SPF_WORLD, ...changes }));
const codes = async (...args: Parameters<typeof check>) =>
  (await check(...args)).problems.map(({ severity, code }) => `${severity} ${code}`);

describe('RFC 7208 §3.4, §4.6.4: may it be published?', () => {
  const host = { 'h.example': { a: ['192.0.2.1'], aaaa: ['2001:db8::1'] } };
  const terms = (count: number) => Array.from({ length: count }, () => 'a:h.example').join(' ');
  test.each([
    [7, []],
    [8, ['warning SPF_LOOKUPS']],
    [9, ['warning SPF_LOOKUPS']],
    [10, ['warning SPF_LOOKUPS']],
    [11, ['error SPF_LOOKUPS']],
  ])('%i look-ups: %j', async (count, expected) => expect(await codes(`v=spf1 ${terms(count)} -all`, host)).toEqual(expected));

  test('the evidence is in the message', async () => {
    const { problems } = await check('v=spf1 include:_spf.mailer.example include:crm.example a:h.example mx a:h.example -all', {
      ...host,
      'crm.example': { txt: ['v=spf1 include:_spf.mailer.example -all'] },
    });
    expect(problems[0]?.message).toBe(
      '12 look-ups, at most 10 are made: include:_spf.mailer.example 4 (include:_a.mailer.example 1, include:_b.mailer.example 2 (a:gone.mailer.example 1)), ' +
        'include:crm.example 5 (include:_spf.mailer.example 4 (include:_a.mailer.example 1, include:_b.mailer.example 2 (a:gone.mailer.example 1))), ' +
        'a:h.example 1, mx 1, a:h.example 1',
    );
    expect(problems[0]?.rfc).toBe('RFC 7208 §4.6.4');
  });

  test.each([
    ['two voids', 'v=spf1 a:n1.example a:n2.example -all', []],
    ['three voids', 'v=spf1 a:n1.example mx:n2.example exists:n3.example -all', ['error SPF_VOIDS']],
    ['three hosts without IPv6', 'v=spf1 a:v4.example a:v4.example a:v4.example -all', ['warning SPF_VOIDS']],
    ['an include that does not exist', 'v=spf1 include:none.example -all', ['error SPF_INCLUDE']],
    ['an include with a bad record', 'v=spf1 include:bad.example -all', ['error SPF_INCLUDE']],
    ['an include that cannot be looked up', 'v=spf1 include:slow.example -all', ['warning SPF_UNRESOLVED']],
    ['an include of itself', 'v=spf1 include:example.com. -all', ['error SPF_LOOKUPS', 'error SPF_LOOP']],
    ['eleven mail hosts', 'v=spf1 mx:many.example -all', ['error SPF_MX_NAMES']],
    ['a mistake of form', 'v=spf1 moo -all', ['error SPF_TERM']],
    ['no default', 'v=spf1 ip4:192.0.2.1', ['warning SPF_NO_ALL']],
    ['a domain that sends nothing', 'v=spf1 -all', []],
  ])('%s', async (_what, text, expected) => {
    const changes = {
      'v4.example': { a: ['192.0.2.1'] },
      'bad.example': { txt: ['v=spf1 moo'] },
      'slow.example': { servfail: true as const },
      'many.example': { mx: Array.from({ length: 11 }, (_, at) => `${at} mx.example.com`) },
    };
    expect(await codes(text, changes)).toEqual(expected);
  });

  test('the record in DNS does not count, the candidate does', async () =>
    expect((await check('v=spf1 -all')).tree).toMatchObject({ text: 'v=spf1 -all', lookups: 0 }));

  test('450 octets with the name and all other TXT', async () => {
    const text = 'v=spf1 -all';
    const fitting = 450 - 'example.com'.length - text.length;
    expect(await codes(text, {}, ['x'.repeat(fitting - 10), 'y'.repeat(10)])).toEqual([]);
    expect(await codes(text, {}, ['x'.repeat(fitting - 10), 'y'.repeat(11)])).toEqual(['error SPF_SIZE']);
  });

  test('another SPF record at the name', async () =>
    expect(await codes('v=spf1 -all', {}, ['v=spf1 ~all', 'token'])).toEqual(['error SPF_MULTIPLE']));

  test('more records than are read', async () => {
    const fan = Object.fromEntries(
      Array.from({ length: 8 }, (_, at) => [`f${at}.example`, { txt: [`v=spf1 ${`include:f${at + 1}.example `.repeat(2)}-all`] }]),
    );
    expect(await codes('v=spf1 include:f0.example -all', fan)).toContain('error SPF_TREE');
  });

  test('errors come before warnings', async () => {
    const { problems } = await check('v=spf1 ptr include:none.example', host);
    expect(problems.map(({ severity }) => severity)).toEqual(['error', 'warning', 'warning']);
  });
});

describe('the zone as it will be', () => {
  const resolver = withTxt(tableResolver(SPF_WORLD), 'Example.COM.', ['new', 'other']);
  const texts = async (name: string) => {
    const answer = await resolver.lookup(nameOf(name), TYPE.TXT);
    return answer.kind === 'answer' ? answer.rdatas.map(txtText) : answer.kind;
  };

  test('the given texts stand at the owner, whatever its case and last dot', async () =>
    expect(await texts('eXample.com')).toEqual(['new', 'other']));

  test('other names and other types are asked for as before', async () => {
    expect(await texts('_spf.crm.example')).toEqual(['v=spf1 ptr -all']);
    expect(await resolver.lookup(nameOf('example.com'), TYPE.MX)).toMatchObject({ kind: 'answer' });
    expect(await texts('www.example.com')).toBe('nodata');
  });
});
