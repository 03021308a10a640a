/**
 * A large zone comes into the store in slices, under an id that no zone has its names under: nothing reads them, other
 * changes have turns between them, and the zone is there, whole, with one small transaction at the end. Of a zone that
 * is there, all names come so, those that stay too, and those that it had go in slices afterwards. A document names
 * each id that is being filled or emptied; what a kill leaves goes in slices at the next start.
 * Not here: what a slice does in the store (store/apply.ts), which names a zone gets (rewritten.ts).
 */
import { setImmediate as pause } from 'node:timers/promises';
import { type Clock } from '#base/clock.ts';
import {
  IMPORT_FILL_BYTES_MIN,
  IMPORT_IN_PLACE_NODES_MAX,
  IMPORT_IN_PLACE_SHARE,
  IMPORT_SLICE_NODES,
  IMPORT_SWEEP_NODES,
} from '#base/limits/changes.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { FILLING_KIND } from '#store/due/documents.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { hasNodes, isContent } from '#store/upkeep/nodes-under.ts';
import type { BesideWrite, DocumentWrite, FilledZone, NodeWrite, StoreWriter } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { rewritten } from './rewritten.ts';

/** What is large; a test has smaller numbers. */
export interface FillLimits {
  /** Octets of names from which on they are written in slices. */
  readonly bytesMin: number;
  /** Names of a zone that is there which are written where they are. */
  readonly inPlaceNodes: number;
  /** Names that are written in one transaction. */
  readonly sliceNodes: number;
}

export const FILL_LIMITS: FillLimits = {
  bytesMin: IMPORT_FILL_BYTES_MIN,
  inPlaceNodes: IMPORT_IN_PLACE_NODES_MAX,
  sliceNodes: IMPORT_SLICE_NODES,
};

export interface FillingOptions {
  /** FILL_LIMITS unless given. */
  readonly fillLimits?: FillLimits;
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly funnel: Pick<Funnel, 'change' | 'guard'>;
}

/** What of an import is in the store already, and what is left for its own transaction. */
export interface Filled {
  readonly filled: FilledZone;
  /** Of other zones. */
  readonly rest: readonly NodeWrite[];
  /** Written with the zone: they name what is being filled and emptied from then on. */
  readonly documents: readonly DocumentWrite[];
  /** The id that the zone's names stood under before, and are to be swept from; undefined: it is new. */
  readonly left?: number;
}

/** A zone that is filled, and the id that its names get. */
export interface Filler {
  readonly name: string;
  readonly contentId: number;
  /** Undefined: it is new, and gets that id as its own. */
  readonly record?: Pick<ZoneRecord, 'id' | 'contentId'> | undefined;
}

export interface FillWay {
  readonly signal: AbortSignal;
  /** Receives after each slice how many names are there. */
  readonly onWritten?: (nodes: number) => void;
}

/** Whether a change of so many names of a zone is written as a whole new zone, in slices; else in one transaction. */
export function isRewrittenBy(
  nodeCount: number,
  changedNames: number,
  { inPlaceNodes }: Pick<FillLimits, 'inPlaceNodes'> = FILL_LIMITS,
): boolean {
  if (changedNames <= inPlaceNodes) return false;
  return changedNames > inPlaceNodes * 3 || changedNames > nodeCount * IMPORT_IN_PLACE_SHARE;
}

/** It has no audit entry: the change that it is for has. */
const TURN = { actor: { kind: 'system', id: 'import', from: '' } satisfies Actor, action: 'zone.import' };

export class Filling {
  readonly #options: FillingOptions;

  constructor(options: FillingOptions) {
    this.#options = options;
  }

  /** An id for a zone's names, which no zone gets. It is named until `documents` are written, or `sweep` has ended. */
  async reserve(zone: string): Promise<Result<number>> {
    const { writer, funnel } = this.#options;
    let id = 0;
    const reserved = await funnel.change(TURN, () => {
      id = writer.nextZoneId();
      return ok({ isChanged: true, reservedZoneId: id, documents: [this.named(id, zone)] });
    });
    return reserved.ok ? ok(id) : reserved;
  }

  /**
   * Writes the names of the zone, a slice at a time; undefined when it was stopped. Names of other zones are few, and
   * copied.
   */
  async fill(
    { name, contentId, record }: Filler,
    changes: Iterable<NodeWrite>,
    { signal, onWritten = () => {} }: FillWay,
  ): Promise<Result<Filled | undefined>> {
    const rest: NodeWrite[] = [];
    const progress = { nodeCount: 0, isEnd: false };
    const facts = { sameNames: record !== undefined };
    const { id: zoneId = contentId, contentId: left = zoneId } = record ?? {};
    const { writer, fillLimits: { sliceNodes } = FILL_LIMITS } = this.#options;
    const nodes =
      record === undefined ? changes : rewritten(writer, { zoneId, from: left, to: contentId }, changes, facts);
    const all = nodes[Symbol.iterator]();
    const slice = function* (): Generator<NodeWrite> {
      for (let more = sliceNodes; more > 0; more--) {
        const { done, value } = all.next();
        progress.isEnd = done === true;
        if (done === true) return;
        if (value.zoneId !== contentId) rest.push({ ...value, value: value.value && Uint8Array.from(value.value) });
        else {
          if (value.isHashed !== true) progress.nodeCount++;
          yield value;
        }
      }
    };
    while (!progress.isEnd) {
      if (signal.aborted) return ok(undefined);
      const done = await this.#beside({ kind: 'fill', zoneId: contentId, nodes: slice() });
      if (!done.ok) return done;
      onWritten(progress.nodeCount);
    }
    const filled = { zoneId, contentId, nodeCount: progress.nodeCount, ...facts };
    if (record === undefined) return ok({ filled, rest, documents: [cleared(contentId)] });
    return ok({ filled, rest, left, documents: [cleared(contentId), this.named(left, name)] });
  }

  /** Says that names stand under the id that belong to no zone: they are coming, or going. */
  named(id: number, zone: string): DocumentWrite {
    return { ...placeOf(id), value: { zone, startedAtMs: this.#options.clock.nowMs() } };
  }

  /**
   * Takes out what is there under an id that is not that of a zone's names. A failure, and a stop, leave the rest for
   * the next start.
   * Never rejects.
   */
  async sweep(zoneId: number, signal: AbortSignal): Promise<void> {
    const { funnel } = this.#options;
    await funnel.guard(async () => ok(await this.#sweep(zoneId, signal)));
  }

  async #sweep(zoneId: number, signal: AbortSignal): Promise<void> {
    const { writer, funnel, fillLimits: { sliceNodes } = FILL_LIMITS } = this.#options;
    if (isContent(writer, zoneId)) return;
    while (!signal.aborted && hasNodes(writer, zoneId)) {
      const done = await this.#beside({ kind: 'sweep', zoneId, limit: Math.min(IMPORT_SWEEP_NODES, sliceNodes) });
      if (!done.ok) return;
    }
    if (!signal.aborted) await funnel.change(TURN, () => ok({ isChanged: true, documents: [cleared(zoneId)] }));
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

/** The id is named no more. */
export function cleared(zoneId: number): DocumentWrite {
  return { ...placeOf(zoneId), value: null };
}
