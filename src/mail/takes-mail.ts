/**
 * Whether a host of a zone takes mail, as senders find out from its records.
 * Implements: RFC 5321 §5.1 (MX, else the address; aliases are followed), RFC 7505 §3 (null MX).
 * Not here: hosts of other zones, which only a resolver can look up (control/mail/check-hosts.ts).
 */
import { ALIAS_STEPS_MAX } from '#base/limits/answer.ts';
import { type Name, formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { answeringNode, hasAddress, targetState } from '#zone/check-targets.ts';
import { authorityOf } from '#zone/cut.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';

/** Why no sender can deliver mail to `host`, to follow its name; undefined: it takes mail, or the zone does not say. */
export function whyNoMail(view: ZoneView, host: Name): string | undefined {
  const found = follow(view, host);
  if (found === 'unknown') return undefined;
  if (found === undefined) return 'does not exist in the zone';
  const mx = rrsetOf(found, TYPE.MX);
  if (mx === undefined) return hasAddress(found) ? undefined : 'has neither MX nor address';
  return whyNoHost(
    view,
    mx.rdatas.map((rdata) => rdata.subarray(2)),
  );
}

/** Why no host of an MX RRset can be reached, to follow its owner; undefined: one can, or the zone does not say. */
export function whyNoHost(view: ZoneView, hosts: readonly Name[]): string | undefined {
  if (hosts.every((host) => host.length === 1)) return 'has a null MX, which says that it takes no mail';
  const isMissing = (host: Name): boolean => {
    const key = ownerKey(host);
    return isAtOrBelow(key, view.apexKey) && targetState(view, key) === 'missing';
  };
  const names = hosts.filter((host) => host.length > 1);
  if (!names.every(isMissing)) return undefined;
  return `has the MX ${names.map(formatName).join(', ')}, without any address`;
}

/** Why no client can connect to `host`, to follow its name; undefined: it has an address, or the zone does not say. */
export function whyNoAddress(view: ZoneView, host: Name): string | undefined {
  const found = follow(view, host);
  if (found === 'unknown' || (found !== undefined && hasAddress(found))) return undefined;
  return found === undefined ? 'does not exist in the zone' : 'has no address';
}

/** The node that answers for `host` in the end; undefined: there is none. */
function follow(view: ZoneView, host: Name): ZoneNode | 'unknown' | undefined {
  let name = host;
  for (let steps = 0; steps <= ALIAS_STEPS_MAX; steps++) {
    const key = ownerKey(name);
    if (!isAtOrBelow(key, view.apexKey) || authorityOf(view, key).kind !== 'authoritative') return 'unknown';
    const node = answeringNode(view, key);
    const alias = rrsetOf(node, TYPE.CNAME);
    if (alias === undefined) return node;
    name = alias.rdatas[0]!;
  }
  return 'unknown';
}
