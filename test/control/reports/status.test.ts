/** How reports are shown: every source with its share, and what is not kept one by one. */
import { expect, test } from 'vitest';
import { reportGround } from '#control/reports/reports.ts';
import { reportsStatus } from '#control/reports/status.ts';
import { newBook } from '#mail/reports/book.ts';
import { type DmarcBook, newDmarcBook, withDeclaration, withDmarcReport } from '#mail/reports/dmarc-book.ts';
import { newMailState } from '#mail/state.ts';
import { APEX, BASE, policyOf, zoneOf } from '../../support/mail/mail-domain.ts';
import { dayReport, reportRow, shareOf, signedBy } from '../../support/mail/report-rows.ts';

const DAY = 20_454;
const NOW = { nowMs: (DAY + 2) * 86_400_000, wallOffsetMs: 0 };
const VIEW = zoneOf(BASE);

function status(dmarc: DmarcBook, subdomains: Readonly<Record<string, DmarcBook>> = {}) {
  const policy = policyOf({ mtaSts: { mode: 'off' } });
  const reports = { dmarc, tls: newBook<never>(), posted: newBook<never>(), subdomains };
  return reportsStatus(reportGround(reports, VIEW, policy, newMailState(VIEW, APEX, 0)), NOW);
}

const taken = (rows: Parameters<typeof dayReport>[1]) =>
  withDmarcReport(
    newDmarcBook(),
    dayReport(DAY, rows),
    { domain: 'example.com', isOurs: (address) => address === '192.0.2.25', isEd25519: () => false },
    { nowMs: NOW.nowMs, firstDay: DAY },
  );

test('without reports steps follow time alone', () => {
  const { dmarc, tls } = status(newDmarcBook());
  expect(dmarc.lines).toEqual(['DMARC reports: none taken in; steps follow time alone (waxseal dmarc report ZONE FILE)']);
  expect(tls.lines).toEqual(['TLS reports: none taken in; steps follow time alone (waxseal mta-sts report ZONE FILE)']);
});

test('each source with its share and standing, the rest of known and of unknown ones, and names below', () => {
  const small = Array.from({ length: 120 }, (_, at) => shareOf(`10.0.${at}.1`, 2, 2)).flat();
  const forged = Array.from({ length: 60 }, (_, at) => reportRow(`172.16.${at}.1`, { messages: 3 }));
  const book = taken([
    ...shareOf('192.0.2.25', 100, 50),
    ...shareOf('198.51.100.7', 200, 0, signedBy('esp.example')),
    ...shareOf('198.51.101.7', 300, 0, signedBy('list.example')),
    ...small,
    ...forged,
  ]);
  const declared = withDeclaration(book, { name: 'list.example', isOurs: false, reason: 'x', by: 'y', atMs: 0 })!;
  const { dmarc } = status(declared, { 'news.example.com': taken(shareOf('192.0.2.26', 10, 9)) });
  expect(dmarc.sources).toHaveLength(20);
  const lines = dmarc.lines.map((line) => line.trim());
  expect(lines[0]).toMatch(/^DMARC reports: about 1 day since 2025-12-0\d, last from "receiver\.example", taken in 2026-01-03/);
  expect(lines).toEqual(
    expect.arrayContaining([
      'esp.example: 0 of 200 messages aligned (0 %), on 1 day; undecided: waxseal dmarc source ZONE NAME ours|not-ours --reason TEXT',
      '192.0.2.25: 50 of 100 messages aligned (50 %), on 1 day; in the way',
      '10.0.0.1: 2 of 2 messages aligned (100 %), on 1 day',
      'smaller known sources, not kept one by one: 42 of 42 messages aligned (100 %)',
      'smaller unknown sources, not kept one by one: 60 messages',
    ]),
  );
  expect(lines.at(-1)).toMatch(
    /^DMARC reports about news\.example\.com, which has a record of its own: 9 of 10 messages aligned \(90 %\), last taken in .*; this ramp does not wait for them$/,
  );
  expect(lines).toContain('and 122 more sources');
});
