/**
 * What this process takes of the machine, and how long its event loop was held up. One of each for a process, like what
 * is measured.
 * Not here: what the whole server counts (control/metrics.ts), threads of the answer process (server/counters.ts).
 */
import { readdirSync } from 'node:fs';
import { LOOP_LOOK_MS, LOOP_WINDOW_MS } from '#base/limits/process.ts';

/** By slot: how it is shown to Prometheus. */
export const USAGE = {
  cpuUser: {
    name: 'waxseal_process_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time of each process.',
    labels: { mode: 'user' },
  },
  cpuSystem: {
    name: 'waxseal_process_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time of each process.',
    labels: { mode: 'system' },
  },
  resident: {
    name: 'waxseal_process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of each process that may look at its own.',
    labels: {},
  },
  residentMax: {
    name: 'waxseal_process_resident_memory_max_bytes',
    type: 'gauge',
    help: 'The most memory that each process has had since its start.',
    labels: {},
  },
  fds: {
    name: 'waxseal_process_open_fds',
    type: 'gauge',
    help: 'Open descriptors of each process that may look at its own.',
    labels: {},
  },
  loopDelay: {
    name: 'waxseal_process_event_loop_delay_seconds',
    type: 'gauge',
    help: 'Longest time in the last minute that the event loop of each process was held up.',
    labels: {},
  },
} as const;

type UsageSlot = keyof typeof USAGE;

const MICROSECONDS = 1e-6;

/** Longest delays of the present window and the one before. */
let [present, before] = [0, 0];
let watch: NodeJS.Timeout | undefined;
let reloaded: { readonly isGood: boolean; readonly atMs: number } | undefined;

/** From now on; again: nothing. */
export function watchLoop(): void {
  if (watch !== undefined) return;
  let dueMs = performance.now() + LOOP_LOOK_MS;
  let windowEndMs = performance.now() + LOOP_WINDOW_MS;
  watch = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs > windowEndMs) {
      [before, present] = [present, 0];
      windowEndMs = nowMs + LOOP_WINDOW_MS;
    }
    present = Math.max(present, nowMs - dueMs);
    dueMs = nowMs + LOOP_LOOK_MS;
  }, LOOP_LOOK_MS);
  watch.unref();
}

/** What this process takes, by slot. Those are missing that it may not look at. */
export function ownUsage(): Partial<Record<UsageSlot, number>> {
  const { user, system } = process.cpuUsage();
  // Both are read in /proc, where a confined process may not look.
  const fds = ifAllowed(() => readdirSync('/proc/self/fd').length - 1);
  const resident = ifAllowed(() => process.memoryUsage.rss());
  return {
    cpuUser: user * MICROSECONDS,
    cpuSystem: system * MICROSECONDS,
    ...(resident === undefined ? {} : { resident }),
    residentMax: process.resourceUsage().maxRSS * 1024,
    ...(fds === undefined ? {} : { fds }),
    loopDelay: Math.max(present, before) / 1000,
  };
}

function ifAllowed(look: () => number): number | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** The same under names that tell the processes apart. */
export function usageSlots(role: string): Record<string, number> {
  return Object.fromEntries(Object.entries(ownUsage()).map(([slot, value]) => [`usage.${role}.${slot}`, value]));
}

interface Shown {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** How those names are shown. */
export function usageTable(role: string): Record<string, Shown> {
  const rows = Object.entries(USAGE).map(([slot, shown]) => {
    return [`usage.${role}.${slot}`, { ...shown, labels: { process: role, ...shown.labels } }] as const;
  });
  return Object.fromEntries(rows);
}

/** The configuration was read again. */
export function noteReload(isGood: boolean, atMs: number): void {
  reloaded = { isGood, atMs };
}

/** The last time that the configuration was read again; undefined: never since the start. */
export function lastReload(): { readonly isGood: boolean; readonly atMs: number } | undefined {
  return reloaded;
}
