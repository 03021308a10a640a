/**
 * The clock of everything that has a life: the counted time, written down now and then, the sources of due work, and a
 * call when something may have become due. It belongs to no subject.
 * Not here: waking (scheduler.ts).
 */
import { LIFECYCLE_TIME_EVERY_MS } from '#base/limits/lifecycle.ts';
import { ok } from '#base/problem.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from './counted-time.ts';
import { type DueSource } from './due-source.ts';
import { LifeCounts } from './life-counts.ts';

export interface LifecycleClock {
  readonly sources: readonly DueSource[];
  /** Counted time. */
  nowMs(): number;
  /** Writes the counted time down, when it was not for a while. */
  note(): Promise<void>;
  /** `listener` is called when something may have become due. */
  onDue(listener: () => void): void;
  tellDue(): void;
  readonly counts: LifeCounts;
}

export interface LifecycleClockOptions {
  readonly time: CountedTime;
  readonly funnel: Funnel;
  readonly writer: StoreWriter;
  readonly sources: readonly DueSource[];
}

const CLOCK: Actor = { kind: 'system', id: 'clock', from: '' };

export function lifecycleClock({ time, funnel, writer, sources }: LifecycleClockOptions): LifecycleClock {
  const listeners: (() => void)[] = [];
  let notedAtMs: number | undefined;
  return {
    sources,
    counts: new LifeCounts(writer),
    nowMs: () => time.nowMs(),
    async note() {
      const nowMs = time.nowMs();
      notedAtMs ??= nowMs;
      // Without anything that waits, there is nothing to count for.
      const isWaiting = sources.some((each) => each.nextDueMs() !== undefined);
      if (nowMs - notedAtMs < LIFECYCLE_TIME_EVERY_MS || !isWaiting) return;
      notedAtMs = nowMs;
      const turn = { actor: CLOCK, action: 'lifecycle.time', upkeep: true };
      await funnel.change(turn, () => ok({ documents: [time.write()], isChanged: true }));
    },
    onDue: (listener) => void listeners.push(listener),
    tellDue: () => listeners.forEach((listener) => listener()),
  };
}
