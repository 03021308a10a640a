/** What `mail check` says of a zone without a DMARC record of its own: RFC 9989 §4.10. */
import { formatPlace } from '#base/place.ts';
import { describe, expect, test } from 'vitest';
import { checkMail } from '#control/mail/check.ts';
import { nameOf } from '#dns/name.ts';
import { zoneOf } from '../../support/mail/mail-domain.ts';
import { tableResolver } from '../../support/table-resolver.ts';

const SUB = nameOf('sub.example.com');
const ZONE = ['@ 3600 SOA ns hostmaster 1 7200 900 1209600 900', '@ 3600 NS ns', '@ 3600 TXT "v=spf1 -all"'];
const SPF = { 'sub.example.com': { txt: ['v=spf1 -all'] } };

async function codes(dmarc: string | undefined): Promise<string[]> {
  const table = dmarc === undefined ? SPF : { ...SPF, '_dmarc.example.com': { txt: [dmarc] } };
  const { problems } = await checkMail({ view: zoneOf(ZONE, SUB), isSigned: true }, tableResolver(table));
  return problems.map(({ severity, code, at }) => `${severity} ${code} ${formatPlace(at)}`);
}

describe('a zone without a DMARC record', () => {
  test('is warned of when nothing above it has one either', async () =>
    expect(await codes(undefined)).toEqual(['warning MAIL_RECORD_MISSING _dmarc.sub.example.com. TXT']));
  test('has that of the organizational domain above', async () => expect(await codes('v=DMARC1; p=reject')).toEqual([]));
  test('is warned of when what is above it is no policy', async () =>
    expect(await codes('v=DMARC1; p=rejekt')).toEqual(['warning MAIL_RECORD_MISSING _dmarc.sub.example.com. TXT']));
});
