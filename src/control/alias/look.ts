/**
 * One look at the target of an ALIAS: both families of addresses from the store or the configured resolvers. An edge:
 * what goes wrong out there is part of the look.
 * Not here: what follows from it (zone/alias/alias.ts).
 */
import { ALIAS_ADDRESSES_MAX, ALIAS_LOOKS_AT_ONCE, ALIAS_WHY_CHARACTERS_MAX } from '#base/limits/alias.ts';
import { type Name, formatName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { type RrType } from '#dns/types.ts';
import { ADDRESS_TYPES, type AliasLook, type FamilyLook } from '#zone/alias/alias.ts';
import { isReachable } from '#control/outside/probe-addresses.ts';

export interface LookOptions {
  readonly resolver: Resolver;
  /** The setting `limits.records_per_rrset`. */
  readonly recordsPerRrsetMax: number;
  /** Ends the look. */
  readonly signal: AbortSignal;
}

export async function lookAtTarget(
  target: Name,
  { resolver, recordsPerRrsetMax, signal }: LookOptions,
): Promise<AliasLook> {
  const families = await Promise.all(
    ADDRESS_TYPES.map(async (type): Promise<readonly [RrType, FamilyLook]> => {
      const answer = await within(signal, resolver.lookup(target, type));
      return [type, familyOf(target, type, answer, Math.min(ALIAS_ADDRESSES_MAX, recordsPerRrsetMax))];
    }),
  );
  const texts = families.flatMap(([type, each]) =>
    each.kind === 'addresses' ? each.rdatas.map((rdata) => formatRdata(type, rdata)) : [],
  );
  const inside = texts.find((text) => !isReachable(text));
  return { families, ...(inside === undefined ? {} : { inside }) };
}

/** Looks at some of `waiting` at a time, all within the time of a turn; those that it has no time for are left. */
export async function lookInTurn<T>(
  waiting: Iterable<T>,
  turnMs: number,
  look: (each: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const ends = new AbortController();
  const timer = setTimeout(() => ends.abort(), turnMs);
  // One iterator for all: each takes what is next.
  const next = waiting[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let each = next.next(); each.done !== true && !ends.signal.aborted; each = next.next())
      await look(each.value, ends.signal);
  };
  try {
    await Promise.all(Array.from({ length: ALIAS_LOOKS_AT_ONCE }, work));
  } finally {
    clearTimeout(timer);
  }
}

function familyOf(target: Name, type: RrType, answer: ResolverAnswer, addressesMax: number): FamilyLook {
  if (answer.kind === 'nxdomain' || answer.kind === 'nodata') return { kind: 'none' };
  if (answer.kind !== 'answer')
    return {
      kind: 'failed',
      why: `${answer.kind}: ${answer.reason ?? 'no answer'}`.slice(0, ALIAS_WHY_CHARACTERS_MAX),
    };
  const rdatas = sortRdatas(type, answer.rdatas);
  if (rdatas.length <= addressesMax) return { kind: 'addresses', rdatas, ttlSeconds: answer.ttlSeconds };
  const count = `${rdatas.length} addresses of one family`;
  const why = `${formatName(target)} has ${count}, and ${addressesMax} are taken at most`;
  return { kind: 'failed', why: why.slice(0, ALIAS_WHY_CHARACTERS_MAX) };
}

function within(signal: AbortSignal, answer: Promise<ResolverAnswer>): Promise<ResolverAnswer> {
  const late: ResolverAnswer = { kind: 'timeout', reason: 'no answer in time' };
  if (signal.aborted) return Promise.resolve(late);
  return Promise.race([
    answer,
    new Promise<ResolverAnswer>((resolve) => {
      signal.addEventListener('abort', () => resolve(late), { once: true });
    }),
  ]);
}
