/**
 * The index of names and contents as the control process has it: in a process of its own, which is there from the first
 * search on, so that a server whose zones are not searched has none. Changes neither wait for it nor tell it anything.
 * Whatever happens to it, searches look at the names themselves.
 * Not here: the process (index-child.ts).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { safeNodeOptions } from '#base/ipc/node-options.ts';
import {
  SEARCH_INDEX_IDLE_MS,
  SEARCH_INDEX_NAMES_MIN,
  SEARCH_INDEX_RESTART_MS_MAX,
  SEARCH_INDEX_RESTART_MS_MIN,
  SEARCH_INDEX_SETTLED_MS,
  SEARCH_INDEX_WAIT_MS,
} from '#base/limits/search.ts';
import { type Log } from '#base/log.ts';
import { RestartDelay, type RestartTimes } from '#base/restart-delay.ts';
import { siblingModule } from '#base/sibling.ts';
import { ALIAS_KIND } from '#store/alias/aliases.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { type ContentIndexApi, type IndexAnswer, type IndexQuestion } from '#control/api/search.ts';
import { type ContentIndexState } from './content-index.ts';
import { type IndexOrder, type IndexReply } from './index-messages.ts';

export type IndexStore = Pick<StoreWriter, 'dir' | 'storedZones' | 'onCommit'>;

/** A test gives its own. */
export interface SearchIndexOptions {
  readonly namesMin?: number;
  readonly waitMs?: number;
  readonly idleMs?: number;
  readonly script?: URL;
  readonly restartTimes?: RestartTimes;
}

const RESTART_TIMES: RestartTimes = {
  firstMs: SEARCH_INDEX_RESTART_MS_MIN,
  longestMs: SEARCH_INDEX_RESTART_MS_MAX,
  settledMs: SEARCH_INDEX_SETTLED_MS,
};

interface Running {
  readonly child: ChildProcess;
  readonly startedAtMs: number;
  readonly waiting: Map<number, (answer: IndexAnswer | undefined) => void>;
  /** Set before the first word of the process. */
  state?: ContentIndexState;
  /** It ends because no search has come for long. */
  isUnused?: true;
}

export class SearchIndex implements ContentIndexApi {
  readonly #store: IndexStore;
  readonly #options: SearchIndexOptions;
  readonly #delay: RestartDelay;
  /** While the server works; without it there is no index. */
  #log: Log | undefined;
  #running: Running | undefined;
  #notBeforeMs = 0;
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;
  #answered = 0;
  #unanswered = 0;
  /** Those that the process does not know of. */
  readonly #aliasZones = new Set<number>();

  constructor(store: IndexStore, options: SearchIndexOptions = {}) {
    [this.#store, this.#options] = [store, options];
    this.#delay = new RestartDelay(options.restartTimes ?? RESTART_TIMES);
    store.onCommit((writes) => {
      if (this.#running === undefined) return;
      for (const { documents = [] } of writes)
        for (const { kind, zoneId } of documents) if (kind === ALIAS_KIND) this.#aliasZones.add(zoneId);
    });
  }

  start(log: Log): void {
    this.#log = log;
  }

  /** Ends the process; what waits for it looks at the names itself. */
  async stop(): Promise<void> {
    this.#log = undefined;
    clearTimeout(this.#idle);
    const { child } = this.#running ?? {};
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async find(question: IndexQuestion): Promise<IndexAnswer | undefined> {
    if (this.#log === undefined || !this.#hasMany()) return undefined;
    this.#noteUse();
    const running = this.#running ?? this.#begin();
    if (running === undefined) return undefined;
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<IndexAnswer | undefined>();
    const timer = setTimeout(() => resolve(undefined), this.#options.waitMs ?? SEARCH_INDEX_WAIT_MS);
    running.waiting.set(id, resolve);
    const aliasZones = [...this.#aliasZones];
    this.#aliasZones.clear();
    const order: IndexOrder = { id, question, aliasZones };
    // A failure is that the process has gone: told by its exit.
    running.child.send(order, () => {});
    const answer = await promise;
    clearTimeout(timer);
    running.waiting.delete(id);
    if (answer === undefined) this.#unanswered++;
    else this.#answered++;
    return answer;
  }

  families(): readonly MetricFamily[] {
    const state = this.#running?.state;
    const gauge = (name: string, help: string, value: number): MetricFamily => {
      return { name, help, type: 'gauge', samples: [{ labels: {}, value }] };
    };
    return [
      gauge('waxseal_search_index_running', '1 while the index of searches is there.', this.#running ? 1 : 0),
      gauge('waxseal_search_index_names', 'Names in the index of searches.', state?.names ?? 0),
      gauge('waxseal_search_index_changed_names', 'Changed names beside it.', state?.changed ?? 0),
      gauge('waxseal_search_index_missing_names', 'Names that it lacks: searches look at them.', state?.namesLeft ?? 0),
      gauge('waxseal_search_index_bytes', 'Octets of the index of searches.', state?.bytes ?? 0),
      {
        name: 'waxseal_search_index_answers_total',
        help: 'Questions to the index of searches; missed: no answer in time, so that names were looked at.',
        type: 'counter',
        samples: [
          { labels: { result: 'answered' }, value: this.#answered },
          { labels: { result: 'missed' }, value: this.#unanswered },
        ],
      },
    ];
  }

  /** So many names that an index is worth its memory. */
  #hasMany(): boolean {
    const { namesMin = SEARCH_INDEX_NAMES_MIN } = this.#options;
    let names = 0;
    for (const { record } of this.#store.storedZones()) {
      names += record.nodeCount;
      if (names > namesMin) return true;
    }
    return false;
  }

  #noteUse(): void {
    clearTimeout(this.#idle);
    const end = () => {
      const running = this.#running;
      if (running === undefined) return;
      running.isUnused = true;
      running.child.kill('SIGKILL');
    };
    this.#idle = setTimeout(end, this.#options.idleMs ?? SEARCH_INDEX_IDLE_MS).unref();
  }

  /** Undefined: the last one has ended badly, and the next waits. */
  #begin(): Running | undefined {
    if (performance.now() < this.#notBeforeMs) return undefined;
    const script = this.#options.script ?? siblingModule(import.meta.url, 'index-child');
    const child = fork(script, [this.#store.dir], {
      execArgv: safeNodeOptions(),
      env: {},
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const running: Running = { child, startedAtMs: performance.now(), waiting: new Map() };
    this.#running = running;
    // It reads them itself.
    this.#aliasZones.clear();
    child.on('message', (reply) => this.#receive(running, reply as IndexReply));
    child.once('error', (error) => this.#ended(running, error.message));
    child.once('exit', (code, signal) => this.#ended(running, signal ?? `exit ${code}`));
    this.#log?.debug('search.index-started', 'the index of searches is being made');
    return running;
  }

  #receive(running: Running, reply: IndexReply): void {
    if (reply.kind === 'answer') running.waiting.get(reply.id)?.(reply.answer);
    else {
      if (reply.state.isFull && running.state?.isFull !== true)
        this.#log?.warn('search.index-full', 'the index of searches has no memory for all zones', { ...reply.state });
      running.state = reply.state;
    }
  }

  #ended(running: Running, why: string): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    for (const resolve of running.waiting.values()) resolve(undefined);
    if (running.isUnused === true) {
      this.#log?.debug('search.index-unused', 'no search has come for long: the index of searches has ended');
      return;
    }
    const waitMs = this.#delay.afterLife(performance.now() - running.startedAtMs);
    this.#notBeforeMs = performance.now() + waitMs;
    this.#log?.warn('search.index-ended', `the index of searches has ended (${why}); searches look at the names`, {
      why,
    });
  }
}
