/**
 * Writes one large zone file, always the same for the same arguments: what a provider's zone looks like, not a million equal A records.
 * Use: node bench/large-zone.ts [names] [zone] > big.zone      (npm run -s large-zone -- 100000 big.example > big.zone)
 * Of each 20 owner names: 9 hosts with A (half of them AAAA too), 3 mail names with MX and SPF, 2 DKIM selectors, 2 aliases,
 * 2 unsigned delegations with glue, 1 signed delegation (DS), 1 SRV set.
 */
import { createHash } from 'node:crypto';

const NAMES_DEFAULT = 100_000;

/** Lines of the zone file of `zone` (absolute, with final dot) with `names` owner names below the apex; glue is not counted. */
export function* largeZone(names: number, zone: string): Generator<string> {
  yield `$ORIGIN ${zone}`;
  yield '$TTL 3600';
  yield '@ SOA ns1 hostmaster 1 7200 900 1209600 900';
  yield '@ NS ns1';
  yield '@ NS ns2';
  yield 'ns1 A 192.0.2.1';
  yield 'ns2 A 192.0.2.2';
  for (let each = 0; each < names - 2; each++) yield* ownerLines(each);
}

/** First label of owner number `each` (0…names − 3), and what it is: 0…19, see above. */
export function largeZoneOwner(each: number): { readonly label: string; readonly kind: number; readonly hash: Buffer } {
  const hash = createHash('sha256').update(String(each)).digest();
  return { label: `${hash.toString('hex', 0, 4)}-${each}`, kind: each % 20, hash };
}

function* ownerLines(each: number): Generator<string> {
  const { label, kind, hash } = largeZoneOwner(each);
  const address = `198.51.${hash[4]}.${hash[5]}`;
  if (kind < 9) {
    yield `${label} A ${address}`;
    if (kind % 2 === 0) yield `${label} AAAA 2001:db8:${hash.toString('hex', 6, 8)}::${hash.toString('hex', 8, 10)}`;
  } else if (kind < 12) {
    yield `${label} MX 10 mx.${label}`;
    yield `${label} TXT "v=spf1 ip4:${address} -all"`;
  } else if (kind < 14) {
    yield `s1._domainkey.${label} TXT "v=DKIM1; k=ed25519; p=${hash.toString('base64')}"`;
  } else if (kind < 16) {
    yield `${label} CNAME target-${each % 97}.elsewhere.test.`;
  } else if (kind < 18) {
    yield `${label} NS ns.${label}`;
    yield `ns.${label} A ${address}`;
  } else if (kind === 18) {
    yield `${label} NS ns1.elsewhere.test.`;
    yield `${label} DS ${hash.readUInt16BE(10)} 13 2 ${hash.toString('hex')}`;
  } else {
    yield `_submissions._tcp.${label} SRV 0 1 465 mx.${label}`;
  }
}

if (import.meta.main) {
  const names = Number(process.argv[2] ?? NAMES_DEFAULT);
  const zone = `${(process.argv[3] ?? 'large.example').replace(/\.$/, '')}.`;
  let chunk = '';
  for (const line of largeZone(names, zone)) {
    chunk += `${line}\n`;
    if (chunk.length > 65_536) {
      process.stdout.write(chunk);
      chunk = '';
    }
  }
  process.stdout.write(chunk);
}
