/**
 * Whether a zone is what its own digest says.
 * Implements: RFC 8976 §4 (verification: steps 3 to 6; several digests, those that cannot be checked).
 * Not here: the digest (zonemd.ts), the problems of a file (zonemd-check.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { TYPE } from '#dns/types.ts';
import { serialOf } from './changeset.ts';
import { type ZoneView, rrsetOf } from './view.ts';
import { zoneDigest, zonemdFields } from './zonemd.ts';

/** `unknown`: all its digests are of schemes or algorithms that are not known here. */
export type ZonemdVerdict = 'none' | 'good' | 'unknown' | 'bad';

/** Reads the whole zone when it has a digest. */
export function zonemdVerdict(view: ZoneView): ZonemdVerdict {
  const zonemd = rrsetOf(view.node(view.apexKey), TYPE.ZONEMD);
  if (zonemd === undefined) return 'none';
  const serial = serialOf(view);
  const fields = zonemd.rdatas.map((rdata) => ({ kind: `${rdata[4]} ${rdata[5]}`, ...zonemdFields(rdata) }));
  // §4 step 4: two of one scheme and algorithm, and neither counts.
  const single = fields.filter(({ kind }) => fields.filter((other) => other.kind === kind).length === 1);
  const usable = single.filter(({ hash }) => hash !== undefined);
  if (usable.length === 0) return 'unknown';
  const isGood = usable.some((each) => each.serial === serial && equalBytes(each.digest, zoneDigest(view, each.hash!)));
  return isGood ? 'good' : 'bad';
}
