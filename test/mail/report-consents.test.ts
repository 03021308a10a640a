/** RFC 9990 §4: consent of report hosts in other zones that we serve. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { type Name, formatName, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { parseDmarc } from '#mail/dmarc/record.ts';
import { type ConsentInput, consentingFor, ownerText, reportConsents } from '#mail/report-consents.ts';
import { type Manager, type ZoneView } from '#zone/view.ts';
import { APEX, lines, zoneOf } from '../support/mail/mail-domain.ts';

const NET = nameOf('example.net');
const OWNER = 'example.com._report._dmarc.reports.example.net.';
const LINE = 'example.com._report._dmarc.reports 600 TXT "v=DMARC1"';

function net(records: readonly string[] = [], manager?: Manager): ZoneView {
  return zoneOf(['@ 3600 SOA ns hostmaster 1 2 3 4 5', '@ 3600 NS ns.example.com.', ...records], NET, manager);
}

/** A change of example.com, whose reports go to `rua`; `zone` is served here. */
function consents(rua: string, zone: ZoneView, more: Partial<ConsentInput> = {}) {
  const dmarc = parseDmarc(`v=DMARC1; p=none; rua=${rua}`);
  if (!dmarc.ok) throw new Error('bad record in the test');
  const found = reportConsents({
    domain: APEX,
    dmarc: dmarc.value,
    ttlSeconds: 600,
    before: [],
    zoneOf: (name: Name) => (isAtOrBelow(ownerKey(name), zone.apexKey) ? zone : undefined),
    isClaimed: () => false,
    mayChange: () => true,
    ...more,
  });
  return {
    changes: found.elsewhere.flatMap(({ apex, changes }) => lines(changes, apex)),
    strangers: found.reportHosts.map(formatName),
    waiting: found.waiting.map(({ code, at }) => `${code} ${formatPlace(at)}`),
    given: found.given,
  };
}

const NOTHING = { changes: [], strangers: [], waiting: [], given: [] };
const REPORTS = 'mailto:d@reports.example.net';

describe('a host in a zone that we serve', () => {
  test('its consent is put there, and remembered', () =>
    expect(consents(REPORTS, net())).toEqual({ ...NOTHING, changes: [LINE], given: [OWNER] }));

  test('one of ours that is there stays', () =>
    expect(consents(REPORTS, net([LINE], 'mail'), { before: [OWNER] })).toEqual({ ...NOTHING, given: [OWNER] }));

  test('one put by hand does as well, and is not ours', () => expect(consents(REPORTS, net([LINE], 'manual'))).toEqual(NOTHING));

  test('two addresses at one host are one consent', () =>
    expect(consents('mailto:a@reports.example.net,mailto:b@REPORTS.example.net', net()).changes).toEqual([LINE]));

  test('without a right to the zone it waits', () =>
    expect(consents(REPORTS, net(), { mayChange: () => false })).toEqual({ ...NOTHING, waiting: [`MAIL_CONSENT_WAITS ${OWNER} TXT`] }));

  test('the right is asked of that zone', () => {
    const asked: string[] = [];
    consents(REPORTS, net(), { mayChange: (apex) => asked.push(formatName(apex)) > 0 });
    expect(asked).toEqual(['example.net.']);
  });
});

describe('hosts of others', () => {
  test.each([
    ['not in a zone of ours', 'mailto:d@stranger.example', net(), ['stranger.example.']],
    ['below a delegation', REPORTS, net(['reports 300 NS ns.example.org.']), ['reports.example.net.']],
    [
      'an alias in place of the consent',
      REPORTS,
      net(['example.com._report._dmarc.reports 300 CNAME c.example.org.']),
      ['reports.example.net.'],
    ],
  ])('%s: somebody should look', (_what, rua, zone, strangers) => expect(consents(rua, zone)).toEqual({ ...NOTHING, strangers }));

  test.each(['mailto:d@example.com', 'mailto:d@sub.example.com'])('%s is the same organization: no consent', (rua) =>
    expect(consents(rua, net())).toEqual(NOTHING),
  );
});

describe('a consent that is no longer wanted', () => {
  const gone = { ...NOTHING, changes: ['- example.com._report._dmarc.reports TXT'] };
  test('is taken out', () => {
    expect(consents('mailto:d@example.com', net([LINE], 'mail'), { before: [OWNER] })).toEqual(gone);
    expect(consents(REPORTS, net([LINE], 'mail'), { before: [OWNER], dmarc: undefined })).toEqual(gone);
  });

  test.each([
    ['another policy wants it too', net([LINE], 'mail'), { isClaimed: () => true }],
    ['somebody has put it by hand since', net([LINE], 'manual'), {}],
    ['it is not there', net(), {}],
    ['the zone is not served any more', net([LINE], 'mail'), { zoneOf: () => undefined }],
  ])('stays when %s', (_what, zone, more) => expect(consents('mailto:d@example.com', zone, { before: [OWNER], ...more })).toEqual(NOTHING));
});

test('the owner as text, and whose reports it is for', () => {
  expect(ownerText(nameOf('Example.COM._report._dmarc.Reports.example.net'))).toBe(OWNER);
  expect(consentingFor(nameOf(OWNER))).toBe('example.com.');
  expect(consentingFor(nameOf('_dmarc.example.net'))).toBeUndefined();
});
