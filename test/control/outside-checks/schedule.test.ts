/** Zones are checked in turn: when, how many at a time, and what becomes of what is found, over a restart too. */
import { describe, expect, test } from 'vitest';
import {
  CHECKS_IN_TURN_MAX,
  CHECK_AGAIN_MS,
  CHECK_EACH_MS,
  CHECK_FIRST_MS,
  CHECK_STANDING_MS,
} from '#base/limits/outside.ts';
import { createLog } from '#base/log.ts';
import { WHOLE } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import { type CheckResult, type ZoneCheckApi } from '#control/api/zone-check.ts';
import { failed, passed } from '#control/doctor/results.ts';
import { nameOf } from '#dns/name.ts';
import { readDrift } from '#store/alerts/checks.ts';
import { type TestControlOptions, temporaryControl } from '../../support/temporary-control.ts';

const TEXT = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.other.test.\n';
const EVERY_MS = 6 * 3_600_000;
const log = createLog({ level: 'silent' });
const SOUND = [passed('spf', 'z0.example.', 'v=spf1 -all')];
const stranger = (): CheckResult =>
  failed('ns-not-ours', 'a.nic.', 'the parent names ns.evil.test.', 'ask the registrar');

/** A server whose checks find what the test says, by zone. */
function bench(options: Pick<TestControlOptions, 'in'> = {}) {
  const made = temporaryControl(options);
  const { control, clock } = made;
  const { schedule, zone } = control.checks;
  const found = new Map<string, readonly CheckResult[]>();
  const checked: string[] = [];
  const check: ZoneCheckApi['check'] = ({ name, serial }) => {
    checked.push(name);
    const results = found.get(name) ?? SOUND;
    return Promise.resolve(ok({ zone: name, atMs: 0, serial, verdict: results[0]!.verdict, results, omitted: 0 }));
  };
  Object.assign(zone, { check });
  schedule.start(log, EVERY_MS);
  const after = async (ms: number): Promise<void> => {
    clock.pass(ms);
    await schedule.turn();
    await control.alerts.look();
  };
  // Without workers the server is not ready, which is an alert too.
  const list = () => control.alerts.list().filter(({ rule }) => rule.startsWith('CHECK_'));
  const alerts = () => list().map(({ rule, zone: of, state }) => `${rule} ${of} ${state}`);
  return { ...made, made, schedule, found, checked, after, alerts, list };
}

async function withZones(count: number) {
  const room = bench();
  for (let at = 0; at < count; at++) await room.made.load(`z${at}.example.`, TEXT, { dnssec: false });
  return room;
}

describe('when', () => {
  test('a while after the start one zone after the other, then each as often as is configured', async () => {
    const { schedule, checked, after } = await withZones(3);
    await schedule.turn();
    await after(CHECK_FIRST_MS - 1);
    expect(checked).toEqual([]);
    await after(1);
    expect(checked).toEqual(['z0.example.']);
    await after(2 * CHECK_EACH_MS);
    expect(checked.length).toBe(3);
    await after(EVERY_MS - 2 * CHECK_EACH_MS - 1);
    expect(checked.length).toBe(3);
    await after(1);
    expect(checked).toEqual(['z0.example.', 'z1.example.', 'z2.example.', 'z0.example.']);
    await schedule.stop();
  });

  test('a zone that is new waits as after a start, one that is gone is forgotten', async () => {
    const { made, schedule, checked, after } = await withZones(1);
    await schedule.turn();
    await after(CHECK_FIRST_MS);
    await made.load('new.example.', TEXT, { dnssec: false });
    await after(0);
    expect(checked).toEqual(['z0.example.']);
    await after(CHECK_FIRST_MS);
    expect(checked).toEqual(['z0.example.', 'new.example.']);
    await made.run({ kind: 'zone.remove', zone: nameOf('new.example.') }, {});
    await after(EVERY_MS);
    expect(checked.filter((name) => name === 'new.example.')).toHaveLength(1);
    await schedule.stop();
  });

  test('a few at a time; one that cannot be checked now is tried again', async () => {
    const { control, schedule, after } = await withZones(5);
    const open = { now: 0, most: 0, tries: 0 };
    const check: ZoneCheckApi['check'] = async () => {
      open.tries += 1;
      open.most = Math.max(open.most, ++open.now);
      await new Promise((resolve) => setImmediate(resolve));
      open.now -= 1;
      return fail(problem('ZONE_CHECK_BUSY', WHOLE, 'busy'));
    };
    Object.assign(control.checks.zone, { check });
    await schedule.turn();
    await after(CHECK_FIRST_MS + 5 * CHECK_EACH_MS);
    expect(open).toEqual({ now: 0, most: CHECKS_IN_TURN_MAX, tries: 5 });
    await after(CHECK_AGAIN_MS);
    expect(open.tries).toBe(10);
    await schedule.stop();
  });
});

test('stop ends a check that hangs, at once, and what it did not see is no finding', async () => {
  const made = temporaryControl({ outside: { lookup: () => new Promise(() => {}) } });
  await made.load('z0.example.', TEXT, { dnssec: false });
  const { schedule } = made.control.checks;
  schedule.start(log, EVERY_MS);
  await schedule.turn();
  made.clock.pass(CHECK_FIRST_MS);
  const turn = schedule.turn();
  const startedMs = performance.now();
  setImmediate(() => void schedule.stop());
  await turn;
  expect(performance.now() - startedMs).toBeLessThan(2000);
  expect(readDrift(made.writer, made.writer.zoneByName(nameOf('z0.example.'))!.id)).toBeUndefined();
});

describe('what is found', () => {
  test('becomes an alert when it is seen again, once, and is over when it is gone', async () => {
    const { control, schedule, found, after, alerts, list } = await withZones(2);
    await schedule.turn();
    found.set('z0.example.', [stranger()]);
    await after(CHECK_FIRST_MS + CHECK_EACH_MS);
    expect(alerts()).toEqual([]);
    await after(CHECK_AGAIN_MS);
    expect(alerts()).toEqual(['CHECK_CHANGED z0.example. standing']);
    expect(list()[0]).toMatchObject({
      severity: 'critical',
      object: 'ns-not-ours a.nic.',
      text: 'ns-not-ours a.nic.: the parent names ns.evil.test. [RFC 1034 §4.2.2]',
      fix: 'ask the registrar',
      command: 'waxseal check z0.example',
    });
    await after(CHECK_STANDING_MS);
    expect(control.events.after(0, 1000).filter(({ event }) => event === 'CHECK_CHANGED')).toHaveLength(1);
    found.delete('z0.example.');
    await after(CHECK_STANDING_MS);
    expect(alerts()).toEqual(['CHECK_CHANGED z0.example. cleared']);
    expect(list()[0]!.why).toBe('the last check from outside finds it sound');
    await schedule.stop();
  });

  test('what failed at the first check is no news, also after a restart; what fails later is', async () => {
    const first = await withZones(1);
    await first.schedule.turn();
    first.found.set('z0.example.', [failed('spf-missing', 'z0.example.', 'there is no SPF record')]);
    await first.after(CHECK_FIRST_MS);
    await first.schedule.stop();
    const record = first.writer.zoneByName(nameOf('z0.example.'))!;
    expect(readDrift(first.writer, record.id)).toEqual({
      version: 1,
      known: ['spf-missing z0.example.'],
      standing: [],
    });
    await first.control.close();

    const next = bench({ in: first.dir });
    await next.schedule.turn();
    next.found.set('z0.example.', [
      failed('spf-missing', 'z0.example.', 'there is no SPF record'),
      failed('mta-sts-fetch', 'mta-sts.z0.example.', 'connect: refused'),
    ]);
    await next.after(CHECK_FIRST_MS);
    await next.after(CHECK_AGAIN_MS);
    expect(next.alerts()).toEqual(['CHECK_FAILED z0.example. standing']);
    expect(next.list()[0]!.object).toBe('mta-sts-fetch mta-sts.z0.example.');
    await next.schedule.stop();
    await next.control.close();

    // An alert stands over a restart until the zone was checked again.
    const last = bench({ in: first.dir });
    await last.after(0);
    expect(last.alerts()).toEqual(['CHECK_FAILED z0.example. standing']);
    await last.after(CHECK_FIRST_MS);
    expect(last.alerts()).toEqual(['CHECK_FAILED z0.example. cleared']);
    await last.schedule.stop();
  });

  test('is counted: zones by verdict, and checks', async () => {
    const { control, schedule, found, after } = await withZones(2);
    await schedule.turn();
    found.set('z1.example.', [stranger()]);
    await after(CHECK_FIRST_MS + CHECK_EACH_MS);
    const values = (name: string) =>
      control
        .metrics()
        .find((each) => each.name === name)!
        .samples.filter(({ value }) => value > 0);
    expect(values('waxseal_checked_zones')).toEqual([
      { labels: { verdict: 'failed' }, value: 1 },
      { labels: { verdict: 'passed' }, value: 1 },
    ]);
    expect(values('waxseal_zone_checks_total')).toEqual([{ labels: {}, value: 2 }]);
    await schedule.stop();
  });

  test('and kept in a damaged document is forgotten: the zone begins anew', async () => {
    const { writer, schedule, after, alerts } = await withZones(1);
    const { id } = writer.zoneByName(nameOf('z0.example.'))!;
    const damaged = { zoneId: id, kind: 'check', id: 'drift', value: { version: 1, known: 7 } };
    await writer.commit({ audit: { atMs: 0 }, documents: [damaged] });
    expect(readDrift(writer, id)).toBeUndefined();
    await schedule.turn();
    await after(CHECK_FIRST_MS);
    expect([readDrift(writer, id), alerts()]).toEqual([{ version: 1, known: [], standing: [] }, []]);
    await schedule.stop();
  });
});
