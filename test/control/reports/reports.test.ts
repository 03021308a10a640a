/** Reports as evidence: what they hold up, what they do not, and what is told of them. */
import { describe, expect, test } from 'vitest';
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
import { dayReport, reportRow, shareOf, signedBy } from '../../support/mail/report-rows.ts';
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
function rowsOf(address: string, messages: number, aligned: number, selector?: string): DmarcRow[] {
  return shareOf(address, messages, aligned, selector === undefined ? {} : signedBy('post.example', selector));
}

/** About the day that ended last. */
function reportOf({ clock }: Room, rows: readonly DmarcRow[], change: Partial<DmarcReport> = {}): DmarcReport {
  const endMs = Math.floor(clock.nowMs() / DAY_MS) * DAY_MS;
  return dayReport(endMs / DAY_MS - 1, rows, change);
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
  const rdata = rrsetOf(control.zones.view(control.zones.find(ZONE)!).node(ownerKey(name.value)), TYPE.TXT)?.rdatas[0];
  return /p=(\w+)/.exec(txtText(rdata!))![1]!;
}

const mailOf = ({ control }: TestControl) => control.mail.view(control.zones.find(ZONE)!)!;
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
    expect(linesOf(room, 'dmarc')).toContain(
      `DMARC reports: too few in all: 2840 of 3000 messages of known sources aligned; too few messages aligned: ${OWN} 2840 of 3000`,
    );
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
      { name: OWN, standing: 'known', isHolding: false },
      { name: '198.51.100.0/24', address: STRANGER, standing: 'unknown', isHolding: false },
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
    expect(mailOf(room).reports.dmarc.sources[0]).toMatchObject({ name: OWN, standing: 'known', isHolding: true });
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

describe('a source that is neither known nor a forger', () => {
  const esp = [...rowsOf(OWN, 100, 100), reportRow(STRANGER, { messages: 50, ...signedBy('esp.example') })];
  const declare = (room: Room, verdict: 'ours' | 'not-ours', source = 'esp.example') =>
    room.run({ kind: 'dmarc.source', zone: ZONE, source, verdict, reason: 'seen with marketing' });

  test('holds the ramp until the operator says that it is not ours', async () => {
    const room = await mailRoom();
    await days(room, 40, esp);
    expect(dmarc(room)).toBe('none');
    expect(linesOf(room, 'dmarc')).toContain('undecided, ours or not ours: esp.example 1500 messages on 30 days');
    expect(mailOf(room).reports.dmarc.lines.join('\n')).toContain('undecided: waxseal dmarc source');
    expect(good(await declare(room, 'not-ours'))).toMatchObject({ changed: true });
    expect(dmarc(room)).toBe('quarantine');
    expect(room.control.audit.entries(10)[0]).toMatchObject({
      action: 'dmarc.source',
      detail: expect.stringMatching(/^source esp\.example is not ours: seen with marketing/),
    });
    expect(mailOf(room).reports.dmarc.sources).toMatchObject([{ name: OWN }, { name: 'esp.example', standing: 'not-ours' }]);
    // It stays so for the steps to come, and while reports come in.
    await days(room, 32, esp);
    expect(dmarc(room)).toBe('reject');
  });

  test('holds it as ours until its mail is aligned', async () => {
    const room = await mailRoom();
    await days(room, 5, esp);
    good(await declare(room, 'ours'));
    await days(room, 32, esp);
    expect(dmarc(room)).toBe('none');
    await days(room, 31, [...rowsOf(OWN, 100, 100), ...shareOf(STRANGER, 50, 50, signedBy('esp.example'))]);
    expect(dmarc(room)).toBe('quarantine');
  });

  test('is named by domain, address or network; a name that no report has is noted with a warning, and no name is none', async () => {
    const room = await mailRoom();
    await days(room, 1, rowsOf(STRANGER, 5, 5));
    const standings = () => mailOf(room).reports.dmarc.sources.map(({ name, standing }) => `${name} ${standing}`);
    expect(good(await declare(room, 'not-ours', STRANGER)).warnings).toEqual([]);
    expect(standings()).toEqual(['198.51.100.0/24 not-ours']);
    good(await declare(room, 'ours', '198.51.100.0/24'));
    expect(standings()).toEqual(['198.51.100.0/24 known']);
    expect(good(await declare(room, 'ours', 'next-esp.example')).warnings).toMatchObject([{ code: 'REPORT_SOURCE' }]);
    expect(bad(await declare(room, 'ours', 'esp'))[0]).toMatchObject({ code: 'REPORT_SOURCE', at: { pointer: '/source' } });
    const generation = room.writer.generation();
    const dry = await room.run({ kind: 'dmarc.source', zone: ZONE, source: STRANGER, verdict: 'not-ours', reason: 'x' }, { dryRun: true });
    expect([good(dry).dryRun, room.writer.generation()]).toEqual([true, generation]);
  });
});

describe('RFC 8463 §3: a domain that signs with RSA and Ed25519', () => {
  test('passes where a receiver cannot read the second signature, also when it reports the message twice', async () => {
    const room = await mailRoom();
    await room.live(2 * DAY_MS);
    const keys = mailOf(room).state.dkim.lifecycle.objects;
    const selectorOf = (algorithm: string) => keys.find(({ data, stage }) => data.algorithm === algorithm && stage === 'active')!.id;
    const own = (algorithm: string) => [{ domain: 'post.example', selector: selectorOf(algorithm) }];
    const rows = [
      reportRow('203.0.113.5', { messages: 100, isDkimAligned: true, signatures: own('rsa2048') }),
      reportRow('203.0.113.5', { messages: 100, failed: own('ed25519') }),
      reportRow('203.0.113.6', { messages: 7, isDkimAligned: true, signatures: own('rsa2048'), failed: own('ed25519') }),
    ];
    await days(room, 1, rows);
    expect(mailOf(room).reports.dmarc.sources).toMatchObject([{ name: '203.0.113.0/24', messages: 107, aligned: 107, isHolding: false }]);
  });
});

describe('RFC 9989 §4.10: names below the zone', () => {
  const own = {
    op: 'set',
    name: '_dmarc.news.post.example.',
    type: 'TXT',
    ttl: 60,
    records: ['"v=DMARC1; p=none; rua=mailto:d@post.example"'],
  } as const;
  const about = (room: Room, domain: string, change: Partial<DmarcReport> = {}) =>
    take(room, reportOf(room, rowsOf('203.0.113.9', 40, 10), { domain, ...change }));

  test('a report about a name with a record of its own is kept apart, shown, and holds nothing up', async () => {
    const room = await mailRoom();
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [own] }));
    for (let day = 0; day < 31; day++) {
      await room.live(DAY_MS);
      good(await take(room, reportOf(room, rowsOf(OWN, 10, 10))));
      const taken = good(await about(room, 'news.post.example'));
      expect(taken).toMatchObject({ changed: true, mail: { text: expect.stringContaining('news.post.example has a record of its own') } });
      expect(good(await about(room, 'news.post.example'))).toMatchObject({ changed: false, warnings: [{ code: 'REPORT_KNOWN' }] });
    }
    expect(dmarc(room)).toBe('quarantine');
    const { sources, lines } = mailOf(room).reports.dmarc;
    expect(sources.map(({ name }) => name)).toEqual([OWN]);
    expect(lines.join('\n')).toContain(
      'DMARC reports about news.post.example, which has a record of its own: 300 of 1200 messages aligned',
    );
    good(await room.run({ kind: 'mail.remove', zone: ZONE, records: 'keep' }));
    expect(readReports(room.writer, room.control.zones.find(ZONE)!.id).subdomains).toEqual({});
  });

  test("one about a name without a record of its own counts for the zone: older receivers name the author's domain", async () => {
    const room = await mailRoom();
    await room.live(2 * DAY_MS);
    good(await about(room, 'shop.post.example'));
    expect(mailOf(room).reports.dmarc.sources).toMatchObject([{ name: '203.0.113.0/24', messages: 40, aligned: 10 }]);
  });

  test('the advice names the zone that it is about, or says that there is none here', async () => {
    const room = await mailRoom();
    const cut = { op: 'set', name: 'eu', type: 'NS', ttl: 60, records: ['ns1.eu.post.example.'] } as const;
    const glue = { op: 'set', name: 'ns1.eu.post.example.', type: 'A', ttl: 60, records: ['192.0.2.1'] } as const;
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [cut, glue] }));
    await room.load('eu.post.example.', MAIL_ZONE_TEXT, { dnssec: false });
    await room.live(2 * DAY_MS);
    const fixOf = async (domain: string) => bad(await about(room, domain)).map(({ code, fix }) => [code, fix]);
    expect(await fixOf('eu.post.example')).toEqual([['REPORT_DOMAIN', 'give it to the zone eu.post.example']]);
    expect(await fixOf('www.eu.post.example')).toEqual([['REPORT_DOMAIN', 'give it to the zone eu.post.example']]);
    expect(await fixOf('other.example')).toEqual([
      ['REPORT_DOMAIN', 'no zone of this server has that name: is it meant for another server?'],
    ]);
    expect(await fixOf('not a name')).toHaveLength(1);
  });
});

test('counts that version 1 stored are read, and go on counting', async () => {
  const room = await mailRoom();
  await room.live(2 * DAY_MS);
  const day = Math.floor(room.clock.nowMs() / DAY_MS) - 1;
  const value = {
    version: 1,
    known: [],
    last: [],
    days: [{ day, sources: [{ address: OWN, messages: 10, aligned: 4, dkim: 4, spf: 0, forwarded: 0 }], selectors: {} }],
  };
  const { id } = room.control.zones.find(ZONE)!;
  await room.writer.commit({ audit: { atMs: 0 }, documents: [{ zoneId: id, kind: 'mail-reports', id: 'dmarc', value }] });
  expect(mailOf(room).reports.dmarc.sources).toMatchObject([{ name: OWN, messages: 10, aligned: 4, standing: 'known' }]);
  good(await take(room, reportOf(room, rowsOf(OWN, 90, 90))));
  expect(mailOf(room).reports.dmarc.sources).toMatchObject([{ name: OWN, messages: 100, aligned: 94 }]);
  expect(verifyStore(room.writer).problems).toEqual([]);
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
    expect(room.control.audit.entries(100).filter(({ action }) => action === 'dmarc.report')).toHaveLength(1);
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
    const { dmarc: book } = readReports(room.writer, room.control.zones.find(ZONE)!.id);
    expect(book.days).toHaveLength(30);
    expect(book.known).toHaveLength(30);
    const fresh = await mailRoom();
    await fresh.live(DAY_MS);
    good(await take(fresh, reportOf(fresh, [...forged, ...rowsOf('203.0.113.9', 1, 1)])));
    const [day] = readReports(fresh.writer, fresh.control.zones.find(ZONE)!.id).dmarc.days;
    // 5000 addresses in one /48 are one source.
    expect(day!.sources).toMatchObject([
      { name: '203.0.113.0/24', aligned: 1 },
      { name: '2001:db8::/48', messages: 500_000, aligned: 0 },
    ]);
  });

  test('the same organization and id for another time is another report', async () => {
    const room = await mailRoom();
    await room.live(3 * DAY_MS);
    const report = reportOf(room, rowsOf(OWN, 10, 10), { id: '1' });
    good(await take(room, report));
    const { beginMs, endMs } = report;
    const before = { ...report, beginMs: beginMs - DAY_MS, endMs: endMs - DAY_MS };
    expect(good(await take(room, before))).toMatchObject({ changed: true, warnings: [] });
    expect(mailOf(room).reports.dmarc).toMatchObject({ days: 2, sources: [{ messages: 20 }] });
  });

  test('only beside a mail policy, with which they go', async () => {
    const room = await mailRoom();
    await days(room, 1, rowsOf(OWN, 1, 1));
    good(await room.run({ kind: 'mail.remove', zone: ZONE, records: 'keep' }));
    expect(readReports(room.writer, room.control.zones.find(ZONE)!.id).dmarc.days).toEqual([]);
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
    expect(room.control.audit.entries(1000).filter(({ action }) => action === 'mta-sts.report')).toHaveLength(32);
  });
});
