/** What sd_notify(3) and sd_watchdog_enabled(3) say about the environment. */
import { describe, expect, test } from 'vitest';
import { forgetManager, managerSocket } from '#process/service-manager/environment.ts';
import { good } from '../../support/temporary-control.ts';

const PID = 4711;

describe('sd_notify(3)', () => {
  test.each([
    ['none', {}, undefined],
    ['an empty one', { NOTIFY_SOCKET: '' }, undefined],
    ['a path', { NOTIFY_SOCKET: '/run/systemd/notify' }, { address: '/run/systemd/notify' }],
    ['a name without a file', { NOTIFY_SOCKET: '@notify' }, { address: '@notify' }],
    ['a watchdog', { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '3000000' }, { address: '/n', watchdogMs: 3000 }],
    ['a watchdog of ours', { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '500000', WATCHDOG_PID: '4711' }, { address: '/n', watchdogMs: 500 }],
    ["another process's watchdog", { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '500000', WATCHDOG_PID: '1' }, { address: '/n' }],
    ['a watchdog that is no number', { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: 'soon' }, { address: '/n' }],
  ])('%s', (_, env, expected) => {
    expect(good(managerSocket(env, PID))).toEqual(expected);
  });

  test.each(['vsock:2:1234', 'notify', '@', `/${'n'.repeat(107)}`])('%s is rejected with what helps', (address) => {
    const read = managerSocket({ NOTIFY_SOCKET: address }, PID);
    expect(read.ok ? undefined : read.problems).toMatchObject([{ code: 'SOCKET_TYPE', fix: 'Type=exec in the unit' }]);
  });

  test('no process that is started here has the variables', () => {
    const env = { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '1', WATCHDOG_PID: '1', PATH: '/bin' };
    forgetManager(env);
    expect(env).toEqual({ PATH: '/bin' });
  });
});
