/** TLS reporting records. */
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { formatTlsRpt, parseTlsRpt, selectTlsRpt, tlsRptOwner } from '#mail/tls-rpt/record.ts';
import { recordTable } from '../../support/mail/record-table.ts';

const { good, bad } = recordTable(parseTlsRpt, formatTlsRpt);

describe('RFC 8460 §3: TLSRPTv1 record', () => {
  good('v=TLSRPTv1; rua=mailto:tls@example.com', { reportUris: ['mailto:tls@example.com'] });
  good('v=TLSRPTv1;rua=https://r.example.com/v1', { reportUris: ['https://r.example.com/v1'] });
  good('v=TLSRPTv1;rua=https://r.example.com/v1?a=b;', { reportUris: ['https://r.example.com/v1?a=b'] }); // an equals sign in a value, a final semicolon
  good('v=TLSRPTv1; rua=mailto:a@b.example , https://c.example/', { reportUris: ['mailto:a@b.example', 'https://c.example/'] });
  good('v=TLSRPTv1; rua=mailto:a@b.example; ext=1', { reportUris: ['mailto:a@b.example'] }, 'TLSRPT_TAG_UNKNOWN'); // extensions are ignored
  good(
    'v=TLSRPTv1; rua=mailto:a@b.example; rua=mailto:c@d.example',
    { reportUris: ['mailto:a@b.example', 'mailto:c@d.example'] },
    'TLSRPT_TAG_TWICE',
  );
  bad('rua=mailto:a@b.example; v=TLSRPTv1', 'TLSRPT_VERSION_FIRST'); // v= must come first
  bad('v=TLSRPTv2; rua=mailto:a@b.example', 'TLSRPT_VERSION'); // another version
  bad('v=tlsrptv1; rua=mailto:a@b.example', 'TLSRPT_VERSION'); // its case counts
  bad('v=TLSRPTv1;', 'TLSRPT_NO_RUA'); // nowhere to send
  bad('v=TLSRPTv1; rua=', 'TLSRPT_NO_RUA'); // nowhere to send
  bad('v=TLSRPTv1; rua=ftp://x.example', 'TLSRPT_SCHEME'); // only mailto: and https:
  bad('v=TLSRPTv1; rua=http://x.example/', 'TLSRPT_SCHEME'); // not http:
  bad('v=TLSRPTv1; rua=tls@example.com', 'TLSRPT_URI'); // a mailbox is not a URI
  bad('v=TLSRPTv1; rua=mailto:a!10m@b.example', 'TLSRPT_URI'); // ! must be percent-encoded
  bad('v=TLSRPTv1; rua = mailto:a@b.example', 'TLSRPT_SYNTAX', 'TLSRPT_NO_RUA'); // no blanks around =
  bad('', 'TLSRPT_SYNTAX', 'TLSRPT_VERSION', 'TLSRPT_NO_RUA'); // everything is missing

  test('senders take records that begin with v=TLSRPTv1;', () =>
    expect(selectTlsRpt(['v=TLSRPTv1; rua=mailto:a@b.example', 'v=spf1 -all', 'v=TLSRPTv1 ; rua=x'])).toEqual([
      'v=TLSRPTv1; rua=mailto:a@b.example',
    ]));
  test('its name', () => {
    const owner = tlsRptOwner(nameOf('example.com'));
    expect(owner.ok && formatName(owner.value)).toBe('_smtp._tls.example.com.');
  });
});
