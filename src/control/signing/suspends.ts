/**
 * Notices that the machine was suspended: uptime counts its sleep, the process's own clock does not. Nothing depends on
 * it: waits and signatures count the sleep. But no question was answered meanwhile, and the operator may not know.
 * Not here: a wall clock that jumps, as that of a virtual machine that was paused does (signing-clock.ts).
 */
import { CLOCK_JUMP_MS } from '#base/limits/dnssec.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, warning } from '#base/problem.ts';
import { type SteadyTime } from './signing-clock.ts';

export interface SuspendOptions {
  /** Suspended time included. */
  readonly uptime: () => SteadyTime;
  /** Suspended time left out, from any beginning. */
  readonly awakeMs: () => number;
  readonly alert: (zone: string | undefined, problems: readonly Problem[]) => Promise<void>;
}

/** Alerts of each suspend that was longer than a minute. Asked now and then. */
export function suspendAlerts({ uptime, awakeMs, alert }: SuspendOptions): () => Promise<void> {
  const asleepMs = (): number => uptime().uptimeMs - awakeMs();
  let lastMs = asleepMs();
  return async () => {
    const nowMs = asleepMs();
    const suspendedMs = nowMs - lastMs;
    lastMs = nowMs;
    if (suspendedMs <= CLOCK_JUMP_MS) return;
    const why =
      `the machine was suspended for ${Math.round(suspendedMs / 1000)} s: no question was answered meanwhile. ` +
      'Signatures and waits count that time; what became due is done now';
    const fix = 'keep servers from sleeping: systemctl mask sleep.target suspend.target';
    await alert(undefined, [warning('CLOCK_SUSPENDED', WHOLE, why, { fix })]);
  };
}
