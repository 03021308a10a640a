/** SPF of a zone over time: includes as addresses, others that change, fail and vanish, and records that caches still want. */
import { inBody } from '#base/place.ts';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createLog } from '#base/log.ts';
import { lookAtZoneSpf } from '#control/mail/spf.ts';
import { nameOf, ownerKey, parseName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { readPolicy } from '#mail/settle.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { txtText } from '#mail/text/txt.ts';
import { verifyStore } from '#store/verify.ts';
import { rrsetOf } from '#zone/view.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';

const ZONE = nameOf('post.example.');
const REFRESH_SECONDS = 7200;
const TEXT = `
@ 3600 SOA ns1 host 10 ${REFRESH_SECONDS} 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
mx1 3600 A 192.0.2.25
mx1 3600 AAAA 2001:db8::25
`;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const policyWith = (spf: object) => ({ mtaSts: { mode: 'off' }, dkim: { algorithms: [] }, spf });
const FLAT = policyWith({ mechanisms: ['mx', 'include:esp.test'], flatten: ['esp.test'] });
const apply = (policy: unknown) => ({ kind: 'mail.apply', zone: ZONE, policy }) as const;

/** Networks that cannot be joined. */
const many = (count: number, third = 0) => Array.from({ length: count }, (_, at) => `ip4:10.${third}.${at}.${(at * 7) % 200}`).join(' ');

interface Room extends TestControl {
  world: Table;
  /** Log lines of alerts, as `level event code`. */
  readonly told: string[];
  asked: number;
}

async function room(world: Table, options: Parameters<typeof temporaryControl>[0] = {}): Promise<Room> {
  const told: string[] = [];
  const log = createLog({
    level: 'info',
    to: {
      write: (line: string) => {
        const { level, event, code } = JSON.parse(line) as Record<string, string>;
        told.push([level, event, code].join(' ').trim());
      },
    },
  });
  const made: { world: Table; asked: number } = { world, asked: 0 };
  const outside = {
    lookup: (name: Uint8Array, type: number): Promise<ResolverAnswer> => {
      made.asked++;
      return tableResolver(made.world).lookup(name, type);
    },
  };
  const control = temporaryControl({ outside, log, ...options });
  if (control.control.zones.find(ZONE) === undefined) await control.load('post.example.', TEXT);
  control.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  return Object.assign(made, control, { told });
}

/** The looks at SPF among what is due. */
const looksOf = ({ control }: TestControl) => control.lifecycles.sources.find(({ name }) => name === 'spf')!;

function textAt({ control }: TestControl, owner = '@'): string | undefined {
  const name = parseName(owner, ZONE);
  if (!name.ok) throw new Error(owner);
  const node = control.zones.view(control.zones.find(ZONE)!).node(ownerKey(name.value));
  return (rrsetOf(node, TYPE.TXT)?.rdatas ?? []).map(txtText).find((text) => text.startsWith('v=spf1'));
}

const partsOf = (made: TestControl) =>
  Array.from({ length: 99 }, (_, at) => `_spf${at + 1}`).filter((owner) => textAt(made, owner) !== undefined);
const spfCodes = (problems: readonly { readonly code: string }[]) =>
  problems.map(({ code }) => code).filter((code) => code.startsWith('SPF'));
const statusOf = ({ control }: TestControl) => control.mail.view(control.zones.find(ZONE)!)!.spf!;
const auditOf = ({ control }: TestControl) =>
  control.audit
    .entries(50)
    .filter(({ action }) => action === 'spf.take')
    .map(({ detail }) => detail);

describe('includes as addresses', () => {
  test('planned, applied, refreshed; what changed is published, told and audited; what did not writes no audit entry', async () => {
    const made = await room({ 'esp.test': { txt: ['v=spf1 ip4:198.51.100.0/24 -all'] } });
    const planned = good(await made.run(apply(FLAT), { dryRun: true }));
    expect(planned.changeset.added.join('\n')).toContain('v=spf1 mx ip4:198.51.100.0/24 ~all');
    good(await made.run(apply(FLAT)));
    expect(textAt(made)).toBe('v=spf1 mx ip4:198.51.100.0/24 ~all');
    await made.live(3 * HOUR_MS);
    expect(auditOf(made)).toEqual([]);
    made.world = { 'esp.test': { txt: ['v=spf1 ip4:198.51.100.0/25 ip4:203.0.113.7 -all'] } };
    // The TTL is five minutes.
    await made.live(5 * MINUTE_MS);
    expect(textAt(made)).toBe('v=spf1 mx ip4:198.51.100.0/25 ip4:203.0.113.7 ~all');
    expect(made.told).toEqual(['warn mail.spf-drift SPF_DRIFT_ADDRESSES']);
    const alerts = made.writer.events(0, 100).filter(({ kind }) => kind === 'alert');
    expect(alerts).toMatchObject([{ event: 'SPF_DRIFT_ADDRESSES', zone: 'post.example.', text: expect.stringContaining('203.0.113.7') }]);
    expect(auditOf(made)).toEqual([
      expect.stringMatching(
        /include:esp\.test stands for other addresses now: added 203\.0\.113\.7; removed 198\.51\.100\.128\/25 \(serial 11 → 12\)$/,
      ),
    ]);
    const status = statusOf(made);
    expect(status).toMatchObject({ lookups: 1, voids: 0, sources: [{ include: 'esp.test', networkCount: 2 }], failing: [] });
    expect(status.alerts.map(({ code }) => code)).toEqual(['SPF_DRIFT_ADDRESSES']);
    expect(status.problems).toMatchObject([{ code: 'SPF_DRIFT_ADDRESSES', severity: 'warning' }]);
    expect(status.lookedAtMs).toBeGreaterThan(made.clock.nowMs() - 5 * MINUTE_MS - 1);
    await made.live(25 * HOUR_MS);
    expect(statusOf(made).problems).toEqual([]);
    expect(verifyStore(made.writer).problems).toEqual([]);
  });

  test('a hold keeps the records as they are, and tells all the same', async () => {
    const made = await room({ 'esp.test': { txt: ['v=spf1 ip4:198.51.100.0/24 -all'] } });
    good(await made.run(apply(FLAT)));
    good(await made.run({ kind: 'lifecycle.hold', zone: ZONE, reason: 'migration' }));
    made.world = { 'esp.test': { txt: ['v=spf1 ip4:203.0.113.7 -all'] } };
    await made.live(3 * HOUR_MS);
    expect(textAt(made)).toBe('v=spf1 mx ip4:198.51.100.0/24 ~all');
    expect(made.told).toContain('warn mail.spf-drift SPF_DRIFT_ADDRESSES');
    expect(auditOf(made)[0]).toContain('held, records stay as they are');
    good(await made.run({ kind: 'lifecycle.resume', zone: ZONE }));
    await made.live(3 * HOUR_MS);
    expect(textAt(made)).toBe('v=spf1 mx ip4:203.0.113.7 ~all');
  });

  test('the policy says how often, and the TTL when that is sooner', async () => {
    const made = await room({ 'esp.test': { txt: ['v=spf1 ip4:198.51.100.0/24 -all'] } });
    expect(bad(await made.run(apply(policyWith({ refreshInterval: '1m' }))))[0]).toMatchObject({
      code: 'FIELD_VALUE',
      at: inBody('/spf/refreshInterval'),
    });
    good(await made.run(apply(policyWith({ mechanisms: ['mx', 'include:esp.test'], refreshInterval: '6h' }))));
    const { nextLookMs, lookedAtMs } = statusOf(made);
    expect(nextLookMs! - lookedAtMs!).toBeGreaterThanOrEqual(4.8 * HOUR_MS);
    expect(nextLookMs! - lookedAtMs!).toBeLessThanOrEqual(6 * HOUR_MS);
    good(await made.run(apply(FLAT)));
    expect(statusOf(made).nextLookMs! - made.clock.nowMs()).toBeLessThanOrEqual(5 * MINUTE_MS);
  });

  test('RFC 7208 §4.6.4: what is applied has to fit with the addresses, not with the includes', async () => {
    const deep = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`d${at}.test`, { txt: ['v=spf1 ip4:192.0.2.99 -all'] }]));
    const made = await room({
      ...deep,
      'esp.test': {
        txt: [
          `v=spf1 ${Object.keys(deep)
            .map((name) => `include:${name}`)
            .join(' ')} -all`,
        ],
      },
    });
    expect(bad(await made.run(apply(policyWith({ mechanisms: ['include:esp.test'] })))).map(({ code }) => code)).toContain('SPF_LOOKUPS');
    good(await made.run(apply(FLAT)));
    expect(textAt(made)).toBe('v=spf1 mx ip4:192.0.2.99 ~all');
  });
});

describe('failures take nothing away', () => {
  test.each(['servfail', 'timeout'] as const)('%s: last known good, told once, tried again soon; then as ever', async (failing) => {
    const good1 = { 'esp.test': { txt: ['v=spf1 include:a.test -all'] }, 'a.test': { txt: ['v=spf1 ip4:198.51.100.1 -all'] } };
    const made = await room(good1);
    good(await made.run(apply(FLAT)));
    for (const name of ['esp.test', 'a.test']) {
      made.told.length = 0;
      made.world = { ...good1, [name]: { [failing]: true as const } };
      await made.live(12 * HOUR_MS, () => expect(textAt(made)).toBe('v=spf1 mx ip4:198.51.100.1 ~all'));
      expect(made.told).toEqual(['warn mail.spf-kept SPF_FLATTEN_KEPT']);
      expect(statusOf(made).problems).toMatchObject([{ code: 'SPF_FLATTEN_KEPT', severity: 'warning' }]);
      // Applying the same policy meanwhile changes nothing either.
      expect(spfCodes(good(await made.run(apply(FLAT))).warnings)).toEqual(['SPF_FLATTEN_KEPT']);
      made.world = good1;
      await made.live(2 * HOUR_MS);
      expect(made.told).toEqual(['warn mail.spf-kept SPF_FLATTEN_KEPT', 'info mail.spf-recovered']);
      expect(statusOf(made)).toMatchObject({ failing: [], problems: [] });
    }
    expect(auditOf(made)).toEqual([]);
  });

  test('an include that vanishes stays as it was, with an error and an audit entry', async () => {
    const made = await room({ 'esp.test': { txt: ['v=spf1 ip4:198.51.100.1 -all'] } });
    good(await made.run(apply(FLAT)));
    made.world = {};
    await made.live(24 * HOUR_MS, () => expect(textAt(made)).toBe('v=spf1 mx ip4:198.51.100.1 ~all'));
    expect(made.told).toEqual(['error mail.spf-kept SPF_INCLUDE']);
    expect(auditOf(made)).toEqual([expect.stringContaining('include:esp.test cannot be flattened')]);
    expect(statusOf(made).failing).toMatchObject([{ include: 'esp.test', code: 'SPF_INCLUDE' }]);
  });

  test('never seen: it stays an include, with a warning, and becomes addresses when it can be read', async () => {
    const made = await room({ 'esp.test': { servfail: true } });
    const { warnings } = good(await made.run(apply(FLAT)));
    expect(warnings.map(({ severity, code }) => `${severity} ${code}`)).toContain('warning SPF_FLATTEN_KEPT');
    expect(textAt(made)).toBe('v=spf1 mx include:esp.test ~all');
    made.world = { 'esp.test': { txt: ['v=spf1 ip4:198.51.100.1 -all'] } };
    await made.live(5 * MINUTE_MS);
    expect(textAt(made)).toBe('v=spf1 mx ip4:198.51.100.1 ~all');
  });

  test('what would no longer fit is not published', async () => {
    const made = await room({ 'esp.test': { txt: [`v=spf1 ${many(30)} -all`] } });
    good(await made.run(apply(FLAT)));
    const before = textAt(made);
    made.world = { 'esp.test': { txt: [`v=spf1 ${many(250)} ${many(200, 1)} -all`] } };
    await made.live(2 * HOUR_MS);
    expect(textAt(made)).toBe(before);
    expect(made.told).toEqual(['warn mail.spf-kept SPF_FLATTEN_LARGE']);
    expect(statusOf(made).costProblems.map(({ code }) => code)).toContain('SPF_FLATTEN_LARGE');
  });

  test('outside servers that do not answer hold up no other change', async () => {
    let release = (): void => {};
    const stuck = new Promise<void>((resolve) => (release = resolve));
    const outside = { lookup: () => stuck.then((): ResolverAnswer => ({ kind: 'timeout' })) };
    const made = await room({}, { outside });
    const applying = made.run(apply(FLAT));
    const set = { op: 'set', name: 'other', type: 'A', ttl: 60, records: ['192.0.2.7'] } as const;
    good(await made.run({ kind: 'rrsets.change', zone: ZONE, operations: [set] }));
    release();
    expect(good(await applying).changed).toBe(true);
  });
});

describe('records beside the record', () => {
  test('RFC 7208 §5.2: whatever record a cache holds, what it includes is there as it was; restarts lose nothing; then it goes', async () => {
    let made = await room({ 'esp.test': { txt: [`v=spf1 ${many(40)} -all`] } });
    good(
      await made.run({
        kind: 'rrsets.change',
        zone: ZONE,
        operations: [{ op: 'set', name: '_spf2', type: 'TXT', ttl: 60, records: ['"by hand"'] }],
      }),
    );
    good(await made.run(apply(FLAT)));
    // A name that somebody uses is left alone.
    expect(textAt(made)).toBe('v=spf1 mx include:_spf1.post.example include:_spf3.post.example ~all');
    /** Every version that was published: until when a cache may hold it, and what it included. */
    const versions = new Map<string, { untilMs: number; parts: Map<string, string> }>();
    const look = (): void => {
      const nowMs = made.control.lifecycles.nowMs();
      const text = textAt(made)!;
      const owners = [...text.matchAll(/include:(_spf\d+)\.post\.example/g)].map((match) => match[1]!);
      versions.set(text, { untilMs: nowMs + HOUR_MS, parts: new Map(owners.map((owner) => [owner, textAt(made, owner)!])) });
      for (const { untilMs, parts } of versions.values())
        if (untilMs > nowMs) for (const [owner, part] of parts) expect(textAt(made, owner)).toBe(part);
    };
    for (let round = 1; round <= 6; round++) {
      await made.live(7 * MINUTE_MS, look);
      made.world = { 'esp.test': { txt: [`v=spf1 ${many(40 - round, round % 2)} ip4:192.0.2.${round} -all`] } };
      if (round % 2 === 0) {
        const { dir, clock, world } = made;
        await made.writer.close();
        made = await room(world, { in: dir, nowMs: clock.nowMs() });
      }
    }
    expect(versions.size).toBeGreaterThanOrEqual(6);
    expect(partsOf(made).length).toBeGreaterThan(4);
    await made.live(REFRESH_SECONDS * 1000 + HOUR_MS + 10 * MINUTE_MS, look);
    expect(partsOf(made)).toHaveLength(2);
    expect(made.events.filter((text) => text.includes('finished _spf')).length).toBeGreaterThan(2);
    // Small again: nothing beside it, after a while.
    made.world = { 'esp.test': { txt: ['v=spf1 ip4:198.51.100.1 -all'] } };
    await made.live(6 * MINUTE_MS, look);
    expect(textAt(made)).toBe('v=spf1 mx ip4:198.51.100.1 ~all');
    expect(partsOf(made)).toHaveLength(2);
    await made.live(REFRESH_SECONDS * 1000 + HOUR_MS, look);
    expect(partsOf(made)).toEqual([]);
    expect(verifyStore(made.writer).problems).toEqual([]);
  });

  test('other TXT of the domain takes room: the addresses move out, and back in', async () => {
    const made = await room({ 'esp.test': { txt: [`v=spf1 ${many(20)} -all`] } });
    good(await made.run(apply(FLAT)));
    expect(textAt(made)).toContain('ip4:10.0.0.0');
    const change = (op: 'add' | 'remove') =>
      made.run({
        kind: 'rrsets.change',
        zone: ZONE,
        operations: [{ op, name: '@', type: 'TXT', ttl: 3600, records: [`"${'x'.repeat(250)}"`] }],
      });
    good(await change('add'));
    await made.live(1);
    expect(textAt(made)).toBe('v=spf1 mx include:_spf1.post.example ~all');
    good(await change('remove'));
    await made.live(1);
    expect(textAt(made)).toContain('ip4:10.0.0.0');
    expect(partsOf(made)).toEqual(['_spf1']);
  });
});

describe('RFC 7208 §4.6.4: what others include', () => {
  const chain = (count: number): Table => ({
    'esp.test': { txt: [`v=spf1 ${Array.from({ length: count - 2 }, (_, at) => `include:s${at}.test`).join(' ')} -all`] },
    ...Object.fromEntries(Array.from({ length: count - 2 }, (_, at) => [`s${at}.test`, { txt: ['v=spf1 ip4:192.0.2.1 -all'] }])),
  });

  test('alerts at 8, 9 and 10 look-ups, an error beyond; in log, audit and status; a restart in between is no reason for one', async () => {
    let made = await room(chain(7));
    good(await made.run(apply(policyWith({ mechanisms: ['mx', 'include:esp.test'] }))));
    expect(statusOf(made)).toMatchObject({ lookups: 7, alerts: [] });
    for (const count of [8, 9, 10, 11]) {
      made.told.length = 0;
      made.world = chain(count);
      await made.live(HOUR_MS);
      const level = count > 10 ? 'error' : 'warn';
      expect(made.told).toEqual([`${level} mail.spf-drift SPF_DRIFT_LOOKUPS`, 'warn mail.spf-drift SPF_DRIFT_INCLUDE']);
      expect(statusOf(made).lookups).toBe(count);
      expect(auditOf(made)[0]).toContain(`${count - 1} look-ups became ${count}`);
      expect(auditOf(made)[0]).toContain(`now included: s${count - 3}.test (by esp.test)`);
      const { dir, clock, world } = made;
      await made.writer.close();
      made = await room(world, { in: dir, nowMs: clock.nowMs() });
      await made.live(2 * HOUR_MS);
      expect(made.told).toEqual([]);
    }
    expect(statusOf(made).costProblems).toMatchObject([{ code: 'SPF_LOOKUPS', severity: 'error' }]);
    expect(statusOf(made).lines.join('\n')).toContain('10 look-ups became 11');
    made.world = { ...chain(7), 's0.test': { timeout: true } };
    await made.live(2 * HOUR_MS);
    expect(statusOf(made).lookups).toBe(7);
  });

  test('voids, and an include that is no more', async () => {
    const made = await room(chain(4));
    good(await made.run(apply(policyWith({ mechanisms: ['mx', 'include:esp.test'] }))));
    made.world = { ...chain(4), 's1.test': { txt: ['v=spf1 a:gone.test -all'] } };
    await made.live(HOUR_MS);
    expect(made.told).toEqual(['warn mail.spf-drift SPF_DRIFT_VOIDS']);
    made.told.length = 0;
    const { 's1.test': _gone, ...rest } = chain(4);
    made.world = rest;
    await made.live(HOUR_MS);
    expect(made.told).toContain('error mail.spf-drift SPF_DRIFT_INCLUDE');
  });

  test('zones that have a policy and were never looked at get a time, once', async () => {
    const made = await room(chain(4));
    good(await made.run(apply(policyWith({ mechanisms: ['include:esp.test'] }))));
    const record = made.control.zones.find(ZONE)!;
    await made.writer.commit({ audit: { atMs: 0 }, documents: [{ zoneId: record.id, kind: 'spf', id: 'watch', value: null }] });
    const spf = looksOf(made);
    good(await spf.begin!());
    const dueMs = spf.nextDueMs();
    expect(dueMs! - made.control.lifecycles.nowMs()).toBeLessThanOrEqual(HOUR_MS);
    expect(statusOf(made).lines).toEqual([expect.stringContaining('not looked at yet')]);
    good(await spf.begin!());
    expect(spf.nextDueMs()).toBe(dueMs);
    await made.live(HOUR_MS);
    expect(statusOf(made)).toMatchObject({ lookups: 3, alerts: [] });
  });

  test('a look ends, however slow the servers are that it asks', async () => {
    const made = await room(chain(10));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let asked = 0;
    const slow = {
      lookup: async (name: Uint8Array, type: number): Promise<ResolverAnswer> => {
        asked++;
        await new Promise((resolve) => setTimeout(resolve, 7000));
        return tableResolver(made.world).lookup(name, type);
      },
    };
    const policy = readPolicy(policyWith({ mechanisms: ['include:esp.test'] }), ZONE);
    const looking = lookAtZoneSpf(made.writer, made.control.zones.find(ZONE)!, good(policy), { nowMs: 0, wallOffsetMs: 0 }, slow);
    await vi.advanceTimersByTimeAsync(21_000);
    const { watch } = await looking;
    expect(asked).toBe(3);
    expect(watch.problems.map(({ code }) => code)).toContain('SPF_UNRESOLVED');
    expect(watch.failures).toBe(1);
  });

  test('a policy that needs nobody is not looked at; one that goes is forgotten', async () => {
    const made = await room(chain(4));
    const spf = looksOf(made);
    good(await made.run(apply(policyWith({ mechanisms: ['ip4:192.0.2.1'] }))));
    expect(spf.nextDueMs()).toBeUndefined();
    good(await made.run(apply(policyWith({ mechanisms: ['include:esp.test'] }))));
    expect(spf.nextDueMs()).toBeDefined();
    good(await made.run(apply(policyWith({ enabled: false }))));
    expect(spf.nextDueMs()).toBeUndefined();
    good(await made.run(apply(FLAT)));
    good(await made.run({ kind: 'mail.remove', zone: ZONE, records: 'keep' }));
    expect(spf.nextDueMs()).toBeUndefined();
  });
});
