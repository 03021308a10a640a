/** Keys of zones and their rollovers, put together: commands, due work, what is shown. */
import { nameOf } from '#dns/name.ts';
import { KEY_POLICY } from '#dnssec/key-policy.ts';
import { needsParent } from '#dnssec/rollover/machine.ts';
import { type RolloverState, rolloversOf } from '#dnssec/rollover/state.ts';
import { unlessDamaged } from '#store/failure.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type EventWrite } from '#store/writer.ts';
import { type Actor, type MetricFamily } from '#control/api/control.ts';
import { type DnssecApi } from '#control/api/dnssec.ts';
import { type DnssecKeysApi } from '#control/api/dnssec-keys.ts';
import { type DueSource } from '#control/lifecycle/due-source.ts';
import { askDirectly } from '#control/outside/direct-question.ts';
import { isReachable } from '#control/outside/probe-addresses.ts';
import { type SigningClock } from '#control/signing/signing-clock.ts';
import { sendCdsNotify } from '#control/transfer/notify-send.ts';
import { CdsNotifier } from './cds-notifier.ts';
import { dnssecFamilies } from './counts.ts';
import { dnssecHandlers } from './decide.ts';
import { keyExport } from './key-export.ts';
import { keyImportHandlers } from './key-import.ts';
import { type AskServer, ParentServers } from './parent.ts';
import { DnssecPolicies } from './policies.ts';
import { dsText } from './parent-watch.ts';
import { ServedSampler } from './served-sampler.ts';
import { DnssecSteps, type DnssecStepsOptions } from './steps.ts';
import { type DnssecUpkeepOptions, dnssecUpkeep } from './upkeep.ts';

export interface DnssecControlOptions
  extends Omit<DnssecStepsOptions, 'parents' | 'onCommitted'>, Omit<DnssecUpkeepOptions, 'steps' | 'parents'> {
  readonly signingClock: SigningClock;
  /** Something may have become due. */
  readonly onDue: () => void;
  /** Something about a zone's keys, for the stream of events. */
  readonly note: (event: EventWrite) => Promise<void>;
  /** Asks one name server; what a test has otherwise. */
  readonly askServer?: AskServer;
}

export interface DnssecControl {
  readonly api: DnssecApi;
  readonly source: DueSource;
  readonly keys: DnssecKeysApi;
  readonly handlers: ReturnType<typeof dnssecHandlers> & ReturnType<typeof keyImportHandlers>;
  /** Tells parents of new keys, once it is started. */
  readonly notifier: CdsNotifier;
  /** What is known of the zone's DS at its parent, and until when caches have it: a sentence after a blank. */
  readonly dsText: (record: ZoneRecord) => string;
  readonly sampler: ServedSampler;
  readonly metrics: () => readonly MetricFamily[];
}

const SAMPLER: Actor = { kind: 'system', id: 'sampler', from: '' };

export function dnssecControl(options: DnssecControlOptions): DnssecControl {
  const { writer, time, resolver, onDue, askServer, signingClock } = options;
  const parents = new ParentServers(resolver, askServer);
  const steps = new DnssecSteps({ ...options, parents, onCommitted: onDue });
  const notifier = cdsNotifier(options, steps, parents);
  const sampler = new ServedSampler({
    ...options,
    nowMs: () => signingClock.read().earliestMs,
    dsOf: (record) => unlessDamaged(() => steps.dsOf(record), []),
    async hold(record, reason) {
      // The operator's word stays.
      if (unlessDamaged(() => steps.stored(record).rollovers.ksk.hold, undefined) !== undefined) return true;
      const command = { kind: 'dnssec.hold', zone: nameOf(record.name), reason } as const;
      const held = await options.run(command, { actor: SAMPLER, dryRun: false });
      return held.ok;
    },
  });
  return {
    sampler,
    metrics: () =>
      dnssecFamilies({
        reader: writer,
        parents,
        served: sampler.counts,
        notified: notifier.counts,
        wallOffsetMs: time.read().wallOffsetMs,
        clock: { jumpMs: signingClock.jumpMs() ?? 0, mayBeSigned: signingClock.problem() === undefined },
      }),
    api: new DnssecPolicies({ ...options, steps, notifier }),
    notifier,
    dsText: (record) => dsText(record, steps, parents),
    source: dnssecUpkeep({ ...options, steps, parents }),
    keys: keyExport(options),
    handlers: {
      ...dnssecHandlers({ writer, steps, time, parents }),
      ...keyImportHandlers({ ...options, steps, parents }),
    },
  };
}

function cdsNotifier(options: DnssecControlOptions, steps: DnssecSteps, parents: ParentServers): CdsNotifier {
  const { publisher, clock, witnesses, askServer = askDirectly, note } = options;
  const notifier = new CdsNotifier({
    ...options,
    parents,
    ask: askServer,
    isAllowed: witnesses.isAllowed ?? isReachable,
    policyOf: (record) => unlessDamaged(() => steps.policyOf(record), KEY_POLICY),
    isWaiting: (record) => unlessDamaged(() => isWaitingForParent(steps.stored(record)), false),
    isServed: (generation) => publisher.isServed(generation),
    send: sendCdsNotify,
    note: (zone, text) => note({ kind: 'dnssec', event: 'notify', zone, text }),
    nowMs: () => clock.nowMs(),
  });
  publisher.onChanged((zones, generation) => zones.forEach((zone) => notifier.changed(zone, generation)));
  return notifier;
}

function isWaitingForParent(state: RolloverState): boolean {
  return rolloversOf(state).some(({ kind }) => needsParent(kind));
}
