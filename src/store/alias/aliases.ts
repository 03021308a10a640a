/**
 * The ALIAS records of a zone in the store: one document for all of them, due when the first target that answers is to
 * be looked at again, and beside it a mark, due when the first of those that fail is.
 * Not here: what follows from a look (zone/alias/alias.ts).
 */
import { type Alias, type AliasWatch, aliasKey } from '#zone/alias/alias.ts';
import { type OwnerKey } from '#dns/name.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export const ALIAS_KIND = 'alias';
/** Of targets whose last look failed: they wait in a lane of their own. */
export const ALIAS_LATE_KIND = 'alias-late';
const ID = 'zone';

const TROUBLES = ['gone', 'failing', 'loop', 'place'];

/** Those of one zone. Each of a thousand in a file may ask for the others. */
interface ZoneAliases {
  readonly list: readonly Alias[];
  readonly byOwner: ReadonlyMap<OwnerKey, Alias>;
}

const CACHE = new DocumentCache<ZoneAliases>(ALIAS_KIND, ID);
const NONE: ZoneAliases = { list: [], byOwner: new Map() };

/** In the order in which they are stored; none where a zone has none. Throws STORE_DAMAGED. */
export function readAliases(reader: StoreReader, zoneId: number): readonly Alias[] {
  return aliasesOf(reader, zoneId).list;
}

/** The one at a name of the zone. Throws STORE_DAMAGED. */
export function findAlias(reader: StoreReader, zoneId: number, owner: OwnerKey): Alias | undefined {
  return aliasesOf(reader, zoneId).byOwner.get(owner);
}

function aliasesOf(reader: StoreReader, zoneId: number): ZoneAliases {
  const make = (value: unknown): ZoneAliases => {
    if (!isStored(value)) throw formFailure(`the ALIAS records of zone id ${zoneId}`);
    return { list: value.aliases, byOwner: new Map(value.aliases.map((each) => [aliasKey(each), each])) };
  };
  return CACHE.read(reader, zoneId, make) ?? NONE;
}

/** What is written so that the zone has these and no others. */
export function aliasWrites(zoneId: number, aliases: readonly Alias[]): readonly DocumentWrite[] {
  const dueAtMs = (isLate: boolean): { readonly dueAtMs?: number } => {
    const times = aliases.filter(({ watch }) => watch.failures > 0 === isLate).map(({ watch }) => watch.nextMs);
    // Not spread over the arguments of a call: a zone may have a thousand.
    return times.length === 0 ? {} : { dueAtMs: times.reduce((soonest, each) => Math.min(soonest, each)) };
  };
  const [soon, late] = [dueAtMs(false), dueAtMs(true)];
  return [
    aliases.length === 0
      ? { zoneId, kind: ALIAS_KIND, id: ID, value: null }
      : { zoneId, kind: ALIAS_KIND, id: ID, value: { version: 1, aliases }, ...soon },
    late.dueAtMs === undefined
      ? { zoneId, kind: ALIAS_LATE_KIND, id: ID, value: null }
      : { zoneId, kind: ALIAS_LATE_KIND, id: ID, value: {}, ...late },
  ];
}

function isStored(value: unknown): value is { readonly version: 1; readonly aliases: readonly Alias[] } {
  return hasFields(value, { version: (version) => version === 1, aliases: isArrayOf(isAlias) });
}

function isAlias(value: unknown): value is Alias {
  return hasFields(value, { owner: 'string', target: 'string', ttl: 'number', watch: isWatch });
}

function isWatch(value: unknown): value is AliasWatch {
  const isLower = (lower: unknown) =>
    lower === undefined || hasFields(lower, { looks: 'number', ttlSeconds: 'number' });
  const isMark = (mark: unknown) => mark === undefined || mark === true;
  return hasFields(value, {
    nextMs: 'number',
    lookedAtMs: 'number?',
    failures: 'number',
    failingSinceMs: 'number?',
    trouble: (trouble) => trouble === undefined || TROUBLES.some((each) => each === trouble),
    why: 'string?',
    ttlSeconds: 'number?',
    lower: isLower,
    isInside: isMark,
    isWithdrawn: isMark,
  });
}
