/** Keys of zones and their rollovers, put together: commands, due work, what is shown. */
import { type ZoneRecord } from '#store/schema.ts';
import { type DnssecApi } from '#control/api/dnssec.ts';
import { type DnssecKeysApi } from '#control/api/dnssec-keys.ts';
import { type DueSource } from '#control/lifecycle/due-source.ts';
import { dnssecHandlers } from './decide.ts';
import { keyExport } from './key-export.ts';
import { keyImportHandlers } from './key-import.ts';
import { type AskServer, ParentServers } from './parent.ts';
import { DnssecPolicies } from './policies.ts';
import { type SigningClock } from '#control/signing/signing-clock.ts';
import { dsText } from './parent-watch.ts';
import { DnssecSteps, type DnssecStepsOptions } from './steps.ts';
import { type DnssecUpkeepOptions, dnssecUpkeep } from './upkeep.ts';

export interface DnssecControlOptions
  extends Omit<DnssecStepsOptions, 'parents' | 'onCommitted'>, Omit<DnssecUpkeepOptions, 'steps' | 'parents'> {
  readonly signingClock: SigningClock;
  /** Something may have become due. */
  readonly onDue: () => void;
  /** Asks one name server; what a test has otherwise. */
  readonly askServer?: AskServer;
}

export interface DnssecControl {
  readonly api: DnssecApi;
  readonly source: DueSource;
  readonly keys: DnssecKeysApi;
  readonly handlers: ReturnType<typeof dnssecHandlers> & ReturnType<typeof keyImportHandlers>;
  /** What is known of the zone's DS at its parent, and until when caches have it: a sentence after a blank. */
  readonly dsText: (record: ZoneRecord) => string;
}

export function dnssecControl(options: DnssecControlOptions): DnssecControl {
  const { writer, time, resolver, onDue, askServer } = options;
  const parents = new ParentServers(resolver, askServer);
  const steps = new DnssecSteps({ ...options, parents, onCommitted: onDue });
  return {
    api: new DnssecPolicies({ ...options, steps }),
    dsText: (record) => dsText(record, steps, parents),
    source: dnssecUpkeep({ ...options, steps, parents }),
    keys: keyExport(options),
    handlers: {
      ...dnssecHandlers({ writer, steps, time, parents }),
      ...keyImportHandlers({ ...options, steps, parents }),
    },
  };
}
