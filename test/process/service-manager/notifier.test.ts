/** What the service manager hears, and when, in counted time. */
import { type Role } from '#base/ipc/messages.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Notifier, type NotifierOptions } from '#process/service-manager/notifier.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function begun(options: Partial<NotifierOptions> = {}) {
  const said: string[] = [];
  const complaints: string[] = [];
  const alive = new Set<Role>(['answer', 'control']);
  const notifier = new Notifier({
    send: (text) => said.push(text) > 0,
    watchdogMs: 3000,
    isAlive: (role) => alive.has(role),
    complain: (why) => complaints.push(why),
    ...options,
  });
  notifier.start();
  return { notifier, said, complaints, alive };
}

/** Both processes that make a server. */
function makeReady(notifier: Notifier): void {
  notifier.processReady('control');
  notifier.processReady('answer');
}

describe('ready', () => {
  test('is said once, when DNS is answered and changes are possible', () => {
    const { notifier, said } = begun();
    notifier.processReady('control');
    expect(said).toEqual(['STATUS=starting']);
    for (const role of ['answer', 'answer', 'policy-host'] as const) notifier.processReady(role);
    expect(said).toEqual(['STATUS=starting', 'READY=1\nSTATUS=DNS is answered']);
  });

  test('is said without the control process after a while, with what is missing', () => {
    const { notifier, said, alive } = begun({ watchdogMs: 3_000_000 });
    alive.delete('control');
    notifier.processReady('answer');
    vi.advanceTimersByTime(59_000);
    expect(said).toEqual(['STATUS=starting']);
    vi.advanceTimersByTime(2000);
    expect(said.at(-1)).toBe('READY=1\nSTATUS=DNS is answered; no changes: the control process does not run');
  });

  test('is never said without an answering process', () => {
    const { notifier, said } = begun();
    notifier.processReady('control');
    vi.advanceTimersByTime(600_000);
    expect(said.length).toBeGreaterThan(100);
    expect(said.filter((text) => text.includes('READY'))).toEqual([]);
  });

  test('is said again at the next look when it was not taken', () => {
    let isFull = true;
    const said: string[] = [];
    const { notifier } = begun({ send: (text) => !isFull && said.push(text) > 0 });
    makeReady(notifier);
    isFull = false;
    vi.advanceTimersByTime(1000);
    expect(said[0]).toBe('READY=1\nSTATUS=DNS is answered');
  });
});

describe('the watchdog', () => {
  test('hears three times in its time that the server lives', () => {
    const { notifier, said } = begun();
    makeReady(notifier);
    vi.advanceTimersByTime(3000);
    expect(said.slice(2)).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
  });

  test('hears nothing while the answer process is not there; the line for people says why', () => {
    const { notifier, said, alive } = begun();
    makeReady(notifier);
    alive.delete('answer');
    vi.advanceTimersByTime(3000);
    expect(said.slice(2)).toEqual(['STATUS=DNS is not answered: the answer process does not run']);
    alive.add('answer');
    vi.advanceTimersByTime(1000);
    expect(said.at(-1)).toBe('WATCHDOG=1\nSTATUS=DNS is answered');
  });

  test('hears it without a control process too: DNS is not taken away for that', () => {
    const { notifier, said, alive } = begun();
    makeReady(notifier);
    alive.delete('control');
    vi.advanceTimersByTime(2000);
    expect(said.slice(2)).toEqual(['WATCHDOG=1\nSTATUS=DNS is answered; no changes: the control process does not run', 'WATCHDOG=1']);
  });

  test('where there is none: the line for people alone', () => {
    const said: string[] = [];
    const alive = new Set<Role>(['answer', 'control']);
    const notifier = new Notifier({ send: (text) => said.push(text) > 0, isAlive: (role) => alive.has(role), complain: () => {} });
    notifier.start();
    makeReady(notifier);
    alive.clear();
    vi.advanceTimersByTime(60_000);
    expect(said.slice(2)).toEqual(['STATUS=DNS is not answered: the answer process does not run']);
  });
});

test('stopping is said once, and nothing after it', () => {
  const { notifier, said } = begun();
  notifier.stopping();
  notifier.stopping();
  makeReady(notifier);
  vi.advanceTimersByTime(600_000);
  expect(said).toEqual(['STATUS=starting', 'STOPPING=1\nSTATUS=stopping']);
});

test('a socket that is not there is complained about once, and ends nothing', () => {
  const { notifier, complaints } = begun({
    send: () => {
      throw new Error('sendto: ENOENT');
    },
  });
  makeReady(notifier);
  vi.advanceTimersByTime(600_000);
  notifier.stopping();
  expect(complaints).toEqual(['sendto: ENOENT']);
});
