/**
 * Decides `alias.take`: the addresses of a zone's ALIAS records after a look at their targets, and what the operator
 * should hear of it.
 * Not here: the look (look.ts), what follows from one (zone/alias/alias.ts), changes by hand (control/zone/aliases.ts).
 */
import { ALIAS_FAILURES_ALERT } from '#base/limits/alias.ts';
import { type Problem, type Result, fail, formatProblem, ok, warning } from '#base/problem.ts';
import { type OwnerKey, formatName, nameOf } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { isSameSet } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { aliasWrites, readAliases } from '#store/alias/aliases.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { ADDRESS_TYPES, type Alias, type AliasVerdict, aliasKey, judgeLook, publishedTtl } from '#zone/alias/alias.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type Decision, type RecordWatcher } from '#control/commands/decision.ts';
import { alertEvent } from '#control/commands/events.ts';
import { type CommandOf, type ZoneContext } from '#control/commands/table.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { insideWarning } from '#control/zone/aliases.ts';
import { checkChanges } from '#control/zone/change-rules.ts';

export interface AliasDecisionOptions {
  readonly writer: StoreWriter;
  readonly time: CountedTime;
  readonly watcher: RecordWatcher;
  readonly recordsPerRrsetMax: number;
}

export function takeLooks(
  { zone, looks }: CommandOf<'alias.take'>,
  { served }: ZoneContext,
  { writer, time, watcher, recordsPerRrsetMax }: AliasDecisionOptions,
): Result<Decision> {
  if (served === undefined) return fail(zoneNotServed(zone));
  const { record, view } = served;
  const nowMs = time.nowMs();
  const aliases = new Map(readAliases(writer, record.id).map((alias) => [aliasKey(alias), alias]));
  const rules = { signed: record.dnssec === 'on', recordsPerRrsetMax };
  const changes: RrsetChange[] = [];
  const alerts: Problem[] = [];
  for (const { owner, target, look } of looks) {
    const key = aliasKey({ owner } as Alias);
    const alias = aliases.get(key);
    // It went, or leads elsewhere now.
    if (alias === undefined || alias.target !== target) continue;
    let verdict = judgeLook(alias, look, nowMs);
    let own = changesOf(view, key, alias, verdict);
    const against = whyNotThere(view, own, key, rules);
    if (against !== undefined) {
      verdict = judgeLook(alias, { families: [], against: { trouble: 'place', why: against } }, nowMs);
      own = [];
    }
    aliases.set(key, { ...alias, watch: verdict.watch });
    changes.push(...own);
    alerts.push(...alertsOf(alias, verdict, look.inside));
  }
  const woken = changes.length === 0 ? [] : watcher.wake(record, changes);
  return ok({
    zone: record.name,
    parts: changes.length === 0 ? [] : [{ record, view, changes }],
    documents: [...aliasWrites(record.id, [...aliases.values()]), ...woken, time.write()],
    events: alerts.map((each) => alertEvent(record.name, each)),
    detail: `addresses of ${ownersOf(changes)} followed their ALIAS`,
    warnings: alerts,
    isChanged: true,
    isQuiet: true,
    isAlwaysWritten: true,
    ...(woken.length === 0 ? {} : { afterCommit: () => watcher.woken() }),
  });
}

/** What of the name's addresses changes. */
function changesOf(view: ZoneView, key: OwnerKey, alias: Alias, { watch, addresses }: AliasVerdict): RrsetChange[] {
  const owner = nameOf(alias.owner);
  const ttl = publishedTtl({ ttl: alias.ttl, watch });
  return ADDRESS_TYPES.flatMap((type): RrsetChange[] => {
    const now = rrsetOf(view.node(key), type);
    const rdatas = addresses.get(type) ?? now?.rdatas ?? [];
    if (rdatas.length === 0) return now === undefined ? [] : [{ owner, type, rrset: null }];
    const isSame = now?.ttl === ttl && isSameSet(now.rdatas, rdatas);
    return isSame ? [] : [{ owner, type, rrset: { ttl, rdatas, manager: 'alias' } }];
  });
}

/** What stands against addresses at this name: another put some there, or the zone's rules do. */
function whyNotThere(
  view: ZoneView,
  changes: readonly RrsetChange[],
  key: OwnerKey,
  rules: { readonly signed: boolean; readonly recordsPerRrsetMax: number },
): string | undefined {
  const other = ADDRESS_TYPES.map((type) => rrsetOf(view.node(key), type)).find(
    (now) => now !== undefined && now.manager !== 'alias',
  );
  if (other !== undefined) return `addresses of another (${other.manager}) stand at the name`;
  const coming = changes.filter(({ rrset }) => rrset !== null);
  if (coming.length === 0) return undefined;
  const wrong = checkChanges(view, changes, rules).find(({ severity }) => severity === 'error');
  return wrong === undefined ? undefined : formatProblem(wrong);
}

/** Each trouble is one alert when it is sure, and one when addresses went because of it. */
function alertsOf(
  { owner, target, watch: before }: Alias,
  { watch }: AliasVerdict,
  inside: string | undefined,
): readonly Problem[] {
  const at = placeOfRrset(nameOf(owner), TYPE.ALIAS);
  const what = `${owner} ALIAS ${target}: ${watch.why ?? ''}`;
  if (watch.isWithdrawn === true && before.isWithdrawn !== true)
    return [
      warning('ALIAS_WITHDRAWN', at, `${what}; the addresses that could not be renewed were taken away`, { fix: LOOK }),
    ];
  if (watch.trouble === undefined)
    return watch.isInside === true && before.isInside !== true ? [insideWarning(owner, target, inside ?? '')] : [];
  const isSure =
    watch.trouble === 'failing' ? watch.failures === ALIAS_FAILURES_ALERT : watch.trouble !== before.trouble;
  return isSure
    ? [warning('ALIAS_UNRESOLVED', at, `${what}; the last known addresses stay for a time`, { fix: LOOK })]
    : [];
}

const LOOK =
  'ask your resolver for the target, then correct or delete the ALIAS: waxseal rrset set ZONE NAME ALIAS TTL TARGET';

function ownersOf(changes: readonly RrsetChange[]): string {
  const owners = [...new Set(changes.map(({ owner }) => formatName(owner)))];
  const shown = owners.slice(0, 5).join(', ');
  return owners.length > 5 ? `${shown} and ${owners.length - 5} more` : shown;
}
