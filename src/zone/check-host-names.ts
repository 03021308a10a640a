/**
 * Names that must be host names: owners of addresses and mail exchanges, and the hosts that records name. Only warnings: DNS itself
 * carries any octet (RFC 2181 §11), but mail servers, browsers and resolvers' libraries reject such hosts.
 * Implements: RFC 952, RFC 1123 §2.1 (letters, digits, hyphens inside), with the exceptions of BIND's check-names: wildcards, Active
 * Directory's gc._msdcs, RFC 7208 §5.7 and appendix D.1.2 (`_spf…` labels above SPF exists: targets).
 */
import { type Problem, warning } from '#base/problem.ts';
import { type Name, formatName, isAtOrBelow, isWildcard, labelOffsets, ownerKey, parentName, nameOf } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type ZoneCheck } from './check-state.ts';
import { type ZoneNode } from './view.ts';

const OWNER_TYPES: ReadonlySet<RrType> = new Set([TYPE.A, TYPE.AAAA, TYPE.MX, TYPE.WKS]);
/** Types that name a host, and where in their data it begins. */
const HOST_OFFSET: ReadonlyMap<RrType, number> = new Map([
  [TYPE.NS, 0],
  [TYPE.SOA, 0],
  [TYPE.PTR, 0],
  [TYPE.MX, 2],
  [TYPE.AFSDB, 2],
  [TYPE.RT, 2],
  [TYPE.SVCB, 2],
  [TYPE.HTTPS, 2],
  [TYPE.SRV, 6],
]);
const REVERSE_ZONES = ['in-addr.arpa.', 'ip6.arpa.', 'ip6.int.'].map((zone) => ownerKey(nameOf(zone)));

/** Warnings about the owner and the named hosts of `node`. */
export function checkHostNames({ place }: ZoneCheck, node: ZoneNode): Problem[] {
  const problems: Problem[] = [];
  let ownerIsHost: boolean | undefined;
  for (const { type, rdatas } of node.rrsets) {
    if (OWNER_TYPES.has(type)) {
      ownerIsHost ??= isHostName(isWildcard(node.owner) ? parentName(node.owner) : node.owner);
      if (!ownerIsHost && !(type === TYPE.A && isKnownExceptionForA(node.owner)))
        problems.push(
          warning(
            'HOST_NAME',
            place(node.owner, type),
            `${formatName(node.owner)} owns ${typeName(type)} and is no host name: letters, digits and inner hyphens only`,
            {
              rfc: 'RFC 1123 §2.1',
            },
          ),
        );
    }
    const offset = HOST_OFFSET.get(type);
    if (offset === undefined || (type === TYPE.PTR && !REVERSE_ZONES.some((zone) => isAtOrBelow(node.key, zone)))) continue;
    for (const rdata of rdatas) {
      // RFC 9460 §2.4.2: with priority 0 it is an alias, and an alias may lead to any name.
      if ((type === TYPE.SVCB || type === TYPE.HTTPS) && rdata[0] === 0 && rdata[1] === 0) continue;
      const host = hostAt(rdata, offset);
      if (isHostName(host)) continue;
      problems.push(
        warning(
          'HOST_NAME',
          place(node.owner, type),
          `${formatName(node.owner)} ${typeName(type)} names ${formatName(host)}, which is no host name`,
          {
            rfc: 'RFC 1123 §2.1',
          },
        ),
      );
    }
  }
  return problems;
}

/** The name that begins at `offset` of well-formed data. */
function hostAt(rdata: Uint8Array, offset: number): Name {
  let end = offset;
  while (rdata[end] !== 0) end += rdata[end]! + 1;
  return rdata.subarray(offset, end + 1);
}

/** Letters and digits, hyphens between them, in every label. The root is one too: `MX 0 .`. */
export function isHostName(name: Name): boolean {
  for (let at = 0; name[at] !== 0;) {
    const end = at + name[at]!;
    if (name[at + 1] === 0x2d || name[end] === 0x2d) return false;
    for (at++; at <= end; at++) {
      const octet = name[at]!;
      const isLetter = (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a;
      if (!isLetter && !(octet >= 0x30 && octet <= 0x39) && octet !== 0x2d) return false;
    }
  }
  return true;
}

function isKnownExceptionForA(owner: Name): boolean {
  const labels = labelOffsets(owner).map((at) => ({ after: owner.subarray(at + owner[at]! + 1), text: label(owner, at) }));
  if (labels.length > 2 && labels[0]!.text === 'gc' && labels[1]!.text === '_msdcs') return isHostName(labels[1]!.after);
  return labels.some(({ text, after }) => ['_spf', '_spf_verify', '_spf_rate'].includes(text) && isHostName(after));
}

function label(name: Name, at: number): string {
  return Buffer.from(name.subarray(at + 1, at + 1 + name[at]!))
    .toString('latin1')
    .toLowerCase();
}
