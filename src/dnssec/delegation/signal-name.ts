/**
 * Where the operator of a child's name server says what first DS the child wants.
 * Implements: RFC 9615 §3.2 (signaling names).
 */
import { concatBytes } from '#base/bytes.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { type Name, isAtOrBelow, ownerKey } from '#dns/name.ts';

const HEAD = Buffer.from('\u0007_dsboot', 'latin1');
const MIDDLE = Buffer.from('\u0007_signal', 'latin1');

/**
 * `_dsboot.CHILD._signal.HOST`; undefined for a host below the child, which proves nothing beside the child itself
 * (RFC 9615 §4.1), and for a name that would be too long (§4.4).
 */
export function signalName(child: Name, host: Name): Name | undefined {
  if (isAtOrBelow(ownerKey(host), ownerKey(child))) return undefined;
  const name = concatBytes(HEAD, child.subarray(0, -1), MIDDLE, host);
  return name.length > NAME_BYTES_MAX ? undefined : name;
}
