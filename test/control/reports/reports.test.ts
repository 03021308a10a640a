/** Reports as evidence: what they hold up, what they do not, and what is told of them. */
import { describe, expect, test } from 'vitest';
import { REPORT_SOURCES_PER_DAY_MAX } from '#base/limits/reports.ts';
import { readReports } from '#store/mail/reports.ts';
import { nameOf, ownerKey, parseName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type DmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import { type DmarcRow } from '#mail/reports/dmarc-record.ts';
import { servedBody, stsMode } from '#mail/mta-sts/lifecycle.ts';
import { formatStsPolicy } from '#mail/mta-sts/record.ts';
import { type TlsReport } from '#mail/reports/tls-report.ts';
import { txtText } from '#mail/text/txt.ts';
import { verifyStore } from '#store/verify.ts';
import { rrsetOf } from '#zone/view.ts';
import { type TestControl, bad, good, temporaryControl, MAIL_ZONE_TEXT } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
/** SPF names it (`mx`). */
const OWN = '192.0.2.25';
const STRANGER = '198.51.100.66';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function mailRoom(policy: object = { mtaSts: { mode: 'off' } }, options: Parameters<typeof temporaryControl>[0] = {}) {
  const room = temporaryControl({ sources: ['mail'], ...options });
  await room.load('post.example.', MAIL_ZONE_TEXT);
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  good(await room.run({ kind: 'mail.apply', zone: ZONE, policy }));
  return room;
}
type Room = Awaited<ReturnType<typeof mailRoom>>;

/** `aligned` of `messages`, by DKIM. */
function rowsOf(source: string, messages: number, aligned: number, selector?: string): DmarcRow[] {
  const row = { source, isSpfAligned: false, isForwarded: false, author: 'post.example', failed: [] };
  const signatures = selector === undefined ? [] : [{ domain: 'post.example', selector }];
  return [
    { ...row, messages: aligned, isDkimAligned: true, signatures },
    { ...row, messages: messages - aligned, isDkimAligned: false, signatures: [] },
  ].filter((each) => each.messages > 0);
}

/** About the day that ended last. */
function reportOf({ clock }: Room, rows: readonly DmarcRow[], change: Partial<DmarcReport> = {}): DmarcReport {
  const endMs = Math.floor(clock.nowMs() / DAY_MS) * DAY_MS;
  return {
    organization: 'receiver.example',
    id: `report-${endMs}`,
    domain: 'post.example',
    beginMs: endMs - DAY_MS,
    endMs: endMs - 1000,
    rows,
    leftOut: [],
    ...change,
  };
}

const take = (room: Room, report: DmarcReport) => room.run({ kind: 'dmarc.report', zone: ZONE, report });

/** Days with a report each. */
async function days(room: Room, count: number, rows: readonly DmarcRow[]): Promise<void> {
  for (let day = 0; day < count; day++) {
    await room.live(DAY_MS);
    good(await take(room, reportOf(room, rows)));
  }
}

function dmarc({ control }: TestControl): string {
  const name = parseName('_dmarc', ZONE);
  if (!name.ok) throw new Error('_dmarc');
  const rdata = rrsetOf(control.view(control.zone(ZONE)!).node(ownerKey(name.value)), TYPE.TXT)?.rdatas[0];
  return /p=(\w+)/.exec(txtText(rdata!))![1]!;
}

const mailOf = ({ control }: TestControl) => control.mail(control.zone(ZONE)!)!;
const linesOf = (room: TestControl, object: string) =>
  mailOf(room)
    .explanations.filter((each) => each.object === object)
    .flatMap(({ lines }) => lines)
    .join('\n');

describe('RFC 9989 §7.4: the DMARC ramp', () => {
  test('a known source that is not aligned holds it up, by name, until the days with that are over', async () => {
    const room = await mailRoom();
    await days(room, 5, rowsOf(OWN, 100, 60));
    await days(room, 26, rowsOf(OWN, 100, 100));
    expect(dmarc(room)).toBe('none');
    expect(linesOf(room, 'dmarc')).toContain(`DMARC reports: too few messages aligned: ${OWN} 2840 of 3000`);
    expect(linesOf(room, 'dmarc')).toContain('waxseal mail override post.example dmarc aligned');
    await days(room, 6, rowsOf(OWN, 100, 100));
    expect(dmarc(room)).toBe('quarantine');
  });

  test('the dwell time stays, however good reports are', async () => {
    const room = await mailRoom();
    await days(room, 28, rowsOf(OWN, 1000, 1000));
    expect(dmarc(room)).toBe('none');
    await days(room, 3, rowsOf(OWN, 1000, 1000));
    expect(dmarc(room)).toBe('quarantine');
  });

  test('strangers without any aligned mail are shown and not waited for, also when they are most of it', async () => {
    const room = await mailRoom();
    await days(room, 31, [...rowsOf(OWN, 100, 100), ...rowsOf(STRANGER, 100_000, 0)]);
    expect(dmarc(room)).toBe('quarantine');
    const { sources, lines } = mailOf(room).reports.dmarc;
    expect(sources).toMatchObject([
      { address: OWN, isKnown: true, isHolding: false },
      { address: STRANGER, isKnown: false, isHolding: false },
    ]);
    expect(lines.join('\n')).toContain(`${STRANGER}: 0 of`);
    expect(lines.join('\n')).toContain('unknown, not waited for');
  });

  test('a source that SPF names counts as known though nothing of it is aligned; forwarded mail does not count', async () => {
    const room = await mailRoom();
    const forwarded = rowsOf('203.0.113.5', 50, 10).map((row) => ({ ...row, isForwarded: !row.isDkimAligned }));
    await days(room, 2, forwarded);
    expect(mailOf(room).reports.dmarc.sources).toMatchObject([{ address: '203.0.113.5', messages: 20, aligned: 20, isHolding: false }]);
    await days(room, 31, rowsOf(OWN, 20, 0));
    expect(dmarc(room)).toBe('none');
    expect(mailOf(room).reports.dmarc.sources[0]).toMatchObject({ address: OWN, isKnown: true, isHolding: true });
  });

  test('an override goes on without it; reports that stop coming hold nothing', async () => {
    const room = await mailRoom();
    await days(room, 32, rowsOf(OWN, 100, 50));
    expect(dmarc(room)).toBe('none');
    good(await room.run({ kind: 'lifecycle.override', zone: ZONE, object: 'dmarc', wait: 'aligned', reason: 'a test host' }));
    expect(dmarc(room)).toBe('quarantine');
    await room.live(32 * DAY_MS);
    expect(dmarc(room)).toBe('reject');
  });
});

describe('which reports are taken in', () => {
  test('each once, with one entry in the audit log and one event', async () => {
    const room = await mailRoom();
    await room.live(2 * DAY_MS);
    const report = reportOf(room, rowsOf(OWN, 10, 9));
    expect(good(await room.run({ kind: 'dmarc.report', zone: ZONE, report }, { dryRun: true }))).toMatchObject({
      changed: true,
      dryRun: true,
    });
    expect(good(await take(room, report))).toMatchObject({
      changed: true,
      changeset: { added: [], deleted: [] },
      mail: { text: expect.stringContaining('of "receiver.example" about 2026-01-02: 10 messages, 9 aligned') },
    });
    const generation = room.writer.generation();
    const again = good(await take(room, report));
    expect(again).toMatchObject({ changed: false, warnings: [{ code: 'REPORT_KNOWN' }] });
    expect(room.writer.generation()).toBe(generation);
    expect(mailOf(room).reports.dmarc.sources).toMatchObject([{ messages: 10, aligned: 9 }]);
    expect(room.control.audit(100).filter(({ action }) => action === 'dmarc.report')).toHaveLength(1);
    const told = room.control.events.after(0, 1000).filter(({ event }) => event === 'report');
    expect(told).toMatchObject([{ kind: 'mail', zone: 'post.example.', text: expect.stringContaining('10 messages, 9 aligned') }]);
    expect(good(await take(room, { ...report, organization: 'another.example' })).changed).toBe(true);
  });

  test('not of another domain, not of the future, not back to front; too old is told', async () => {
    const room = await mailRoom();
    await room.live(2 * DAY_MS);
    const codes = async (change: Partial<DmarcReport>) =>
      bad(await take(room, reportOf(room, rowsOf(OWN, 1, 1), change))).map(({ code }) => code);
    const nowMs = room.clock.nowMs();
    expect(await codes({ domain: 'other.example', endMs: nowMs + 2 * DAY_MS })).toEqual(['REPORT_DOMAIN', 'REPORT_TIME']);
    expect(await codes({ beginMs: nowMs, endMs: nowMs - DAY_MS })).toEqual(['REPORT_TIME']);
    expect(await codes({ beginMs: nowMs - 60 * DAY_MS })).toEqual(['REPORT_TIME']);
    expect(await codes({ beginMs: 99_999_999_999_000, endMs: 99_999_999_999_000 })).toEqual(['REPORT_TIME']);
    const old = reportOf(room, rowsOf(OWN, 1, 0), { beginMs: nowMs - 50 * DAY_MS, endMs: nowMs - 49 * DAY_MS });
    expect(good(await take(room, old))).toMatchObject({ changed: false, warnings: [{ code: 'REPORT_OLD' }] });
    expect(mailOf(room).reports.dmarc).toMatchObject({ days: 0, last: [] });
  });

  test('thousands of forged addresses do not push out sources that are aligned, and old days go', async () => {
    const room = await mailRoom();
    await room.live(DAY_MS);
    const forged = Array.from({ length: 5000 }, (_, at) => rowsOf(`2001:db8::${at.toString(16)}`, 100, 0)).flat();
    good(await take(room, reportOf(room, [...forged, ...rowsOf('203.0.113.9', 1, 1)])));
    await days(room, 40, rowsOf(OWN, 1, 1));
    const { dmarc: book } = readReports(room.writer, room.control.zone(ZONE)!.id);
    expect(book.days).toHaveLength(30);
    expect(book.known).toHaveLength(30);
    const fresh = await mailRoom();
    await fresh.live(DAY_MS);
    good(await take(fresh, reportOf(fresh, [...forged, ...rowsOf('203.0.113.9', 1, 1)])));
    const [day] = readReports(fresh.writer, fresh.control.zone(ZONE)!.id).dmarc.days;
    expect(day!.sources).toHaveLength(REPORT_SOURCES_PER_DAY_MAX);
    expect(day!.sources[0]).toMatchObject({ address: '203.0.113.9', aligned: 1 });
  });

  test('only beside a mail policy, with which they go', async () => {
    const room = await mailRoom();
    await days(room, 1, rowsOf(OWN, 1, 1));
    good(await room.run({ kind: 'mail.remove', zone: ZONE, records: 'keep' }));
    expect(readReports(room.writer, room.control.zone(ZONE)!.id).dmarc.days).toEqual([]);
    expect(bad(await take(room, reportOf(room, rowsOf(OWN, 1, 1))))[0]?.code).toBe('MAIL_NO_POLICY');
    expect(verifyStore(room.writer).problems).toEqual([]);
  });
});

describe('RFC 6376 §3.6.1: a DKIM key on its way out', () => {
  test('stays while reports have mail signed with it', async () => {
    const room = await mailRoom({ mtaSts: { mode: 'off' }, dkim: { algorithms: ['rsa2048'], queueLife: '5d', afterRetirement: 'revoke' } });
    const stage = () => Object.fromEntries(mailOf(room).state.dkim.lifecycle.objects.map((each) => [each.id, each.stage]))['r20260101a'];
    await room.live(2 * DAY_MS);
    good(await room.run({ kind: 'dkim.rotate', zone: ZONE, algorithms: [], reason: 'test' }));
    await room.live(DAY_MS);
    expect(stage()).toBe('retiring');
    await days(room, 12, rowsOf(OWN, 10, 10, 'r20260101a'));
    expect(stage()).toBe('retiring');
    expect(linesOf(room, 'r20260101a')).toMatch(/unreported: .*messages signed with it since/);
    await days(room, 7, rowsOf(OWN, 10, 10, 'r20260103a'));
    expect(stage()).not.toBe('retiring');
  });
});

describe('RFC 8460 §4.3: MTA-STS', () => {
  test('goes to enforce when TLS works for those who report', async () => {
    const probe = () => Promise.resolve(formatStsPolicy(servedBody(mailOf(room).state.mtaSts)!.data.policy));
    const room: Room = await mailRoom(
      { mtaSts: { mode: 'enforce', testingFor: '14d', shortFor: '7d' } },
      { witnesses: { nameServers: new Map(), probes: new Map([['probe', probe]]) } },
    );
    const tlsReport = (failed: number): TlsReport => {
      const { rows: _rows, ...head } = reportOf(room, []);
      const failures = [{ type: 'certificate-expired', sessions: failed }];
      return {
        ...head,
        policies: [
          { kind: 'sts', succeeded: 100, failed, failures: failed === 0 ? [] : failures },
          { kind: 'tlsa', succeeded: 0, failed: 50, failures: [{ type: 'tlsa-invalid', sessions: 50 }] },
        ],
      };
    };
    const tlsDays = async (count: number, failed: number) => {
      for (let day = 0; day < count; day++) {
        await room.live(DAY_MS);
        good(await room.run({ kind: 'mta-sts.report', zone: ZONE, report: tlsReport(failed) }));
      }
    };
    await tlsDays(16, 20);
    expect(stsMode(mailOf(room).state.mtaSts)).toBe('testing');
    expect(linesOf(room, 'mta-sts')).toMatch(/sessions failed since .*certificate-expired/);
    await tlsDays(16, 0);
    expect(stsMode(mailOf(room).state.mtaSts)).toBe('enforceShort');
    expect(room.control.audit(1000).filter(({ action }) => action === 'mta-sts.report')).toHaveLength(32);
  });
});
