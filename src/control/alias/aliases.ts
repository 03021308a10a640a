/**
 * The parts of control that have to do with ALIAS records, put together.
 * Not here: what a change by hand makes of them (control/zone/aliases.ts).
 */
import { ALIAS_LOOKS_PER_CHANGE, ALIAS_TURN_MS } from '#base/limits/alias.ts';
import { type Name, type OwnerKey, ownerKey } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { typeCode } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type AliasLook } from '#zone/alias/alias.ts';
import { type RrsetOperation } from '#control/api/control.ts';
import { type CommandTable } from '#control/commands/table.ts';
import { type DueSource } from '#control/lifecycle/due-source.ts';
import { type AliasesOfChanges } from '#control/zone/alias-decision.ts';
import { type AliasLooks } from '#control/zone/aliases.ts';
import { type AliasDecisionOptions, takeLooks } from './decide.ts';
import { lookAtTarget, lookInTurn } from './look.ts';
import { type AliasUpkeepOptions, aliasUpkeep } from './upkeep.ts';

export interface AliasOptions extends AliasUpkeepOptions {
  /** Whether names of other servers can be looked up; they can unless given. */
  readonly hasResolvers?: boolean;
}

export interface AliasParts {
  readonly ofChanges: AliasesOfChanges;
  readonly sources: readonly DueSource[];
  readonly handlers: (watcher: AliasDecisionOptions['watcher']) => CommandTable<'alias.take'>;
}

export function aliasParts(options: AliasOptions & { readonly onDue: () => void }): AliasParts {
  const { writer, time, hasResolvers = true, onDue } = options;
  return {
    ofChanges: {
      reader: writer,
      hasResolvers,
      nowMs: () => time.nowMs(),
      look: (operations, apex) => lookForChange(operations, apex, options),
      onDue,
    },
    sources: aliasUpkeep(options),
    handlers: (watcher) => ({
      'alias.take': { decide: (command, context) => takeLooks(command, context, { ...options, watcher }) },
    }),
  };
}

async function lookForChange(
  operations: readonly RrsetOperation[],
  apex: Name,
  options: AliasUpkeepOptions,
): Promise<AliasLooks> {
  const targets = new Map<OwnerKey, Name>();
  for (const { op, type, records = [] } of operations) {
    if (op === 'delete' || op === 'remove' || typeCode(type) !== TYPE.ALIAS || records.length !== 1) continue;
    const target = parseRecordData(TYPE.ALIAS, records[0]!, apex);
    // The others are looked at right after the change.
    if (target.ok && targets.size < ALIAS_LOOKS_PER_CHANGE) targets.set(ownerKey(target.value), target.value);
  }
  const looks = new Map<OwnerKey, AliasLook>();
  if (targets.size === 0) return looks;
  await lookInTurn(targets, options.turnMs ?? ALIAS_TURN_MS, async ([key, target], signal) => {
    looks.set(key, await lookAtTarget(target, { ...options, signal }));
  });
  return looks;
}
