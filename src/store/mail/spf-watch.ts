/**
 * What was seen at the looks at others' SPF records that a zone's SPF depends on, in the store; each says itself when
 * it is due next.
 * Not here: what a look is (mail/spf/upkeep.ts).
 */
import { type Place, WHOLE, atRrset, formatPlace } from '#base/place.ts';
import { type Problem } from '#base/problem.ts';
import { type SpfWatch } from '#mail/spf/upkeep.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

/** Kind of the document, which is due when the next look is. */
export const SPF_KIND = 'spf';
const WATCH = 'watch';

/** Undefined where the zone's SPF depends on no other. Throws STORE_DAMAGED. */
export function readSpfWatch(reader: StoreReader, zoneId: number): SpfWatch | undefined {
  const value = reader.document(zoneId, SPF_KIND, WATCH);
  if (value === undefined) return undefined;
  if (!isStoredWatch(value)) throw formFailure(`what is known of the SPF of zone id ${zoneId}`);
  return { ...value, problems: value.problems.map((each) => ({ ...each, at: readSpfPlace(each.at) })) };
}

export function spfWatchWrite(zoneId: number, value: SpfWatch | null): DocumentWrite {
  if (value === null) return { zoneId, kind: SPF_KIND, id: WATCH, value };
  const stored: StoredWatch = { ...value, problems: value.problems.map((each) => ({ ...each, at: formatPlace(each.at) })) };
  return { zoneId, kind: SPF_KIND, id: WATCH, value: stored, dueAtMs: value.nextMs };
}

/** What the store has of a watch: the places of its problems are words. */
type StoredWatch = Omit<SpfWatch, 'problems'> & { readonly problems: readonly (Omit<Problem, 'at'> & { readonly at: string })[] };

/** A place in an SPF record, from its words: `example.com TXT, column 12`, `example.com TXT, include:a.example`. */
function readSpfPlace(text: string): Place {
  const [, owner, column, term] = /^(\S+) TXT(?:, (?:column ([0-9]+)|(.+)))?$/.exec(text) ?? [];
  if (owner === undefined) return WHOLE;
  if (column !== undefined) return atRrset(owner, 'TXT', { kind: 'column', column: Number(column) });
  return atRrset(owner, 'TXT', term === undefined ? undefined : { kind: 'term', term });
}

function isStoredWatch(value: unknown): value is StoredWatch {
  return hasFields(value, {
    version: (version) => version === 1,
    lookedAtMs: 'number?',
    nextMs: 'number',
    failures: 'number',
    tree: (tree) => tree === undefined || hasFields(tree, { domain: 'string', lookups: 'number', branches: Array.isArray }),
    problems: (problems) =>
      Array.isArray(problems) && problems.every((each) => hasFields(each, { code: 'string', at: 'string', message: 'string' })),
    failing: Array.isArray,
    alerts: Array.isArray,
  });
}
