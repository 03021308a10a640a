/**
 * Which time it may be, for signatures. A wall clock that jumps says one thing and the machine's uptime another;
 * signatures are made so that they are valid either way, and where the two are too far apart, none are made.
 * Implements: RFC 4034 §3.1.5 (inception and expiration), RFC 6781 §4.4.2 (validators' clocks and the signer's).
 * Not here: time that waits are counted in (control/lifecycle/counted-time.ts).
 */
import { type Clock } from '#base/clock.ts';
import { CLOCK_JUMP_MS, CLOCK_UNSURE_MS_MAX } from '#base/limits/dnssec.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { formatTime } from '#lifecycle/timeline.ts';

/** How long the machine has been up, suspended time included, and since which start. */
export interface SteadyTime {
  readonly uptimeMs: number;
  readonly bootId: string;
}

/** It is not before one and not after the other. */
export interface SigningTime {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** An operator's word that the wall clock is right: commits of `floorMs`, which were later, do not count. */
export interface AcceptedClock {
  readonly floorMs: number;
  readonly atMs: number;
}

export interface SigningClockOptions {
  readonly clock: Clock;
  readonly uptime: () => SteadyTime;
  /** Highest wall time of a commit. */
  readonly highWaterMs: () => number;
  readonly accepted: () => AcceptedClock | undefined;
}

export class SigningClock {
  readonly #options: SigningClockOptions;
  /** Wall time minus uptime, as it was before a jump. */
  #base: { offsetMs: number; readonly bootId: string } | undefined;

  constructor(options: SigningClockOptions) {
    this.#options = options;
  }

  read(): SigningTime {
    const { clock, uptime, highWaterMs, accepted } = this.#options;
    const wallMs = clock.nowMs();
    const { uptimeMs, bootId } = uptime();
    if (this.#base?.bootId !== bootId) this.#base = { offsetMs: wallMs - uptimeMs, bootId };
    // What NTP slews is followed; a jump is kept apart from it.
    const jumpMs = wallMs - uptimeMs - this.#base.offsetMs;
    if (Math.abs(jumpMs) <= CLOCK_JUMP_MS) this.#base.offsetMs += jumpMs;
    const steadyMs = this.#base.offsetMs + uptimeMs;
    const highMs = highWaterMs();
    const word = accepted();
    const floorMs = word?.floorMs === highMs ? word.atMs : highMs;
    return { earliestMs: Math.min(wallMs, steadyMs), latestMs: Math.max(wallMs, steadyMs, floorMs) };
  }

  /** Takes the wall clock as right from now on. */
  accept(): AcceptedClock {
    this.#base = undefined;
    return { floorMs: this.#options.highWaterMs(), atMs: this.#options.clock.nowMs() };
  }

  /** Why nothing may be signed now; undefined: it may. */
  problem(): Problem | undefined {
    const { earliestMs, latestMs } = this.read();
    if (latestMs - earliestMs <= CLOCK_UNSURE_MS_MAX) return undefined;
    const wallMs = this.#options.clock.nowMs();
    const other = wallMs === latestMs ? earliestMs : latestMs;
    const why =
      `the clock says ${formatTime(wallMs)}, but by the machine's uptime, or by what was committed before, it is ` +
      `${formatTime(other)}: more than a week apart. Nothing is signed and nothing was changed`;
    return problem('CLOCK_WRONG', WHOLE, why, {
      fix: 'set the clock right; if it is right: waxseal dnssec accept-clock --reason "…"',
    });
  }

  /** How far the wall clock is from what it should be; undefined: less than a minute. */
  jumpMs(): number | undefined {
    const { earliestMs, latestMs } = this.read();
    const ms = latestMs - earliestMs;
    if (ms <= CLOCK_JUMP_MS) return undefined;
    return this.#options.clock.nowMs() === earliestMs ? -ms : ms;
  }
}

/** Alerts of a jump once, and again of another. Asked now and then. */
export function clockAlerts(
  clock: SigningClock,
  alert: (zone: string | undefined, problems: readonly Problem[]) => Promise<void>,
): () => Promise<void> {
  let told = '';
  return async () => {
    const jumpMs = clock.jumpMs();
    const found = clock.problem() ?? jumped(jumpMs);
    const kind = found === undefined ? '' : `${found.code} ${Math.sign(jumpMs ?? 0)}`;
    if (kind === told) return;
    told = kind;
    if (found !== undefined) await alert(undefined, [found]);
  };
}

function jumped(ms: number | undefined): Problem | undefined {
  if (ms === undefined) return undefined;
  const seconds = Math.round(Math.abs(ms) / 1000);
  const why = `the clock has jumped ${seconds} s ${ms < 0 ? 'back' : 'ahead'}; signatures are made valid by both times`;
  return problem('CLOCK_JUMPED', WHOLE, why, {
    fix: 'look at the time service; if the clock is right now: waxseal dnssec accept-clock --reason "…"',
  });
}
