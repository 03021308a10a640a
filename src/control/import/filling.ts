/**
 * A large new zone comes into the store in slices, under an id that no zone has: nothing reads them, other changes have
 * turns between them, and the zone is there, whole, with one small transaction at the end. A document names each id
 * that is being filled; what a kill leaves goes in slices at the next start.
 * Not here: what a slice does in the store (store/apply.ts).
 */
import { setImmediate as pause } from 'node:timers/promises';
import { type Clock } from '#base/clock.ts';
import { IMPORT_SLICE_NODES, IMPORT_SWEEP_NODES } from '#base/limits/changes.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { FILLING_KIND } from '#store/due/documents.ts';
import { type BesideWrite, type DocumentWrite, type NodeWrite, type StoreWriter } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type Funnel } from '#control/funnel/funnel.ts';

export interface FillingOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly funnel: Pick<Funnel, 'change' | 'guard'>;
}

/** What of an import is in the store already, and what is left for its own transaction. */
export interface Filled {
  readonly filled: { readonly zoneId: number; readonly nodeCount: number };
  /** Of other zones. */
  readonly rest: readonly NodeWrite[];
}

export interface FillWay {
  readonly signal: AbortSignal;
  /** Receives after each slice how many names are there. */
  readonly onWritten?: (nodes: number) => void;
}

/** It has no audit entry: the change that it is for has. */
const TURN = { actor: { kind: 'system', id: 'import', from: '' } satisfies Actor, action: 'zone.import' };

export class Filling {
  readonly #options: FillingOptions;

  constructor(options: FillingOptions) {
    this.#options = options;
  }

  /** An id for a new zone, which no other zone gets. It is named until `cleared` is written, or `sweep` has ended. */
  async reserve(zone: string): Promise<Result<number>> {
    const { writer, funnel, clock } = this.#options;
    let id = 0;
    const reserved = await funnel.change(TURN, () => {
      id = writer.nextZoneId();
      const value = { zone, startedAtMs: clock.nowMs() };
      return ok({ isChanged: true, reservedZoneId: id, documents: [{ ...placeOf(id), value }] });
    });
    return reserved.ok ? ok(id) : reserved;
  }

  /**
   * Writes the names of the zone, a slice at a time; undefined when it was stopped. Names of other zones are few, and
   * copied.
   */
  async fill(
    zoneId: number,
    nodes: Iterable<NodeWrite>,
    { signal, onWritten = () => {} }: FillWay,
  ): Promise<Result<Filled | undefined>> {
    const rest: NodeWrite[] = [];
    const progress = { nodeCount: 0, isEnd: false };
    const all = nodes[Symbol.iterator]();
    const slice = function* (): Generator<NodeWrite> {
      for (let left = IMPORT_SLICE_NODES; left > 0; left--) {
        const { done, value } = all.next();
        progress.isEnd = done === true;
        if (done === true) return;
        if (value.zoneId !== zoneId) rest.push({ ...value, value: value.value && Uint8Array.from(value.value) });
        else {
          if (value.isHashed !== true) progress.nodeCount++;
          yield value;
        }
      }
    };
    while (!progress.isEnd) {
      if (signal.aborted) return ok(undefined);
      const done = await this.#beside({ kind: 'fill', zoneId, nodes: slice() });
      if (!done.ok) return done;
      onWritten(progress.nodeCount);
    }
    return ok({ filled: { zoneId, nodeCount: progress.nodeCount }, rest });
  }

  /** What is written with the zone itself. */
  cleared(zoneId: number): DocumentWrite {
    return { ...placeOf(zoneId), value: null };
  }

  /**
   * Takes out what is there under an id that no zone has. A failure, and a stop, leave the rest for the next start.
   * Never rejects.
   */
  async sweep(zoneId: number, signal: AbortSignal): Promise<void> {
    const { funnel } = this.#options;
    await funnel.guard(async () => ok(await this.#sweep(zoneId, signal)));
  }

  async #sweep(zoneId: number, signal: AbortSignal): Promise<void> {
    const { writer, funnel } = this.#options;
    const has = () => [writer.readNodes(zoneId, undefined, 1, ignore), writer.readHashed(zoneId, undefined, 1, ignore)];
    while (!signal.aborted && writer.zoneById(zoneId) === undefined && has().some((count) => count > 0)) {
      const done = await this.#beside({ kind: 'sweep', zoneId, limit: IMPORT_SWEEP_NODES });
      if (!done.ok) return;
    }
    if (!signal.aborted) await funnel.change(TURN, () => ok({ isChanged: true, documents: [this.cleared(zoneId)] }));
  }

  /** What a server that was killed has left. */
  async sweepAll(signal: AbortSignal): Promise<void> {
    for (const id of this.#options.writer.documentIds(0, FILLING_KIND))
      if (!signal.aborted) await this.sweep(Number(id), signal);
  }

  async #beside(beside: BesideWrite): Promise<Result<unknown>> {
    const { funnel, clock } = this.#options;
    const write = { audit: { atMs: clock.nowMs() }, beside };
    const decision: Decision = { isChanged: true, made: { parts: [], changed: true, write } };
    const done = await funnel.change(TURN, () => ok(decision));
    // A commit may end without a pause of this process: what else waits has its turn now.
    await pause();
    return done.ok ? ok(undefined) : fail(...done.problems);
  }
}

function placeOf(zoneId: number) {
  return { zoneId: 0, kind: FILLING_KIND, id: String(zoneId) };
}

function ignore(): void {}
