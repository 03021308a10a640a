/** RRsets of a child with signatures by keys that a test has. */
import { type SignedRecords } from '#dnssec/delegation/judge-child.ts';
import { type SigningKey } from '#dnssec/key.ts';
import { signRrset } from '#dnssec/sign.ts';
import { type Rrset, sortRdatas } from '#dns/rrset.ts';

const HOUR_SECONDS = 3600;

/** Signed at `at`, seconds, by each of `keys`; valid from an hour before until a week after. */
export function signedBy(rrset: Rrset, keys: readonly SigningKey[], at: number): SignedRecords {
  const times = { inception: at - HOUR_SECONDS, expiration: at + 7 * 24 * HOUR_SECONDS };
  const sorted = { ...rrset, rdatas: sortRdatas(rrset.type, rrset.rdatas) };
  const signatures = keys.map((key) => signRrset(sorted, rrset.owner, key, times));
  return { ttl: rrset.ttl, rdatas: rrset.rdatas, signatures };
}
