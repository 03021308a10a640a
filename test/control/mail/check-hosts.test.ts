/** Hosts that mail records name, in the zone and outside, as `mail check` finds them. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { checkMail } from '#control/mail/check.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';
import { zoneOf } from '../../support/mail/mail-domain.ts';

const ZONE = [
  '@ 3600 SOA ns hostmaster 1 7200 900 1209600 900',
  '@ 3600 NS ns',
  'ns 3600 A 192.0.2.53',
  '@ 3600 TXT "v=spf1 -all"',
  '_dmarc 3600 TXT "v=DMARC1; p=reject"',
];
const OUTSIDE: Table = {
  'example.com': { txt: ['v=spf1 -all'] },
  'mx.example.net': { a: ['192.0.2.1'] },
  'alias.example.net': { cname: 'mx.example.net' },
  'inside.example.net': { a: ['10.0.0.1'], aaaa: ['fd00::1'] },
  'slow.example.net': { timeout: true },
  'takes.example.net': { mx: ['10 mx.example.net'] },
  'null.example.net': { mx: ['0 '] },
  'dead.example.net': { mx: ['10 gone.example.net'] },
};

async function told(records: readonly string[], isSigned = true): Promise<string[]> {
  const view = zoneOf([...ZONE, ...records]);
  const { problems } = await checkMail({ view, isSigned }, tableResolver(OUTSIDE));
  return problems.map(({ severity, code, at, message }) => `${severity} ${code} ${formatPlace(at)}: ${message}`);
}

describe('hosts of the MX', () => {
  test('with addresses are good, and what cannot be looked up is not spoken of', async () => {
    expect(await told(['mx1 60 A 192.0.2.25', '@ 60 MX 10 mx1', '@ 60 MX 20 mx.example.net.', '@ 60 MX 30 slow.example.net.'])).toEqual([]);
    expect(await told(['@ 60 MX 30 slow.example.net.'])).toEqual([]);
    expect(await told(['*.wild 60 A 192.0.2.25', '@ 60 MX 10 a.wild'])).toEqual([]);
  });

  test('RFC 2181 §10.3: aliases, in the zone and outside', async () => {
    const records = ['mx1 60 A 192.0.2.25', 'alias 60 CNAME mx1', '@ 60 MX 10 alias', '@ 60 MX 20 alias.example.net.', '@ 60 MX 30 mx1'];
    expect(await told(records)).toEqual([
      expect.stringMatching(/^warning TARGET_ALIAS example\.com\. MX: .*names alias\.example\.com\., which is a CNAME/),
      expect.stringMatching(/^warning TARGET_ALIAS example\.com\. MX: .*names alias\.example\.net\., which is a CNAME/),
    ]);
  });

  test('RFC 5321 §5.1: without an address are a warning; without any, no mail arrives', async () => {
    expect(await told(['mx1 60 A 192.0.2.25', '@ 60 MX 10 mx1', '@ 60 MX 20 gone.example.net.'])).toEqual([
      expect.stringMatching(/^warning TARGET_NO_ADDRESS .*gone\.example\.net\./),
    ]);
    expect(await told(['@ 60 MX 10 gone', '@ 60 MX 20 gone.example.net.'])).toEqual([
      expect.stringMatching(/^error MAIL_HOSTS_NONE example\.com\. MX: .*cannot be delivered$/),
      expect.stringMatching(/^warning TARGET_NO_ADDRESS .*gone\.example\.com\./),
      expect.stringMatching(/^warning TARGET_NO_ADDRESS .*gone\.example\.net\./),
    ]);
  });

  test('RFC 1918: with private addresses alone are not reached from outside', async () => {
    expect(await told(['in 60 A 192.168.1.1', '@ 60 MX 10 in', '@ 60 MX 20 inside.example.net.'])).toEqual([
      expect.stringMatching(/^warning MAIL_HOSTS_NONE .*in\.example\.com\., where the address is private/),
      expect.stringMatching(/^warning MAIL_HOSTS_NONE .*inside\.example\.net\., where the address is private/),
    ]);
  });
});

describe('RFC 5321 §5.1: hosts of report addresses outside', () => {
  const rua = (host: string) => told([`_smtp._tls 60 TXT "v=TLSRPTv1; rua=mailto:r@${host}"`]);

  test.each([
    ['null.example.net', 'null MX'], // RFC 7505 §3
    ['none.example.net', 'neither MX nor address'],
    ['dead.example.net', 'has the MX gone.example.net., without any address'],
  ])('%s takes no mail', async (host, why) => {
    expect(await rua(host)).toEqual([expect.stringMatching(/^warning MAIL_REPORT_HOST _smtp\._tls\.example\.com\. TXT rua=: /)]);
    expect((await rua(host))[0]).toContain(why);
  });

  test.each(['takes.example.net', 'mx.example.net', 'slow.example.net'])('%s takes it, or cannot be asked', async (host) => {
    expect(await rua(host)).toEqual([]);
  });

  test('RFC 8460 §3: and of https: addresses', async () => {
    expect(await told(['_smtp._tls 60 TXT "v=TLSRPTv1; rua=https://none.example.net/r"'])).toEqual([
      expect.stringContaining('none.example.net. has no address'),
    ]);
    expect(await told(['_smtp._tls 60 TXT "v=TLSRPTv1; rua=https://mx.example.net/r"'])).toEqual([]);
  });
});

test('RFC 7672 §2.2: TLSA at an alias, and in a zone that is not signed', async () => {
  const records = ['mx1 60 A 192.0.2.25', '@ 60 MX 10 mx1', `_25._tcp.mx1 60 TLSA 3 1 1 ${'01'.repeat(32)}`];
  expect(await told(records)).toEqual([]);
  expect(await told(records, false)).toEqual([expect.stringMatching(/^warning MAIL_DANE_HOST _25\._tcp\.mx1\.example\.com\. TLSA: /)]);
});
