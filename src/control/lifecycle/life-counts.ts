/**
 * The objects of all mail policies and certificates as numbers for Prometheus: how many are in each stage, wait, are
 * held, and are late, by machine. Each zone is counted once, and again after a commit that changed its state, so that
 * the cost of a scrape does not depend on the number of zones.
 * Not here: DNSSEC keys and their rollovers (control/dnssec/counts.ts), zones whose work is late
 * (control/upkeep-metrics.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIVES_COUNT_PAUSE_MS, LIVES_COUNTED_AT_ONCE } from '#base/limits/admin.ts';
import { OVERDUE_COUNTED_MAX } from '#base/limits/lifecycle.ts';
import { CERTIFICATE_MACHINE } from '#certificate/machine.ts';
import { type Machine } from '#lifecycle/machine.ts';
import { type LifecycleState } from '#lifecycle/state.ts';
import { MAIL_LIVES } from '#mail/lives.ts';
import { unlessDamaged } from '#store/failure.ts';
import { MAIL_KIND, readMailStateInPassing } from '#store/mail/state.ts';
import { CERTIFICATES_KIND, readCertificatesState } from '#store/tls/certificates.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';
import { type MetricFamily } from '#control/api/control.ts';

/** Of one zone, and of all together: a number for each of `objects dkim active`, `waiting dkim`, `held dkim`. */
type Counts = Map<string, number>;

const MACHINES: readonly Machine[] = [...MAIL_LIVES.map(({ machine }) => machine), CERTIFICATE_MACHINE];
const KINDS: ReadonlySet<string> = new Set([MAIL_KIND, CERTIFICATES_KIND]);

/** By machine, the stages that are left by themselves some time. */
const LEAVING = new Map(MACHINES.map((machine) => [machine.kind, leavingStages(machine)]));

function leavingStages({ transitions }: Machine): ReadonlySet<string> {
  return new Set(transitions.filter(({ by, isQuiet }) => by !== 'order' && isQuiet !== true).map(({ from }) => from));
}

export class LifeCounts {
  readonly #writer: StoreWriter;
  /** By zone id. */
  readonly #zones = new Map<number, Counts>();
  readonly #all: Counts = new Map();
  /** Zone ids that are to be counted, again or for the first time. */
  readonly #stale: Set<number>;
  /** Every zone that was there at the start has been counted. */
  #isWhole = false;
  #isCounting = false;

  constructor(writer: StoreWriter) {
    this.#writer = writer;
    this.#stale = new Set(writer.zones().map(({ id }) => id));
    writer.onCommit((writes) => {
      for (const { documents = [], zones } of writes) {
        for (const each of documents) if (changesLives(each)) this.#stale.add(each.zoneId);
        for (const id of zones?.remove ?? []) this.#stale.add(id);
      }
    });
  }

  /** No samples until all zones were counted once. `overdueMs`: what was due by then is late; counted time. */
  families(overdueMs: number): readonly MetricFamily[] {
    this.#countSome();
    if (this.#stale.size > 0) void this.#countRest();
    const late = this.#late(overdueMs);
    const family = (name: string, help: string, samples: MetricFamily['samples']): MetricFamily => {
      return { name, help, type: 'gauge', samples: this.#isWhole ? samples : [] };
    };
    return [
      family(
        'waxseal_lifecycle_objects',
        'Keys, records, files and modes of mail policies, and certificates, by machine and stage.',
        byStage(this.#all),
      ),
      family('waxseal_lifecycle_waiting', 'Those that wait for their next stage.', byMachine('waiting', this.#all)),
      family('waxseal_lifecycle_held', 'Those that an operator holds.', byMachine('held', this.#all)),
      family(
        'waxseal_lifecycle_overdue',
        'Of those that wait, those of zones whose next step should have been taken ten minutes ago.',
        byMachine('waiting', late),
      ),
    ];
  }

  #countSome(): void {
    let left = LIVES_COUNTED_AT_ONCE;
    for (const id of this.#stale) {
      if (left-- === 0) return;
      this.#replace(id, countZone(this.#writer, id));
      this.#stale.delete(id);
    }
    this.#isWhole = true;
  }

  async #countRest(): Promise<void> {
    if (this.#isCounting) return;
    this.#isCounting = true;
    try {
      while (this.#stale.size > 0) {
        await sleep(LIVES_COUNT_PAUSE_MS, undefined, { ref: false });
        if (this.#writer.isClosed) return;
        this.#countSome();
      }
    } catch {
      // What the store does is seen at the next scrape, which begins with the same zone.
    } finally {
      this.#isCounting = false;
    }
  }

  #replace(id: number, counts: Counts): void {
    addTo(this.#all, this.#zones.get(id) ?? new Map(), -1);
    addTo(this.#all, counts, 1);
    if (counts.size > 0) this.#zones.set(id, counts);
    else this.#zones.delete(id);
  }

  /** The counts of zones that are late, together; only the machines of the kind that is late. */
  #late(untilMs: number): Counts {
    const late: Counts = new Map();
    for (const kind of KINDS)
      for (const { zoneId } of this.#writer.due(untilMs, OVERDUE_COUNTED_MAX, kind)) {
        const counts = this.#zones.get(zoneId) ?? new Map<string, number>();
        const isOfCertificate = (key: string): boolean => key.endsWith(` ${CERTIFICATE_MACHINE.kind}`);
        const ofKind = [...counts].filter(([key]) => isOfCertificate(key) === (kind === CERTIFICATES_KIND));
        addTo(late, new Map(ofKind), 1);
      }
    return late;
  }
}

function changesLives(write: DocumentWrite): boolean {
  return KINDS.has(write.kind) && 'value' in write;
}

/** Empty for a zone that is gone, that has no mail policy and no certificates, or whose documents are damaged. */
function countZone(writer: StoreWriter, id: number): Counts {
  const counts: Counts = new Map();
  const mail = unlessDamaged(() => readMailStateInPassing(writer, id), undefined);
  if (mail !== undefined) for (const life of MAIL_LIVES) countObjects(life.machine, life.get(mail), counts);
  const certificates = unlessDamaged(() => readCertificatesState(writer, id), undefined);
  if (certificates !== undefined) countObjects(CERTIFICATE_MACHINE, certificates.lifecycle, counts);
  return counts;
}

function countObjects({ kind }: Machine, { hold, objects }: LifecycleState<unknown>, counts: Counts): void {
  for (const object of objects) {
    add(counts, `objects ${kind} ${object.stage}`, 1);
    if ((object.hold ?? hold) !== undefined) add(counts, `held ${kind}`, 1);
    else if (LEAVING.get(kind)!.has(object.stage)) add(counts, `waiting ${kind}`, 1);
  }
}

function addTo(counts: Counts, others: Counts, sign: 1 | -1): void {
  for (const [key, value] of others) add(counts, key, sign * value);
}

function add(counts: Counts, key: string, value: number): void {
  const sum = (counts.get(key) ?? 0) + value;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}

/** Each machine has a sample, so that a graph has no gap where nothing waits. */
function byMachine(what: 'waiting' | 'held', counts: Counts): MetricFamily['samples'] {
  return MACHINES.map(({ kind }) => ({ labels: { machine: kind }, value: counts.get(`${what} ${kind}`) ?? 0 }));
}

function byStage(counts: Counts): MetricFamily['samples'] {
  return [...counts].flatMap(([key, value]) => {
    const [what, machine = '', stage = ''] = key.split(' ');
    return what === 'objects' ? [{ labels: { machine, stage }, value }] : [];
  });
}
