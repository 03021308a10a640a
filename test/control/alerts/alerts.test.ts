/** Alerts of a real control: from what is reported and measured to what the API shows and targets get. */
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { WHOLE, atZone } from '#base/place.ts';
import { problem, warning } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { type AlertMessage, type AlertTarget, parseMessage } from '#control/alerts/targets.ts';
import { ALERT_RULES } from '#control/alerts/rules.ts';
import { TEST_ACTOR, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = 'example.com.';
const TEXT = '@ 60 IN SOA ns host 1 1 1 1 60\n@ IN NS ns\nns IN A 192.0.2.1\n';
const FOUND = problem('DNSSEC_PARENT', atZone(ZONE), 'a DS of no key of ours', { fix: 'look at the registrar' });

async function lab(options: Parameters<typeof temporaryControl>[0] = {}) {
  const got: AlertMessage[] = [];
  const target: AlertTarget = { name: 'test', send: (_id, body) => Promise.resolve(void got.push(parseMessage(body))) };
  const made = temporaryControl({ alerts: { rules: ALERT_RULES, targets: () => [target] }, ...options });
  await made.load(ZONE, TEXT, { dnssec: false });
  const { alerts } = made.control;
  const shown = () =>
    alerts.list().map(({ rule, state, zone }) => `${state} ${rule}${zone === undefined ? '' : ` ${zone}`}`);
  const start = () => {
    alerts.start(createLog({ level: 'silent' }));
    onTestFinished(() => alerts.stop());
  };
  return { ...made, alerts, got, shown, start, kinds: () => got.map(({ type, data }) => `${type} ${data.rule}`) };
}

test('what a part reports is shown with its zone, what follows, the fix and the first command', async () => {
  const { control, alerts } = await lab();
  await control.events.alert(ZONE, [FOUND]);
  await alerts.look();
  expect(alerts.list()).toMatchObject([
    {
      rule: 'DNSSEC_PARENT',
      state: 'standing',
      severity: 'critical',
      zone: ZONE,
      text: 'a DS of no key of ours',
      fix: 'look at the registrar',
      command: 'waxseal zone show example.com',
      times: 1,
    },
  ]);
  expect(alerts.list()[0]!.consequence).not.toBe('');
  await control.events.alert(ZONE, [FOUND]);
  await alerts.look();
  expect(alerts.list()).toMatchObject([{ times: 2 }]);
});

test('what was reported before the first start of this version is history', async () => {
  const first = await lab();
  await first.control.events.alert(ZONE, [FOUND]);
  await first.control.close();
  const { alerts } = temporaryControl({ in: first.dir, alerts: { rules: [], targets: () => [] } }).control;
  await alerts.look();
  expect(alerts.list()).toEqual([]);
});

test('what is reported while no look is made, and before a restart, is not lost and not counted twice', async () => {
  const first = await lab();
  await first.control.events.alert(ZONE, [FOUND]);
  await first.alerts.look();
  await first.control.events.alert(ZONE, [FOUND]);
  await first.control.events.alert(undefined, [warning('CLOCK_SUSPENDED', WHOLE, 'it slept')]);
  await first.control.close();
  const { alerts } = temporaryControl({ in: first.dir, alerts: { rules: [], targets: () => [] } }).control;
  await alerts.look();
  await alerts.look();
  expect(alerts.list().map(({ rule, times }) => `${rule} ${times}`)).toEqual(['DNSSEC_PARENT 2', 'CLOCK_SUSPENDED 1']);
});

test('worst first: standing before acknowledged before those that are over, critical before warnings', async () => {
  const { control, alerts, shown, clock } = await lab();
  await control.events.alert(undefined, [warning('CLOCK_SUSPENDED', WHOLE, 'it slept')]);
  await control.events.alert(ZONE, [FOUND, problem('ZONE_EXPIRED', atZone(ZONE), 'it has expired')]);
  await control.events.alert(ZONE, [warning('PRIMARY_FAILED', atZone(ZONE), 'none answers')]);
  await alerts.look();
  // The zone has no primaries and has not expired: both are over at once.
  expect(shown()).toEqual([
    'standing DNSSEC_PARENT example.com.',
    'standing CLOCK_SUSPENDED',
    'cleared ZONE_EXPIRED example.com.',
    'cleared PRIMARY_FAILED example.com.',
  ]);
  clock.pass(1000);
  good(await alerts.acknowledge(alerts.list()[0]!.id, { actor: TEST_ACTOR }, false));
  expect(shown().slice(0, 2)).toEqual(['standing CLOCK_SUSPENDED', 'acknowledged DNSSEC_PARENT example.com.']);
});

test('acknowledging: by whom and why, in the audit log, once; a dry run changes nothing; an unknown one is refused', async () => {
  const { control, alerts, clock, writer } = await lab();
  await control.events.alert(ZONE, [FOUND]);
  await alerts.look();
  const { id } = alerts.list()[0]!;
  clock.pass(1000);
  const by = { actor: TEST_ACTOR, reason: 'the registrar has a ticket' };
  expect(good(await alerts.acknowledge(id, by, true)).state).toBe('acknowledged');
  expect(alerts.get(id)!.state).toBe('standing');
  const done = good(await alerts.acknowledge(id, by, false));
  expect(done.acknowledged).toMatchObject({ reason: 'the registrar has a ticket' });
  expect(writer.audit(1)).toMatchObject([
    { action: 'alert.acknowledge', zone: ZONE, detail: `alert ${id} DNSSEC_PARENT: the registrar has a ticket` },
  ]);
  const again = good(await alerts.acknowledge(id, { actor: TEST_ACTOR }, false));
  expect(again.acknowledged).toEqual(done.acknowledged);
  expect(bad(await alerts.acknowledge('000000000000', by, false))[0]!.code).toBe('ALERT_NOT_FOUND');
});

test('the targets get what is raised, acknowledged and over; one look is one transaction', async () => {
  const { control, alerts, clock, start, got, kinds, writer } = await lab();
  start();
  await control.events.alert(ZONE, [FOUND]);
  await expect.poll(kinds, { timeout: 5000 }).toEqual(['alert.raised DNSSEC_PARENT']);
  expect(got[0]!.data).toMatchObject({
    zone: ZONE,
    severity: 'critical',
    fix: 'look at the registrar',
    id: alerts.list()[0]!.id,
  });
  clock.pass(1000);
  good(await alerts.acknowledge(alerts.list()[0]!.id, { actor: TEST_ACTOR }, false));
  await alerts.look();
  await expect
    .poll(kinds, { timeout: 5000 })
    .toEqual(['alert.raised DNSSEC_PARENT', 'alert.acknowledged DNSSEC_PARENT', 'alert.cleared DNSSEC_PARENT']);
  await expect.poll(() => writer.documentIds(0, 'alert-delivery')).toEqual([]);
});

test('a damaged document hides no other alert and ends no process', async () => {
  const first = await lab();
  await first.control.events.alert(ZONE, [FOUND]);
  await first.alerts.look();
  const damaged = [
    { zoneId: 0, kind: 'alert', id: 'ffffffffffff', value: { version: 2 } },
    { zoneId: 0, kind: 'alert-delivery', id: '9', value: 'x' },
    { zoneId: 0, kind: 'alert-journal', id: 'after', value: [] },
  ];
  await first.writer.commit({ audit: { atMs: 0 }, documents: damaged });
  await first.control.close();
  const { alerts } = temporaryControl({ in: first.dir, alerts: { rules: [], targets: () => [] } }).control;
  alerts.start(createLog({ level: 'silent' }));
  await alerts.look();
  await alerts.stop();
  expect(alerts.list().map(({ rule }) => rule)).toEqual(['DNSSEC_PARENT']);
});

test('conditions: a server without answer process is not ready, and is again', async () => {
  const { alerts, clock, shown } = await lab();
  await alerts.look();
  expect(shown()).toEqual([]);
  clock.pass(120_000);
  await alerts.look();
  expect(shown()).toEqual(['standing NOT_READY']);
  expect(alerts.metrics().find(({ name }) => name === 'waxseal_alerts')!.samples[0]).toEqual({
    labels: { severity: 'critical', state: 'standing' },
    value: 1,
  });
});

test('a look without news writes nothing', async () => {
  const { alerts, writer } = await lab({ alerts: { rules: [], targets: () => [] } });
  const before = writer.generation();
  await alerts.look();
  await alerts.look();
  expect(writer.generation()).toBe(before);
});

test('alerts of a zone that is removed are over, and a removal in between loses no other', async () => {
  const made = await lab();
  const { control, alerts, shown } = made;
  await control.events.alert(ZONE, [FOUND]);
  await alerts.look();
  good(await made.run({ kind: 'zone.remove', zone: nameOf(ZONE) }));
  await alerts.look();
  expect(shown()).toEqual(['cleared DNSSEC_PARENT example.com.']);
});
