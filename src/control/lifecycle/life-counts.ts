/**
 * The objects of all mail policies and certificates as numbers for Prometheus: how many are in each stage, wait, are
 * held, and are late, by machine. The cost of a scrape does not depend on the number of zones (kept-by-zone.ts).
 * Not here: DNSSEC keys and their rollovers (control/dnssec/counts.ts), zones whose work is late
 * (control/upkeep-metrics.ts).
 */
import { OVERDUE_COUNTED_MAX } from '#base/limits/lifecycle.ts';
import { CERTIFICATE_MACHINE } from '#certificate/machine.ts';
import { type Machine } from '#lifecycle/machine.ts';
import { type LifecycleState } from '#lifecycle/state.ts';
import { MAIL_LIVES } from '#mail/lives.ts';
import { unlessDamaged } from '#store/failure.ts';
import { MAIL_KIND, readMailStateInPassing } from '#store/mail/state.ts';
import { CERTIFICATES_KIND, readCertificatesState } from '#store/tls/certificates.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { KeptByZone } from './kept-by-zone.ts';

/** Of one zone, and of all together: a number for each of `objects dkim active`, `waiting dkim`, `held dkim`. */
type Counts = Map<string, number>;

const MACHINES: readonly Machine[] = [...MAIL_LIVES.map(({ machine }) => machine), CERTIFICATE_MACHINE];
const KINDS: readonly string[] = [MAIL_KIND, CERTIFICATES_KIND];
const NONE: ReadonlyMap<string, number> = new Map();

/** By machine, the stages that are left by themselves some time. */
const LEAVING = new Map(MACHINES.map((machine) => [machine.kind, leavingStages(machine)]));

function leavingStages({ transitions }: Machine): ReadonlySet<string> {
  return new Set(transitions.filter(({ by, isQuiet }) => by !== 'order' && isQuiet !== true).map(({ from }) => from));
}

export class LifeCounts {
  readonly #writer: StoreWriter;
  readonly #zones: KeptByZone<ReadonlyMap<string, number>>;
  readonly #all: Counts = new Map();

  constructor(writer: StoreWriter) {
    this.#writer = writer;
    this.#zones = new KeptByZone<ReadonlyMap<string, number>>(writer, {
      kinds: KINDS,
      read: countZone,
      onChange: (before = NONE, after = NONE) => {
        addTo(this.#all, before, -1);
        addTo(this.#all, after, 1);
      },
    });
  }

  /** No samples until all zones were counted once. `overdueMs`: what was due by then is late; counted time. */
  families(overdueMs: number): readonly MetricFamily[] {
    const zones = this.#zones.now();
    const late = this.#late(overdueMs, zones ?? new Map());
    const family = (name: string, help: string, samples: MetricFamily['samples']): MetricFamily => {
      return { name, help, type: 'gauge', samples: zones === undefined ? [] : samples };
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

  /** The counts of zones that are late, together; only the machines of the kind that is late. */
  #late(untilMs: number, zones: ReadonlyMap<number, ReadonlyMap<string, number>>): Counts {
    const late: Counts = new Map();
    for (const kind of KINDS)
      for (const { zoneId } of this.#writer.due(untilMs, OVERDUE_COUNTED_MAX, kind)) {
        const isOfCertificate = (key: string): boolean => key.endsWith(` ${CERTIFICATE_MACHINE.kind}`);
        const ofKind = [...(zones.get(zoneId) ?? NONE)].filter(
          ([key]) => isOfCertificate(key) === (kind === CERTIFICATES_KIND),
        );
        addTo(late, new Map(ofKind), 1);
      }
    return late;
  }
}

/** Undefined for a zone that is gone, and one that has no mail policy and no certificates. */
function countZone(writer: StoreWriter, id: number): Counts | undefined {
  const counts: Counts = new Map();
  const mail = unlessDamaged(() => readMailStateInPassing(writer, id), undefined);
  if (mail !== undefined) for (const life of MAIL_LIVES) countObjects(life.machine, life.get(mail), counts);
  const certificates = unlessDamaged(() => readCertificatesState(writer, id), undefined);
  if (certificates !== undefined) countObjects(CERTIFICATE_MACHINE, certificates.lifecycle, counts);
  return counts.size === 0 ? undefined : counts;
}

function countObjects({ kind }: Machine, { hold, objects }: LifecycleState<unknown>, counts: Counts): void {
  for (const object of objects) {
    add(counts, `objects ${kind} ${object.stage}`, 1);
    if ((object.hold ?? hold) !== undefined) add(counts, `held ${kind}`, 1);
    else if (LEAVING.get(kind)!.has(object.stage)) add(counts, `waiting ${kind}`, 1);
  }
}

function addTo(counts: Counts, others: ReadonlyMap<string, number>, sign: 1 | -1): void {
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
