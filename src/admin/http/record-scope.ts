/**
 * Which RRsets of a zone a sender may see and change. A token can be for some names and types of a zone alone: every
 * route that it can reach asks here, and every command that it gives passes `checkCommand`.
 * Not here: which routes it can reach (access.ts), what patterns stand for (dns/name-pattern.ts).
 */
import { SCOPE_PROBLEMS_MAX } from '#base/limits/admin.ts';
import { inBody } from '#base/place.ts';
import type { Problem } from '#base/problem.ts';
import { type Name, ROOT, formatName, ownerKey, parseName } from '#dns/name.ts';
import { nameMatcher } from '#dns/name-pattern.ts';
import { typeCode, typeName } from '#dns/registry.ts';
import { parseRequestName } from '#dns/request-name.ts';
import type { RrType } from '#dns/types.ts';
import type { ChangesetText, Command, Outcome } from '#control/api/control.ts';
import type { Rights } from '#control/api/tokens.ts';
import type { TokenGrant } from '#store/schema.ts';
import { allows, isForZone, scopeProblem } from './access.ts';
import type { Identity } from './identity.ts';

export interface RecordScope {
  /** Everything of the zone. */
  readonly isWhole: boolean;
  readonly has: (owner: Name, type: RrType) => boolean;
}

const WHOLE_ZONE: RecordScope = { isWhole: true, has: () => true };

/** What of the zone with this owner key a sender may read or change. */
export function recordScope(rights: Rights, may: 'read' | 'change', zoneKey: string): RecordScope {
  if (allows(rights, `zone-${may}`, zoneKey)) return WHOLE_ZONE;
  const grants = rights.grants.filter((grant) => isForZone(grant, zoneKey) && (may === 'read' || grant.may !== 'read'));
  const tests = grants.map(grantTest);
  return { isWhole: false, has: (owner, type) => tests.some((isGranted) => isGranted(owner, type)) };
}

/** Made once for all RRsets of a zone: the type is looked at first, because it is one comparison. */
function grantTest({ names, types }: TokenGrant): RecordScope['has'] {
  const codes = types === undefined ? undefined : new Set(types.map(typeCode));
  const matchers = names?.map(nameMatcher);
  return (owner, type) =>
    (codes === undefined || codes.has(type)) && (matchers === undefined || matchers.some((matches) => matches(owner)));
}

/** What stands against `command` of this sender: each RRset that it may not change. */
export function checkCommand(identity: Identity, command: Command): readonly Problem[] {
  const scope = recordScope(identity, 'change', ownerKey(command.zone));
  if (scope.isWhole) return [];
  // Those look themselves at what they would change: `mayTouchOf`.
  if (command.kind === 'zone.revert' || command.kind === 'zone.rollback') return [];
  if (command.kind !== 'rrsets.change') return [scopeProblem(identity, 'a right to change the whole zone')];
  const outside = command.operations.flatMap(({ name, type: typeText }, index) => {
    const owner = parseRequestName(name, command.zone);
    const type = typeCode(typeText);
    // What is no name or no type is rejected by what decides the command, with everything else in it.
    if (!owner.ok || type === undefined || scope.has(owner.value, type)) return [];
    return [{ what: `${formatName(owner.value)} ${typeName(type)}`, index }];
  });
  // Each repeats what the token may do, which may be long.
  return outside.slice(0, SCOPE_PROBLEMS_MAX).map(({ what, index }, at) => {
    const more = at === SCOPE_PROBLEMS_MAX - 1 ? outside.length - SCOPE_PROBLEMS_MAX : 0;
    const text = more > 0 ? `${what}, and to ${more} more RRsets of this request` : what;
    return scopeProblem(identity, `a right to change ${text}`, inBody(`/${index}/name`));
  });
}

/** Which RRsets of a zone a sender with narrower rights may change; undefined: all of them. */
export function mayTouchOf(identity: Identity, zoneKey: string): RecordScope['has'] | undefined {
  const scope = recordScope(identity, 'change', zoneKey);
  return scope.isWhole ? undefined : scope.has;
}

/** `outcome` as this sender may see it: what is not in its scope is left out of the changeset. */
export function visibleOutcome(identity: Identity, outcome: Outcome, zoneKey: string): Outcome {
  const scope = recordScope(identity, 'read', zoneKey);
  if (scope.isWhole) return outcome;
  const { elsewhere: _elsewhere, ...own } = outcome;
  return { ...own, changeset: visibleChangeset(scope, outcome.changeset) };
}

function visibleChangeset(scope: RecordScope, changeset: ChangesetText): ChangesetText {
  const isVisible = (line: string) => {
    const [name = '', , , mnemonic = ''] = line.split(' ', 4);
    const owner = parseName(name, ROOT);
    const type = typeCode(mnemonic);
    return owner.ok && type !== undefined && scope.has(owner.value, type);
  };
  const [deleted, added] = [changeset.deleted.filter(isVisible), changeset.added.filter(isVisible)];
  const hidden = changeset.deleted.length + changeset.added.length - deleted.length - added.length;
  return { ...changeset, deleted, added, omitted: changeset.omitted + hidden };
}
