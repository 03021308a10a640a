/**
 * Looks at the targets of ALIAS records as due work: a share of a zone's at each turn, in two lanes, so that targets
 * that do not answer hold up no others.
 * Not here: when this happens (control/lifecycle/scheduler.ts), what follows from a look (decide.ts).
 */
import { ALIAS_LATE_ZONES_AT_ONCE, ALIAS_LOOKS_PER_TURN, ALIAS_TURN_MS } from '#base/limits/alias.ts';
import { ALIAS_ZONES_AT_ONCE } from '#base/limits/alias.ts';
import { type Result, ok } from '#base/problem.ts';
import { type Name, lowerName, nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { ALIAS_KIND, ALIAS_LATE_KIND, readAliases } from '#store/alias/aliases.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Alias, type AliasLook } from '#zone/alias/alias.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { type TakenLook } from '#control/api/alias.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type DueSource, type Notice, dueZones } from '#control/lifecycle/due-source.ts';
import { leadsTo } from '#control/zone/aliases.ts';
import { lookAtTarget, lookInTurn } from './look.ts';

export interface AliasUpkeepOptions {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  readonly time: CountedTime;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  /** Our own zones from the store, the rest from outside. */
  readonly resolver: Resolver;
  readonly recordsPerRrsetMax: number;
  /** The longest time of a turn; a test has a short one. */
  readonly turnMs?: number;
}

const SCHEDULER: Actor = { kind: 'system', id: 'alias', from: '' };

/** Targets that answered when they were last looked at, and new ones; then those that failed. */
export function aliasUpkeep(options: AliasUpkeepOptions): readonly DueSource[] {
  return [
    source(ALIAS_KIND, ALIAS_ZONES_AT_ONCE, false, options),
    source(ALIAS_LATE_KIND, ALIAS_LATE_ZONES_AT_ONCE, true, options),
  ];
}

function source(kind: string, zonesAtOnce: number, isLate: boolean, options: AliasUpkeepOptions): DueSource {
  const { writer, funnel } = options;
  return {
    ...dueZones(writer, kind),
    name: kind,
    zonesAtOnce,
    refused: { event: 'alias.refused', text: 'the addresses of its ALIAS records cannot be followed' },
    work: (zone) => funnel.guard(() => lookAtZone(zone, isLate, options)),
  };
}

async function lookAtZone(
  zone: Name,
  isLate: boolean,
  options: AliasUpkeepOptions,
): Promise<Result<readonly Notice[]>> {
  const { writer, time, run } = options;
  const record = writer.zoneByName(lowerName(zone));
  if (record === undefined) return ok([]);
  const nowMs = time.nowMs();
  const due = readAliases(writer, record.id)
    .filter(({ watch }) => watch.failures > 0 === isLate && watch.nextMs <= nowMs)
    .toSorted((a, b) => a.watch.nextMs - b.watch.nextMs);
  if (due.length === 0) return ok([]);
  const looks: TakenLook[] = [];
  await lookInTurn(due.slice(0, ALIAS_LOOKS_PER_TURN), options.turnMs ?? ALIAS_TURN_MS, async (alias, signal) => {
    const { owner, target } = alias;
    looks.push({ owner, target, look: await lookAtAlias(alias, signal, options) });
  });
  const taken = await run(
    { kind: 'alias.take', zone: nameOf(record.name), looks },
    { actor: SCHEDULER, dryRun: false },
  );
  return taken.ok ? ok(taken.value.warnings.map(noticeOf)) : taken;
}

function noticeOf({ code, message }: Outcome['warnings'][number]): Notice {
  return { level: 'warn', event: 'alias.trouble', text: message, fields: { code } };
}

function lookAtAlias({ owner, target }: Alias, signal: AbortSignal, options: AliasUpkeepOptions): Promise<AliasLook> {
  const { writer, resolver, recordsPerRrsetMax } = options;
  if (leadsTo(writer, nameOf(target), nameOf(owner)))
    return Promise.resolve({ families: [], against: { trouble: 'loop', why: 'it leads back to the name itself' } });
  return lookAtTarget(nameOf(target), { resolver, recordsPerRrsetMax, signal });
}
