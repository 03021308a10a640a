/**
 * The MX records of one name, as senders read them.
 * Implements: RFC 7505 §3 (a null MX stands alone, with preference 0).
 * Not here: whether the hosts exist (zone/check-targets.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { TYPE } from '#dns/types.ts';

/** What is wrong with well-formed MX data of `owner`. */
export function checkMx(owner: Name, rdatas: readonly Uint8Array[]): Problem[] {
  const isNull = (rdata: Uint8Array) => rdata.length === 3;
  const none = rdatas.find(isNull);
  if (none === undefined) return [];
  const at = placeOfRrset(owner, TYPE.MX);
  if (rdatas.length > 1)
    return [
      problem('MX_NULL', at, 'a null MX (0 .), which says that there is no mail, stands beside another MX', {
        rfc: 'RFC 7505 §3',
        fix: 'keep either the null MX or the hosts',
      }),
    ];
  if (readU16(none, 0) === 0) return [];
  return [warning('MX_NULL', at, 'a null MX has a preference other than 0', { rfc: 'RFC 7505 §3', fix: 'write 0 .' })];
}
