/**
 * How far a large import is, as events: about one a second, and fewer the longer it lasts. An import that is over
 * in a second has none.
 * Not here: the journal of events (store/events.ts), who sees them (admin/v1/events.ts).
 */
import { IMPORT_PROGRESS_EVERY_MS, IMPORT_PROGRESS_SHARE } from '#base/limits/changes.ts';
import { type EventWrite } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';

/** Where an import is; with numbers where they are known. */
export interface ImportStep {
  readonly stage: ImportStage;
  readonly done?: number;
  readonly total?: number;
}

type ImportStage = keyof typeof STAGES;

/** What is counted in a stage stands after the numbers. */
const STAGES = {
  waiting: ['waits for another import to end', ''],
  starting: ['starting its process', ''],
  reading: ['reading the file', ''],
  planning: ['looking at what changes', ''],
  signing: ['signing', 'signatures'],
  writing: ['writing', 'names'],
} as const;

export interface ProgressOptions {
  readonly zone: string;
  readonly actor: Actor;
  /** Writes an event; never rejects. */
  readonly note: (event: EventWrite) => Promise<void>;
  /** A test has shorter times. */
  readonly everyMs?: number;
}

/** Tells how far one import is. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #startedMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #step: ImportStep = { stage: 'waiting' };
  #written: ImportStep | undefined;
  #writing: Promise<void> = Promise.resolve();
  #hasEnded = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#wait();
  }

  /** It is there now; of several steps in a row, the last one is written. */
  at(step: ImportStep): void {
    this.#step = step;
  }

  /** How it ended, for an import that has events. Resolves when that is written. */
  async end(text: string): Promise<void> {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    await this.#writing;
    if (this.#written !== undefined) await this.#note({ event: 'ended', text });
  }

  #wait(): void {
    const { everyMs = IMPORT_PROGRESS_EVERY_MS } = this.#options;
    const lastedMs = performance.now() - this.#startedMs;
    this.#timer = setTimeout(
      () => {
        this.#writing = this.#write();
      },
      Math.max(everyMs, lastedMs * IMPORT_PROGRESS_SHARE),
    );
    this.#timer.unref();
  }

  async #write(): Promise<void> {
    const step = this.#step;
    if (step !== this.#written) {
      this.#written = step;
      await this.#note({ event: 'progress', text: stepText(step), ...step });
    }
    if (!this.#hasEnded) this.#wait();
  }

  async #note(what: Pick<EventWrite, 'event' | 'text'> & Partial<ImportStep>): Promise<void> {
    const { zone, actor, note } = this.#options;
    const { kind, id } = actor;
    await note({ kind: 'import', zone, actor: { kind, id }, action: 'zone.import', ...what });
  }
}

function stepText({ stage, done, total }: ImportStep): string {
  const [text, what] = STAGES[stage];
  return done === undefined || total === undefined ? text : `${text}, ${done} of ${total} ${what}`;
}
