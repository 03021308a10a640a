/**
 * DSYNC records: where a parent takes notifications about its delegations. Under which names they are looked for, and
 * what they say.
 * Implements: RFC 9859 §2 (DSYNC), §3.1 (the wildcard method), §4.1 (names of the look-up, one after the other).
 * Not here: asking (control/outside/dsync-search.ts), their text (rdata/doa.ts).
 */
import { concatBytes, readU16 } from '#base/bytes.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { type Name, isAtOrBelow, labelCount, labelOffsets, nameLengthAt, ownerKey, parentName } from './name.ts';
import { type RrType } from './types.ts';

/** RFC 9859 §2.3: the endpoint takes NOTIFY messages. */
export const DSYNC_SCHEME_NOTIFY = 1;

const LABEL = Buffer.from('\u0006_dsync', 'latin1');
const WILDCARD_LABEL = Uint8Array.of(1, 0x2a);
/** Type, scheme and port, before the target. */
const HEAD_BYTES = 5;

export interface DsyncEndpoint {
  /** What its messages are about: CDS or CSYNC. */
  readonly rrType: RrType;
  readonly scheme: number;
  readonly port: number;
  readonly target: Name;
}

/** What a record says; undefined when it is too short. `rdata` is in wire form, not compressed. */
export function readDsync(rdata: Uint8Array): DsyncEndpoint | undefined {
  if (rdata.length <= HEAD_BYTES || nameLengthAt(rdata, HEAD_BYTES) !== rdata.length - HEAD_BYTES) return undefined;
  return {
    rrType: readU16(rdata, 0),
    scheme: rdata[2]!,
    port: readU16(rdata, 3),
    target: rdata.slice(HEAD_BYTES),
  };
}

/** RDATA of an endpoint that takes NOTIFY messages. */
export function dsyncRdata({ rrType, port, target }: Omit<DsyncEndpoint, 'scheme'>): Uint8Array {
  const head = [rrType >>> 8, rrType & 0xff, DSYNC_SCHEME_NOTIFY, port >>> 8, port & 0xff];
  return concatBytes(Uint8Array.from(head), target);
}

/** `*._dsync.PARENT`, of every delegation (§3.1); undefined when the name would be too long. */
export function dsyncWildcard(parent: Name): Name | undefined {
  return fitting(concatBytes(WILDCARD_LABEL, LABEL, parent));
}

/**
 * The name to look up next for a delegation whose parent is at `parent`: `_dsync` stands between the two (§4.1 steps 1
 * and 3a). Undefined when the name would be too long, or `child` is not below `parent`.
 */
export function dsyncName(child: Name, parent: Name): Name | undefined {
  const isBelow = labelCount(child) > labelCount(parent) && isAtOrBelow(ownerKey(child), ownerKey(parent));
  if (!isBelow) return undefined;
  const prefixBytes = child.length - parent.length;
  return fitting(concatBytes(child.subarray(0, prefixBytes), LABEL, child.subarray(prefixBytes)));
}

/** The name of the first look-up: the parent is taken to be one label above (§4.1 step 1). */
export function firstDsyncName(child: Name): Name | undefined {
  return labelOffsets(child).length === 0 ? undefined : dsyncName(child, parentName(child));
}

/** `_dsync.PARENT`: the last name to look up (§4.1 step 3b). */
export function bareDsyncName(parent: Name): Name | undefined {
  return fitting(concatBytes(LABEL, parent));
}

function fitting(name: Uint8Array): Name | undefined {
  return name.length > NAME_BYTES_MAX ? undefined : name;
}
