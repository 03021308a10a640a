/**
 * How often, and when last, DKIM selectors were asked for at this server: what the answer workers count, kept by name
 * and put in counted time. That no client asks any more is evidence for a key on its way out; that a client still asks
 * is shown as what is waited for.
 *
 * Only what was watched without a break counts as "not asked": after a start of this process, or a time without reports, watching begins
 * anew. What other name servers of the zone are asked is not known here.
 * Not here: counting (answer/count/selector-counts.ts), what follows from the evidence (mail/dkim/machine.ts).
 */
import { SELECTORS_COUNTED_MAX, SELECTOR_SILENCE_MS_MAX } from '#base/limits/events.ts';
import { type IpcMessage, type SelectorReport } from '#base/ipc/messages.ts';
import { type SelectorCount } from '#control/api/mail.ts';
import { formatTime } from '#lifecycle/timeline.ts';

interface Known {
  readonly queries: number;
  /** The last report's number, of its run. */
  readonly reported: number;
  readonly lastMs?: number;
}

export interface SelectorVerdict {
  readonly isGood: boolean;
  readonly text: string;
}

/** Names kept: what a few runs of the answer process may have had. */
const NAMES_MAX = 4 * SELECTORS_COUNTED_MAX;

export class SelectorQueries {
  readonly #nowMs: () => number;
  readonly #known = new Map<string, Known>();
  #run: string | undefined;
  #isFull = false;
  #watchedSinceMs: number | undefined;
  #heardAtMs = -Infinity;

  /** `nowMs`: counted time. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes what the answer process says; whatever comes with its counters shows that it counts. */
  receive(message: IpcMessage): void {
    if (message.kind === 'selectors') this.#take(message);
    else if (message.kind === 'counters') this.#hear();
  }

  #hear(): number {
    const nowMs = this.#nowMs();
    if (nowMs - this.#heardAtMs > SELECTOR_SILENCE_MS_MAX) this.#watchedSinceMs = this.#run === undefined ? undefined : nowMs;
    this.#heardAtMs = nowMs;
    return nowMs;
  }

  #take({ run, isFull, counts }: SelectorReport): void {
    const nowMs = this.#hear();
    // When the earlier queries were counted is unknown.
    const isFirst = this.#run === undefined;
    const isNewRun = this.#run !== run;
    // One process counts so many names; more come from one that was taken over, or from many that were restarted.
    if (this.#known.size > NAMES_MAX) {
      this.#known.clear();
      this.#watchedSinceMs = nowMs;
    }
    this.#run = run;
    this.#isFull = isFull;
    this.#watchedSinceMs ??= nowMs;
    for (const [name, reported] of Object.entries(counts)) {
      const before = this.#known.get(name);
      // Counts of a run only grow. One that does not must not take from what was counted before.
      const more = Math.max(0, reported - (before === undefined || isNewRun ? 0 : before.reported));
      const last = more > 0 && !isFirst ? { lastMs: nowMs } : before?.lastMs === undefined ? {} : { lastMs: before.lastMs };
      const queries = Math.min((before?.queries ?? 0) + more, Number.MAX_SAFE_INTEGER);
      this.#known.set(name, { queries, reported, ...last });
    }
    // A name that this run has not counted yet begins at 0 in it.
    if (isNewRun) for (const [name, known] of this.#known) if (counts[name] === undefined) this.#known.set(name, { ...known, reported: 0 });
  }

  /** Of `selector` in `zone`, absolute and in lower case. */
  of(selector: string, zone: string): SelectorCount {
    const known = this.#known.get(nameOfSelector(selector, zone));
    const watchedSinceMs = this.#isHeard() ? this.#watchedSinceMs : undefined;
    return {
      queries: known?.queries ?? 0,
      ...(known?.lastMs === undefined ? {} : { lastMs: known.lastMs }),
      ...(watchedSinceMs === undefined ? {} : { watchedSinceMs }),
    };
  }

  /** Whether no client has asked for the selector for `quietMs`. `wallOffsetMs` is for the text. */
  judge(selector: string, zone: string, quietMs: number, wallOffsetMs: number): SelectorVerdict {
    const nowMs = this.#nowMs();
    const time = (atMs: number) => formatTime(atMs + wallOffsetMs);
    const { queries, lastMs = -Infinity, watchedSinceMs } = this.of(selector, zone);
    if (watchedSinceMs === undefined) return { isGood: false, text: 'the answer process tells no counts' };
    if (nowMs - lastMs < quietMs) return { isGood: false, text: `asked for ${queries} times, last at ${time(lastMs)}` };
    if (nowMs - watchedSinceMs < quietMs)
      return { isGood: false, text: `not asked for since ${time(watchedSinceMs)}, and not counted before that` };
    if (this.#isFull && !this.#known.has(nameOfSelector(selector, zone)))
      return { isGood: false, text: 'it is not counted: too many selectors are asked for here' };
    return { isGood: true, text: `not asked for since ${time(Math.max(lastMs, watchedSinceMs))}` };
  }

  #isHeard(): boolean {
    return this.#nowMs() - this.#heardAtMs <= SELECTOR_SILENCE_MS_MAX;
  }
}

function nameOfSelector(selector: string, zone: string): string {
  return `${selector.toLowerCase()}._domainkey.${zone === '.' ? '' : zone}`;
}
