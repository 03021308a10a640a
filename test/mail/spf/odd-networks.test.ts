/** Networks that no SPF record means: RFC 1918, RFC 6890, and half of the internet. */
import { describe, expect, test } from 'vitest';
import { parseSpf } from '#mail/spf/parse.ts';

function warningsOf(term: string): string[] {
  const parsed = parseSpf(`v=spf1 ${term} -all`);
  return (parsed.ok ? parsed.warnings : parsed.problems).map(({ severity, code, message }) => `${severity} ${code} ${message}`);
}

describe('RFC 6890 §2.2: what no receiver sees', () => {
  test.each([
    ['ip4:10.1.2.3', 'private'],
    ['ip4:10.0.0.0/8', 'private'],
    ['ip4:172.31.255.255', 'private'],
    ['ip4:192.168.0.0/16', 'private'],
    ['ip4:100.64.0.0/10', 'NAT'],
    ['ip4:127.0.0.1', 'host itself'],
    ['ip4:169.254.1.1', 'one link'],
    ['ip4:255.255.255.255', 'multicast, or reserved'],
    ['ip6:fd00::/8', 'private'],
    ['ip6:fe80::1', 'one link'],
    ['ip6:::1', 'host itself'],
    ['-ip6:ff02::1', 'multicast'],
  ])('%s', (term, why) => expect(warningsOf(term)).toEqual([expect.stringMatching(new RegExp(`^warning SPF_NETWORK .*${why}`))]));

  test.each(['ip4:172.32.0.1', 'ip4:11.0.0.0/8', 'ip4:192.0.2.1', 'ip4:100.128.0.1', 'ip6:2001:db8::/32', 'ip6:2600::/12'])(
    'not %s',
    (term) => expect(warningsOf(term)).toEqual([]),
  );
});

test('a part of the internet that no sender owns; all of it is said in other words', () => {
  expect(warningsOf('ip4:128.0.0.0/1')).toEqual([expect.stringContaining('1 in 2 of all IPv4 addresses')]);
  expect(warningsOf('ip6:2000::/3')).toEqual([expect.stringContaining('1 in 8 of all IPv6 addresses')]);
  expect(warningsOf('ip4:0.0.0.0/0')).toEqual([expect.stringMatching(/^warning SPF_EVERYBODY /)]);
});

test('a URL or a mailbox in place of a domain', () => {
  expect(warningsOf('include:https://spf.example.net/x.example')).toEqual([expect.stringContaining('SPF_DOMAIN')]);
  expect(warningsOf('include:user@example.com')).toEqual([expect.stringContaining('is a URL or a mailbox')]);
  expect(warningsOf('include:_spf.example.com')).toEqual([]);
});
