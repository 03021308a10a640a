/**
 * Which rollover a zone needs: because its keys are not those of its policy, because a key's lifetime is over, because
 * it is asked for. Pure.
 * Implements: RFC 6781 §3.3 (lifetimes), §4.1 (what may be under way together).
 * Not here: what a rollover does (step.ts), making keys (control/signing/keys.ts).
 */
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type AlgorithmNumber, algorithmOf } from '#dnssec/algorithm.ts';
import { type KeyPolicy, rolesOf } from '#dnssec/key-policy.ts';
import { type KeyRole } from '#dnssec/key-stage.ts';
import { type ZoneKey } from './keys.ts';
import { type RolloverKind } from './machine.ts';
import { type RolloverState, rolloversOf } from './state.ts';

/** A rollover whose new keys are still to be made. */
export interface WantedRollover {
  readonly kind: RolloverKind;
  /** Ids of the keys that go. */
  readonly out: readonly string[];
  readonly in: readonly { readonly role: KeyRole; readonly algorithm: AlgorithmNumber }[];
  /** Why, for the audit log. */
  readonly reason: string;
}

interface Ground {
  readonly zone: string;
  readonly state: RolloverState;
  readonly keys: readonly ZoneKey[];
  readonly policy: KeyPolicy;
  /** Counted time. */
  readonly nowMs: number;
  /** Others sign the zone too; false unless given. */
  readonly isShared?: boolean;
}

/** What the policy asks for now; undefined: nothing, or something under way must end first. */
export function wantedRollover(ground: Ground): WantedRollover | undefined {
  const { state, keys, policy } = ground;
  const wanted = toPolicy(keys, policy) ?? byLifetime(ground);
  // Keys of an algorithm that is only brought stay until the policy names another one.
  if (wanted === undefined || !wanted.in.every(isMade) || sharedProblem(ground, wanted.kind) !== undefined)
    return undefined;
  return inTheWay(wanted, state, keys) === undefined ? wanted : undefined;
}

/** The rollover of one key that is asked for, or why it cannot begin. */
export function askedRollover(ground: Ground, role: KeyRole): Result<WantedRollover> {
  const { zone, state, keys, policy } = ground;
  const key = keys.find((each) => each.role === role && each.state === 'active');
  if (key === undefined) return fail(noKey(zone, role, keys));
  const wanted = toPolicy(keys, policy) ?? ofOne(key, 'it was asked for');
  if (!wanted.in.every(isMade)) {
    const why = `new keys of algorithm ${key.algorithm} are not made here: ${key.keyTag} cannot be rolled, only left`;
    return fail(problem('DNSSEC_ROLLOVER', atZone(zone), why, { fix: `waxseal dnssec policy ${zone} --algorithm 13` }));
  }
  const shared = sharedProblem(ground, wanted.kind);
  if (shared !== undefined) return fail(shared);
  const other = inTheWay(wanted, state, keys);
  return other === undefined ? ok(wanted) : fail(underWay(zone, other));
}

/**
 * RFC 6781 §4.2: all keys of that role are compromised and go at once, with the rollovers that they are in. New keys
 * take their places in the same step.
 */
export function replacingRollover({ zone, state, keys, policy }: Ground, role: KeyRole): Result<WantedRollover> {
  const leaving = state.rollovers.unsigning.objects[0];
  if (leaving !== undefined) return fail(underWay(zone, leaving.id));
  const ofRole = keys.filter((each) => each.role === role);
  if (ofRole.length === 0) return fail(noKey(zone, role, keys));
  const isOne = (id: string): boolean => ofRole.some((each) => each.id === id);
  const both = rolloversOf(state).map(({ object: { data } }) => [...data.out, ...data.in]);
  const gone = new Set([...ofRole.map(({ id }) => id), ...both.filter((ids) => ids.some(isOne)).flat()]);
  const out = keys.filter(({ id }) => gone.has(id));
  // A rollover to other roles or another algorithm ends with it: then the zone gets what the policy says.
  const isWhole = out.length === keys.length;
  const { algorithm } = isWhole ? policy : ofRole[0]!;
  const incoming = (isWhole ? rolesOf(policy) : [role]).map((each) => ({ role: each, algorithm }));
  const kind = out.some((each) => each.role !== 'zsk') ? 'ksk-replaced' : 'zsk-replaced';
  return ok({ kind, out: out.map(({ id }) => id), in: incoming, reason: 'the key is compromised' });
}

function noKey(zone: string, role: KeyRole, keys: readonly ZoneKey[]): Problem {
  const roles = [...new Set(keys.map((each) => each.role))].join(', ');
  const why = `${zone} has no active ${role.toUpperCase()} to roll; its keys are: ${roles === '' ? 'none' : roles}`;
  return problem('DNSSEC_ROLLOVER', atZone(zone), why, { fix: `waxseal dnssec status ${zone}` });
}

/** What a zone that others sign too cannot do by itself; undefined: it can. */
export function sharedProblem(
  { zone, isShared = false }: Pick<Ground, 'zone' | 'isShared'>,
  kind: RolloverKind,
): Problem | undefined {
  if (!isShared || (kind !== 'algorithm' && kind !== 'unsigning')) return undefined;
  const what =
    kind === 'algorithm'
      ? `${zone} is signed by others too: all of them sign with the same algorithms, so this one cannot change its own`
      : `${zone} is signed by others too: without a DS at the parent their signatures would count for nothing`;
  return problem('DNSSEC_SHARED', atZone(zone), `${what}. Nothing was changed`, {
    rfc: kind === 'algorithm' ? 'RFC 8901 §4' : 'RFC 8901 §6',
    fix:
      `end that first (NS, DS, then: waxseal dnssec foreign ${zone} --remove TAG); ` +
      'to leave the zone to them, remove it here',
  });
}

/** Why a zone cannot begin to leave DNSSEC now; undefined: it can. */
export function stopsUnsigning(ground: Pick<Ground, 'zone' | 'state' | 'isShared'>): Problem | undefined {
  const { zone, state } = ground;
  const shared = sharedProblem(ground, 'unsigning');
  if (shared !== undefined) return shared;
  const [other] = rolloversOf(state);
  return other === undefined ? undefined : underWay(zone, other.object.id);
}

function isMade({ algorithm }: WantedRollover['in'][number]): boolean {
  return algorithmOf(algorithm).isMade;
}

function underWay(zone: string, object: string): Problem {
  const why = `the rollover ${object} of ${zone} is under way; nothing was changed`;
  return problem('DNSSEC_ROLLOVER', atZone(zone), why, {
    fix: `wait for its end (waxseal dnssec status ${zone}), or call it off: waxseal dnssec cancel ${zone} ${object}`,
  });
}

function toPolicy(keys: readonly ZoneKey[], policy: KeyPolicy): WantedRollover | undefined {
  const { algorithm } = policy;
  const out = keys.map(({ id }) => id);
  const incoming = rolesOf(policy).map((role) => ({ role, algorithm }));
  if (keys.length === 0 || keys.some(({ state }) => state !== 'active')) return undefined;
  const others = keys.filter((key) => key.algorithm !== algorithm);
  if (others.length > 0) {
    const reason = `the policy says algorithm ${algorithm}, and the zone has ${others[0]!.algorithm}`;
    return { kind: 'algorithm', out, in: incoming, reason };
  }
  const roles = keys.map(({ role }) => role).toSorted();
  if (roles.join() === rolesOf(policy).toSorted().join()) return undefined;
  const reason = `the policy says ${policy.keys}, and the zone has ${roles.join(', ')}`;
  return { kind: 'ksk', out, in: incoming, reason };
}

function byLifetime({ state, keys, policy, nowMs }: Ground): WantedRollover | undefined {
  const old = keys.find((key) => key.state === 'active' && (ageMs(key, state, policy) ?? Infinity) <= nowMs);
  return old === undefined ? undefined : ofOne(old, `key ${old.keyTag} has reached the end of its lifetime`);
}

/** When the next key reaches the end of its lifetime, counted time. */
export function nextAgeMs({ state, keys, policy }: Omit<Ground, 'zone' | 'nowMs'>): number | undefined {
  const times = keys.flatMap((key) => ageMs(key, state, policy) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** When the key reaches the end of its lifetime; undefined: never, or it is not in use. */
function ageMs({ id, role }: ZoneKey, state: RolloverState, policy: KeyPolicy): number | undefined {
  const seconds = role === 'zsk' ? policy.zskLifetimeSeconds : policy.kskLifetimeSeconds;
  const sinceMs = state.activeSinceMs[id];
  return seconds === undefined || sinceMs === undefined ? undefined : sinceMs + seconds * 1000;
}

function ofOne({ id, role, algorithm }: ZoneKey, reason: string): WantedRollover {
  return { kind: role === 'zsk' ? 'zsk' : 'ksk', out: [id], in: [{ role, algorithm }], reason };
}

/** The id of what must end first. A ZSK and a KSK are rolled side by side: neither signs what the other does. */
function inTheWay(wanted: WantedRollover, state: RolloverState, keys: readonly ZoneKey[]): string | undefined {
  const rolesIn = (ids: readonly string[]) => keys.filter(({ id }) => ids.includes(id)).map(({ role }) => role);
  const isAlone = (roles: readonly KeyRole[], role: KeyRole) => roles.every((each) => each === role);
  const other = rolloversOf(state).find(({ kind, object: { data } }) => {
    const [mine, theirs] = [rolesIn(wanted.out), rolesIn([...data.out, ...data.in])];
    const isBeside =
      (wanted.kind === 'zsk' && kind === 'ksk' && isAlone(theirs, 'ksk')) ||
      (wanted.kind === 'ksk' && kind === 'zsk' && isAlone(mine, 'ksk'));
    return !isBeside;
  });
  return other?.object.id;
}
