/**
 * The delegations of zones whose DS records follow CDS: which child is looked at when, by NOTIFY(CDS) and by the clock,
 * and what came of it. Kept in memory: after a start all are looked at, one after the other.
 * Implements: RFC 7344 §6.1 (polling and triggers), RFC 9859 §4.3 (a NOTIFY only makes a look come sooner).
 * Not here: one look (child-look.ts), the judgement (dnssec/delegation/judge-child.ts), the change (settings.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, toSeconds } from '#base/clock.ts';
import {
  CHILDREN_MAX,
  CHILD_HELD_WAITS_MS,
  CHILD_LIST_LEAST_MS,
  CHILD_LIST_NODES,
  CHILD_LIST_TIMES,
  CHILD_LOOKS_AT_ONCE,
  CHILD_LOOKS_PER_WORK,
  CHILD_LOOK_EACH_MS,
  CHILD_LOOK_EVERY_MS,
  CHILD_LOOK_LEAST_MS,
  CHILD_ZONES_AT_ONCE,
} from '#base/limits/dnssec.ts';
import { type Result, ok } from '#base/problem.ts';
import {
  type Name,
  type OwnerKey,
  compareKeys,
  formatName,
  lowerName,
  nameOf,
  ownerKey,
  parentName,
} from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { judgeChild } from '#dnssec/delegation/judge-child.ts';
import { readDelegationSettings, readTakenRequest } from '#store/delegation/delegations.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type EventWrite, type StoreWriter } from '#store/writer.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { type ChildOutcome, type ChildView } from '#control/api/delegation.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type DueSource } from '#control/lifecycle/due-source.ts';
import { type ChildLookOptions, lookAtChild } from './child-look.ts';
import { type SignalCheck } from './signal-check.ts';

export interface ChildrenOptions extends ChildLookOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly time: CountedTime;
  readonly funnel: Funnel;
  /** RFC 9615: what the signals of a child's first DS say. */
  readonly checkSignals: SignalCheck;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  readonly note: (event: EventWrite) => Promise<void>;
  /** Something may have become due. */
  readonly onDue: () => void;
}

/** Counted time. */
interface Child {
  readonly name: Name;
  dueMs: number;
  lookedMs: number;
  /** Wall time. */
  lookedAtMs: number | undefined;
  /** Looks in a row at which it was held. */
  held: number;
  outcome: ChildOutcome | undefined;
  text: string;
}

interface Parent {
  /** Of the zone when its delegations were listed; -1: they were not. */
  revision: number;
  /** Not listed again before, counted time. */
  listAgainMs: number;
  /** The scheduler knows that it is to be listed again. */
  isTold: boolean;
  /** There are more delegations than are looked at. */
  isCut: boolean;
  readonly children: Map<OwnerKey, Child>;
}

/** Looks by what they showed, and NOTIFY messages that were followed, since the start. */
export interface ChildCounts {
  readonly looks: Readonly<Record<ChildOutcome, number>>;
  readonly notified: number;
}

const SCHEDULER: Actor = { kind: 'system', id: 'delegation', from: '' };

export class Children implements DueSource {
  readonly name = 'delegation';
  readonly zonesAtOnce = CHILD_ZONES_AT_ONCE;
  readonly refused: DueSource['refused'] = { event: 'delegation.refused', text: 'a DS record cannot follow CDS' };
  readonly #options: ChildrenOptions;
  /** By zone id. */
  readonly #parents = new Map<number, Parent>();
  /** Ids of zones whose DS records follow CDS; undefined: to be read. */
  #on: Set<number> | undefined;
  readonly #looks = { none: 0, same: 0, taken: 0, held: 0 };
  #notified = 0;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  get counts(): ChildCounts {
    return { looks: this.#looks, notified: this.#notified };
  }

  /** Children by what the last look at each showed. */
  tally(): ReadonlyMap<ChildOutcome | 'unknown', number> {
    const found = new Map<ChildOutcome | 'unknown', number>();
    for (const { children } of this.#parents.values())
      for (const { outcome = 'unknown' } of children.values()) found.set(outcome, (found.get(outcome) ?? 0) + 1);
    return found;
  }

  due(untilMs: number, limit: number): readonly Name[] {
    const due = this.#zones().filter((record) => this.#nextMs(record) <= untilMs);
    return due.slice(0, limit).map(({ name }) => nameOf(name));
  }

  nextDueMs(): number | undefined {
    const next = this.#zones().reduce((first, record) => Math.min(first, this.#nextMs(record)), Infinity);
    return next === Infinity ? undefined : next;
  }

  work(zone: Name): ReturnType<DueSource['work']> {
    return this.#options.funnel.guard(async () => {
      const record = this.#options.writer.zoneByName(lowerName(zone));
      if (record === undefined) return ok([]);
      const parent = await this.#listed(record);
      const nowMs = this.#options.time.nowMs();
      const due = [...parent.children.values()].filter(({ dueMs }) => dueMs <= nowMs).slice(0, CHILD_LOOKS_PER_WORK);
      const look = async (): Promise<void> => {
        for (let child = due.shift(); child !== undefined; child = due.shift()) await this.#look(record, child);
      };
      await Promise.all(Array.from({ length: CHILD_LOOKS_AT_ONCE }, look));
      return ok([]);
    });
  }

  /** A NOTIFY about the child, from anyone: it is looked at soon, and no more often than its least time allows. */
  notice(name: Name): void {
    const { writer, onDue } = this.#options;
    const child = lowerName(name);
    let above = child;
    while (above.length > 1) {
      above = parentName(above);
      const record = writer.zoneByName(above);
      if (record === undefined) continue;
      const known = this.#parents.get(record.id)?.children.get(ownerKey(child));
      if (known !== undefined) {
        known.dueMs = Math.min(known.dueMs, known.lookedMs + CHILD_LOOK_LEAST_MS);
        this.#notified++;
      }
      onDue();
      return;
    }
  }

  /** In the order of their names. */
  view({ id }: ZoneRecord): readonly ChildView[] {
    const { wallOffsetMs } = this.#options.time.read();
    const children = [...(this.#parents.get(id)?.children ?? [])].toSorted(([a], [b]) => compareKeys(a, b));
    return children.map(([, { name, dueMs, lookedAtMs, outcome, text }]) => ({
      child: formatName(name),
      nextAtMs: dueMs + wallOffsetMs,
      ...(lookedAtMs === undefined ? {} : { lookedAtMs, text }),
      ...(outcome === undefined ? {} : { outcome }),
    }));
  }

  /** True when the zone has more delegations than are looked at. */
  isCut({ id }: ZoneRecord): boolean {
    return this.#parents.get(id)?.isCut ?? false;
  }

  /** The zone has changed: it is listed again when that may be. */
  changed({ id }: ZoneRecord): void {
    const parent = this.#parents.get(id);
    if (parent === undefined || parent.isTold) return;
    parent.isTold = true;
    this.#options.onDue();
  }

  /** A zone has other settings than before. */
  settingsChanged(): void {
    this.#on = undefined;
    this.#options.onDue();
  }

  /** Zones whose DS records follow CDS. The settings of all zones are read once, and after a change of any. */
  #zones(): readonly ZoneRecord[] {
    const { writer } = this.#options;
    if (this.#on === undefined) {
      const isOn = ({ id }: ZoneRecord): boolean => readDelegationSettings(writer, id) !== undefined;
      this.#on = new Set(
        writer
          .zones()
          .filter(isOn)
          .map(({ id }) => id),
      );
    }
    const on = this.#on;
    const records = [...on].flatMap((id) => {
      const record = writer.zoneById(id);
      // It was removed: ids are not used again.
      if (record === undefined) on.delete(id);
      return record ?? [];
    });
    for (const id of this.#parents.keys()) if (!on.has(id)) this.#parents.delete(id);
    return records.filter(({ dnssec }) => dnssec === 'on');
  }

  /** Counted time; a zone that has changed is listed anew as soon as that may be. */
  #nextMs({ id, revision }: ZoneRecord): number {
    const parent = this.#parents.get(id);
    if (parent === undefined) return 0;
    let next = parent.revision === revision ? Infinity : parent.listAgainMs;
    for (const { dueMs } of parent.children.values()) next = Math.min(next, dueMs);
    return next;
  }

  /** The zone's delegations as they are; of a large zone the first so many. */
  async #listed({ id }: ZoneRecord): Promise<Parent> {
    const { writer, time } = this.#options;
    const parent = this.#parents.get(id) ?? newParent();
    this.#parents.set(id, parent);
    const record = writer.zoneById(id);
    const startedMs = time.nowMs();
    if (record === undefined || parent.revision === record.revision || parent.listAgainMs > startedMs) return parent;
    parent.isTold = false;
    const found = new Set<OwnerKey>();
    let fresh = 0;
    let from: OwnerKey | undefined;
    for (let isMore = true; isMore; await turn()) {
      const now = writer.zoneById(id);
      if (now === undefined) return parent;
      const view = writer.view(now);
      let left = CHILD_LIST_NODES;
      isMore = false;
      for (const node of view.ascend(from ?? view.apexKey)) {
        if (node.key === from) continue;
        if (left-- <= 0 || found.size >= CHILDREN_MAX) {
          isMore = left < 0 && found.size < CHILDREN_MAX;
          break;
        }
        from = node.key;
        if (node.key === view.apexKey || rrsetOf(node, TYPE.NS) === undefined) continue;
        found.add(node.key);
        if (!parent.children.has(node.key))
          parent.children.set(node.key, newChild(node.owner, startedMs + fresh++ * CHILD_LOOK_EACH_MS));
      }
    }
    for (const key of parent.children.keys()) if (!found.has(key)) parent.children.delete(key);
    const nowMs = time.nowMs();
    const waitMs = Math.max(CHILD_LIST_LEAST_MS, CHILD_LIST_TIMES * (nowMs - startedMs));
    const isCut = found.size >= CHILDREN_MAX;
    return Object.assign(parent, { revision: record.revision, listAgainMs: nowMs + waitMs, isCut });
  }

  async #look({ id }: ZoneRecord, child: Child): Promise<void> {
    const { time, clock, note, writer } = this.#options;
    const key = ownerKey(child.name);
    const before = writer.zoneById(id);
    if (before === undefined || rrsetOf(writer.view(before).node(key), TYPE.NS) === undefined) {
      // It was removed since the zone was listed.
      this.#parents.get(id)?.children.delete(key);
      return;
    }
    const { outcome, text } = await this.#judge(id, child.name);
    const nowMs = time.nowMs();
    this.#looks[outcome]++;
    const isOther = child.text !== text || child.outcome !== outcome;
    child.held = outcome === 'held' ? child.held + 1 : 0;
    const waits = CHILD_HELD_WAITS_MS;
    const waitMs = outcome === 'held' ? waits[Math.min(child.held, waits.length) - 1]! : CHILD_LOOK_EVERY_MS;
    Object.assign(child, { outcome, text, lookedMs: nowMs, lookedAtMs: clock.nowMs(), dueMs: nowMs + waitMs });
    const record = writer.zoneById(id);
    if (record === undefined || outcome !== 'held' || !isOther) return;
    const said = `${formatName(child.name)} keeps its DS records: ${text}`;
    await note({ kind: 'dnssec', event: 'child-held', zone: record.name, text: said });
  }

  async #judge(zoneId: number, child: Name): Promise<{ readonly outcome: ChildOutcome; readonly text: string }> {
    const { writer, clock, run, checkSignals } = this.#options;
    const record = writer.zoneById(zoneId);
    const settings = record && readDelegationSettings(writer, zoneId);
    if (record === undefined || settings === undefined) return { outcome: 'none', text: 'DS records are put by hand' };
    const view = writer.view(record);
    const node = view.node(ownerKey(child));
    const hosts = rrsetOf(node, TYPE.NS)?.rdatas ?? [];
    const ds = rrsetOf(node, TYPE.DS)?.rdatas ?? [];
    const look = await lookAtChild(child, view, settings.servers, this.#options);
    if ('failure' in look) return { outcome: 'held', text: look.failure };
    const takenInception = readTakenRequest(writer, zoneId, child)?.inception;
    const nowSeconds = toSeconds(clock.nowMs());
    const verdict = judgeChild({ child, ds, answers: look.answers, nowSeconds, takenInception });
    if (!('ds' in verdict)) return { outcome: verdict.kind, text: verdict.text };
    const unsure = verdict.kind === 'first' ? await checkSignals(child, hosts, look.answers[0]!) : undefined;
    if (unsure !== undefined) return { outcome: 'held', text: unsure };
    const { inception, text } = verdict;
    const command = { kind: 'delegation.take', zone: nameOf(record.name), child, before: ds, ds: verdict.ds } as const;
    const taken = await run({ ...command, inception, text }, { actor: SCHEDULER, dryRun: false });
    if (taken.ok) return { outcome: 'taken', text };
    return { outcome: 'held', text: taken.problems.map(({ message }) => message).join('; ') };
  }
}

function newParent(): Parent {
  return { revision: -1, listAgainMs: 0, isTold: false, isCut: false, children: new Map() };
}

function newChild(owner: Name, dueMs: number): Child {
  const name = lowerName(owner);
  return { name, dueMs, lookedMs: -CHILD_LOOK_LEAST_MS, lookedAtMs: undefined, held: 0, outcome: undefined, text: '' };
}
