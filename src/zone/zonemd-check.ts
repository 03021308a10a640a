/**
 * Whether a zone file is the one that its ZONEMD records were made of.
 * Implements: RFC 8976 §4 (verifying a digest), §3.3.1 (what is digested: all records of the zone, occluded ones too,
 * but ZONEMD at the apex and the signatures over it).
 * Not here: the signatures (dnssec/presigned.ts), making a digest (dnssec/plan-zonemd.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { type Name, equalNames, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneRecordLine } from '#dns/zone-file.ts';
import { soaSerial } from './changeset.ts';
import { type ZonemdHash, recordsDigest, zonemdFields } from './zonemd.ts';

/**
 * An error when no digest of the file matches, a warning when none can be compared; nothing when one matches, or there
 * is none.
 */
export function checkZonemd(apex: Name, records: readonly ZoneRecordLine[]): Problem[] {
  const given = records.filter(({ owner, type }) => type === TYPE.ZONEMD && equalNames(owner, apex));
  const [first] = given;
  const soa = records.find(({ owner, type }) => type === TYPE.SOA && equalNames(owner, apex));
  if (first === undefined || soa === undefined) return [];
  const serial = soaSerial(soa.rdata);
  const all = given.map(({ rdata }) => ({ rdata, ...zonemdFields(rdata) }));
  // RFC 8976 §4: of two with the same scheme and algorithm, and of one for another serial, none counts.
  const isAlone = ({ rdata }: (typeof all)[number]): boolean =>
    all.filter((other) => other.rdata[4] === rdata[4] && other.rdata[5] === rdata[5]).length === 1;
  const usable = all.filter((each) => each.hash !== undefined && each.serial === serial && isAlone(each));
  if (usable.length === 0) {
    const others = all.find((each) => each.serial !== serial);
    const why =
      others === undefined
        ? 'its ZONEMD has a scheme or algorithm that is not known here, or two have the same'
        : `its ZONEMD is of serial ${others.serial}, and its SOA has ${serial}`;
    return [
      warning('ZONEMD_MISMATCH', first.at, `the file was not compared with its digest: ${why}`, {
        rfc: 'RFC 8976 §4',
      }),
    ];
  }
  const apexKey = ownerKey(apex);
  const inZone = records
    .map((record) => ({ ...record, key: ownerKey(record.owner) }))
    .filter(({ key }) => isAtOrBelow(key, apexKey));
  const digests = new Map<ZonemdHash, Uint8Array>();
  const digestBy = (hash: ZonemdHash): Uint8Array => {
    const digest = digests.get(hash) ?? recordsDigest(inZone, apexKey, hash);
    digests.set(hash, digest);
    return digest;
  };
  if (usable.some(({ hash, digest }) => equalBytes(digest, digestBy(hash!)))) return [];
  const which = `serial ${serial}, ${usable[0]!.hash!.toUpperCase()}`;
  const why = `the file is not the one that its ZONEMD (${which}) is of: records are missing, changed or more`;
  const fix = 'get the file again from where it was made; if it was changed on purpose, take its ZONEMD record out';
  return [problem('ZONEMD_MISMATCH', first.at, why, { fix, rfc: 'RFC 8976 §4' })];
}
