/** `waxseal alert`, and what `waxseal status` has of alerts. */
import { beforeEach, expect, test } from 'vitest';
import { type AlertView } from '#control/api/alerts.ts';
import { ALERT_RULES } from '#control/alerts/rules.ts';
import { meaningOf } from '#control/alerts/reported.ts';
import { run, useServer } from '../support/cli-server.ts';

const server = useServer();
const ALERT: AlertView = {
  version: 1,
  id: 'aaaaaaaaaaaa',
  rule: 'DNS_DOWN',
  source: 'rule',
  severity: 'critical',
  text: 'no server has answered for 30 minutes',
  sinceMs: Date.UTC(2026, 0, 1),
  raisedMs: Date.UTC(2026, 0, 1),
  lastMs: Date.UTC(2026, 0, 1),
  sinceCountedMs: 0,
  lastCountedMs: 0,
  times: 1,
  state: 'standing',
  consequence: 'names do not resolve',
  command: 'waxseal status',
};

beforeEach(() => {
  server.control.alerts.all = [];
  server.control.alerts.tested = [];
});

test('a server without alerts says so, and its status begins as ever', async () => {
  expect(await server.cli('alert', 'list')).toMatchObject({ exit: 0, out: 'no alert stands\n' });
  expect((await server.cli('status')).out).toMatch(/^version/);
});

test('an alert is a paragraph: what, since when, what follows, where to look', async () => {
  server.control.alerts.all = [ALERT];
  const { out } = await server.cli('alert', 'list');
  expect(out).toMatch(/^critical +no server has answered/);
  expect(out).toMatch(/^since +2026-01-01T00:00:00\.000Z$/m);
  expect(out).toMatch(/^otherwise +names do not resolve$/m);
  expect(out).toMatch(/^look +waxseal status$/m);
  expect((await server.cli('status')).out).toMatch(/^needs a person: 1 critical, 0 warnings; 0 acknowledged\n\ncritical/);
  expect(JSON.parse((await server.cli('alert', 'list', '--json')).out)).toMatchObject({ alerts: [{ id: ALERT.id }] });
});

test('ack shows the alert as it is then; an unknown one is exit 3', async () => {
  server.control.alerts.all = [ALERT];
  const { exit, out } = await server.cli('alert', 'ack', ALERT.id, '--reason', 'on it');
  expect(exit).toBe(0);
  expect(out).toMatch(/^seen by +admin, .*: on it$/m);
  expect((await server.cli('alert', 'ack', 'ffffffffffff')).exit).toBe(3);
});

test('trying the targets is exit 6 when a message does not arrive, or there is no target', async () => {
  expect((await server.cli('alert', 'test')).exit).toBe(6);
  server.control.alerts.tested = [{ target: 'syslog 127.0.0.1:514' }];
  expect(await server.cli('alert', 'test')).toMatchObject({ exit: 0, out: 'syslog 127.0.0.1:514: sent\n' });
  server.control.alerts.tested = [{ target: 'syslog 127.0.0.1:514', failure: 'it cannot be sent' }];
  expect(await server.cli('alert', 'test')).toMatchObject({ exit: 6, out: 'syslog 127.0.0.1:514: not sent: it cannot be sent\n' });
});

test('every command that an alert names is one of this program', async () => {
  const codes = ['DNSSEC_SERVED', 'ZONE_EXPIRED', 'CERTIFICATE_EXPIRING', 'OTHER'];
  const reported = codes.flatMap((code) => [undefined, 'example.com.'].map((zone) => meaningOf(code, zone).command));
  const commands = new Set([...ALERT_RULES.map(({ command }) => command), ...reported]);
  for (const command of commands) {
    const [, ...words] = command.split(' ').filter((word) => word !== 'ZONE');
    const { out, exit } = await run([...words, '--help']);
    expect([command, exit]).toEqual([command, 0]);
    expect(out).toContain(`Usage: waxseal ${words.join(' ')}`);
    if (command.includes('ZONE')) expect(out.split('\n')[0]).toMatch(/[<[]zone[>\]]/);
  }
});
