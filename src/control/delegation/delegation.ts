/** Delegations of zones and their DS records, put together: commands, due work, NOTIFY(CDS), what is shown. */
import { type MetricFamily } from '#control/api/control.ts';
import { type DelegationApi, type DelegationCommand } from '#control/api/delegation.ts';
import { type CommandTable } from '#control/commands/table.ts';
import { type AskServer } from '#control/dnssec/parent.ts';
import { type DueSource } from '#control/lifecycle/due-source.ts';
import { askDirectly } from '#control/outside/direct-question.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { isReachable } from '#control/outside/probe-addresses.ts';
import { type NotifyFollower } from '#control/transfer/notify-intake.ts';
import { type Name } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { readDelegationSettings } from '#store/delegation/delegations.ts';
import { Children, type ChildrenOptions } from './children.ts';
import { delegationFamilies } from './counts.ts';
import { type DelegationDecisionOptions, setDelegations, takeRequest } from './settings.ts';
import { type SignalsOptions, settleSignals, signalUpkeep } from './signals.ts';
import { signalCheck } from './signal-check.ts';

export interface DelegationOptions
  extends
    Omit<ChildrenOptions, 'ask' | 'isAllowed' | 'checkSignals'>,
    Omit<DelegationDecisionOptions, 'onSettings'>,
    SignalsOptions {
  readonly witnesses: OutsideWitnesses;
  readonly askServer?: AskServer;
}

export interface DelegationParts {
  readonly api: DelegationApi;
  readonly sources: readonly DueSource[];
  readonly handlers: CommandTable<DelegationCommand['kind']>;
  /** What is known of the zone's parent may be something else. */
  readonly noticeParent: (zone: Name) => void;
  readonly followers: ReadonlyMap<RrType, NotifyFollower>;
  readonly metrics: () => readonly MetricFamily[];
}

export function delegationParts(options: DelegationOptions): DelegationParts {
  const { writer, witnesses, askServer: ask = askDirectly } = options;
  const { isAllowed = isReachable, validated } = witnesses;
  const children = new Children({ ...options, ask, isAllowed, checkSignals: signalCheck({ writer, validated }) });
  options.publisher.onChanged((zones) => zones.forEach((zone) => children.changed(zone)));
  const signals = signalUpkeep(options);
  const deciding = { ...options, onSettings: () => children.settingsChanged() };
  return {
    noticeParent: (zone) => signals.notice(zone),
    api: {
      view(record) {
        const settings = readDelegationSettings(writer, record.id);
        return { ...(settings && { settings }), children: children.view(record), isCut: children.isCut(record) };
      },
    },
    sources: [children, signals],
    handlers: {
      'delegation.set': { decide: (command, context) => setDelegations(command, context, deciding) },
      'delegation.signal': {
        isUpkeep: true,
        decide: ({ zone }, context) => settleSignals(zone, context, writer),
      },
      'delegation.take': { decide: (command, context) => takeRequest(command, context, deciding) },
    },
    metrics: () => delegationFamilies(children),
    followers: new Map([[TYPE.CDS, (name) => children.notice(name)]]),
  };
}
