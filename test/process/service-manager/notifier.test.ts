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

describe('the configuration is read again', () => {
  const RELOADING = /^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reading the configuration again$/;
  const READY = 'READY=1\nSTATUS=DNS is answered';

  test('that it begins with the time of the clock that does not jump, and that it is over when control says so', () => {
    const { notifier, said } = begun();
    makeReady(notifier);
    const beforeUs = process.hrtime.bigint() / 1000n;
    notifier.reloading();
    expect(said[2]).toMatch(RELOADING);
    const saidUs = BigInt(/USEC=(\d+)/.exec(said[2]!)![1]!);
    expect(saidUs >= beforeUs && saidUs <= process.hrtime.bigint() / 1000n).toBe(true);
    vi.advanceTimersByTime(2000);
    // It lives meanwhile, and its line stays.
    expect(said.slice(3)).toEqual(['WATCHDOG=1', 'WATCHDOG=1']);
    notifier.reloaded(true);
    expect(said.at(-1)).toBe(READY);
    vi.advanceTimersByTime(1000);
    expect(said.at(-1)).toBe('WATCHDOG=1');
  });

  test('one with errors is over too: the line for people says so, until the next that is good', () => {
    const { notifier, said } = begun();
    makeReady(notifier);
    notifier.reloading();
    notifier.reloaded(false);
    expect(said.at(-1)).toMatch(/^READY=1\nSTATUS=DNS is answered; the configuration .* has errors/);
    notifier.reloading();
    notifier.reloaded(true);
    expect(said.at(-1)).toBe(READY);
  });

  test('an error is forgotten with the control process: its next start has read a good one', () => {
    const { notifier, said } = begun();
    makeReady(notifier);
    notifier.reloading();
    notifier.reloaded(false);
    notifier.processReady('control');
    vi.advanceTimersByTime(1000);
    expect(said.at(-1)).toBe('WATCHDOG=1\nSTATUS=DNS is answered');
  });

  test('without a control process, or when it dies meanwhile, it is over: its start reads it', () => {
    const { notifier, said, alive } = begun();
    makeReady(notifier);
    alive.delete('control');
    notifier.reloading();
    const over = 'READY=1\nSTATUS=DNS is answered; no changes: the control process does not run';
    expect(said.slice(2)).toEqual([expect.stringMatching(RELOADING), over]);
    alive.add('control');
    notifier.reloading();
    alive.delete('control');
    vi.advanceTimersByTime(1000);
    expect(said.slice(5)).toEqual([over, 'WATCHDOG=1']);
  });

  test('it is over after a minute, whatever control does; a word that was not taken is said again', () => {
    let isFull = false;
    const said: string[] = [];
    const { notifier } = begun({ send: (text) => !isFull && said.push(text) > 0, watchdogMs: 30_000 });
    makeReady(notifier);
    notifier.reloading();
    vi.advanceTimersByTime(59_000);
    expect(said.filter((text) => text.includes('READY'))).toHaveLength(1);
    isFull = true;
    vi.advanceTimersByTime(2000);
    isFull = false;
    vi.advanceTimersByTime(10_000);
    expect(said.filter((text) => text.includes('READY'))).toEqual([READY, READY]);
  });

  test('before the server is ready it is part of the start, and while it stops nothing is said', () => {
    const { notifier, said } = begun();
    notifier.reloading();
    notifier.reloaded(true);
    expect(said).toEqual(['STATUS=starting']);
    makeReady(notifier);
    notifier.stopping();
    notifier.reloading();
    notifier.reloaded(true);
    expect(said.slice(1)).toEqual([READY, 'STOPPING=1\nSTATUS=stopping']);
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
