/**
 * DS records of a zone's keys as registrars ask for them.
 * Implements: RFC 4034 §5.1 (DS), RFC 4509 (SHA-256), RFC 6605 §2 (SHA-384).
 */
import { toHex } from '#base/bytes.ts';
import { nameOf } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type DigestType, dsRdata } from '#dnssec/ds.ts';
import { keyUse } from '#dnssec/key-stage.ts';
import { KEY_TTL_SECONDS } from '#base/limits/dnssec.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DsForm } from '#control/api/dnssec.ts';

const DIGEST_TYPES: readonly DigestType[] = [2, 4];
/** Key tag, algorithm and digest type stand before the digest. */
const DIGEST_AT = 4;
const PUBLIC_KEY_AT = 4;

/** For each key that the parent is asked for, SHA-256 first, then SHA-384. Empty for an unsigned zone. */
export function dsForms(record: ZoneRecord): readonly DsForm[] {
  const zone = nameOf(record.name);
  const announced = record.keys.filter(({ role, state }) => keyUse(role, state).isAnnounced);
  return announced.flatMap(({ keyTag, algorithm, flags, dnskey }) => {
    const key = new Uint8Array(Buffer.from(dnskey, 'base64'));
    return DIGEST_TYPES.map((digestType): DsForm => {
      const rdata = dsRdata(zone, key, digestType);
      return {
        keyTag,
        algorithm,
        digestType,
        digest: toHex(rdata.subarray(DIGEST_AT)),
        record: `${record.name} ${KEY_TTL_SECONDS} IN DS ${formatRdata(TYPE.DS, rdata)}`,
        dnskey: { flags, protocol: 3, algorithm, publicKey: Buffer.from(key.subarray(PUBLIC_KEY_AT)).toString('base64') },
      };
    });
  });
}
