/**
 * The oracle's additional section: addresses of the hosts that the answer or a referral names.
 * Implements: RFC 1035 §3.3.9 (MX), RFC 2782 (SRV), RFC 9460 §4.1 (SVCB, HTTPS), RFC 9471 §2–3 (glue), RFC 4035 §3.1.1 (their RRSIGs).
 * Not here: what is left out when it does not fit (dns/message.ts).
 */
import { ADDITIONAL_NAMES_MAX } from '#base/limits/answer.ts';
import { type Name, equalNames, formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { type Rrset, type SignedRrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { authorityOf } from './cut.ts';
import { type Draft, note, signedFor } from './lookup-draft.ts';
import { type ServedZone } from './served.ts';
import { type NodeRrset, type ZoneNode, rrsetOf } from './view.ts';

const ADDRESS_TYPES = [TYPE.A, TYPE.AAAA];

/** Addresses of the hosts that an answered RRset names, from authoritative data of the zones here; for NS from glue too. */
export function addAddresses(draft: Draft, rrset: Rrset): void {
  const targets = distinct(
    rrset.rdatas.map((rdata) => targetOf(rrset, rdata)).filter((target) => target !== undefined),
  );
  for (const target of targets.slice(0, ADDITIONAL_NAMES_MAX))
    draft.additional.push(...addressesOf(draft, target, rrset.type === TYPE.NS));
}

/** Addresses of a delegation's name servers: below the cut they are required, elsewhere welcome. */
export function addGlue(draft: Draft, zone: ServedZone, cut: ZoneNode): void {
  const targets = distinct(rrsetOf(cut, TYPE.NS)!.rdatas);
  // RFC 9471 §2: only this zone can tell the addresses of name servers at or below the cut.
  const inDomain = targets.filter((target) => isAtOrBelow(ownerKey(target), cut.key));
  for (const target of inDomain) {
    const glue = zone.view.node(ownerKey(target));
    if (glue !== undefined)
      draft.requiredGlue.push(...addressRrsets(glue).map((rrset) => ({ ...rrset, signatures: [] })));
  }
  if (draft.requiredGlue.length > 0)
    note(draft, 'RFC 9471 §3.1', `glue of ${inDomain.map(formatName).join(' ')}: all of it, or TC`);
  const others = targets.filter((target) => !inDomain.includes(target));
  for (const target of others.slice(0, Math.max(0, ADDITIONAL_NAMES_MAX - inDomain.length)))
    draft.additional.push(...addressesOf(draft, target, true));
}

/** The host that one record names; undefined when it names none, or the root, which stands for "no host" (RFC 7505, RFC 2782). */
function targetOf(rrset: Rrset, rdata: Uint8Array): Name | undefined {
  const target = nameInRdata(rrset.type, rdata);
  if (target === undefined || target.length > 1) return target;
  // RFC 9460 §2.5.2: in ServiceMode "." is the owner itself; in AliasMode (priority 0, §2.5.1) it is "no service".
  const isServiceMode = (rrset.type === TYPE.SVCB || rrset.type === TYPE.HTTPS) && (rdata[0] !== 0 || rdata[1] !== 0);
  return isServiceMode ? rrset.owner : undefined;
}

function nameInRdata(type: number, rdata: Uint8Array): Name | undefined {
  switch (type) {
    case TYPE.NS:
      return rdata;
    case TYPE.MX:
      return rdata.subarray(2);
    case TYPE.SRV:
      return rdata.subarray(6);
    case TYPE.SVCB:
    case TYPE.HTTPS: {
      let end = 2;
      while (rdata[end] !== 0) end += rdata[end]! + 1;
      return rdata.subarray(2, end + 1);
    }
    default:
      return undefined;
  }
}

/** Address RRsets at exactly `target`: never from a wildcard, never occluded; glue only where it may stand in. */
function addressesOf(draft: Draft, target: Name, isGlueWelcome: boolean): SignedRrset[] {
  const key = ownerKey(target);
  const zone = draft.zones.find(key);
  const node = zone?.view.node(key);
  if (zone === undefined || node === undefined) return [];
  const { kind } = authorityOf(zone.view, key);
  const isGlue = kind === 'cut' || kind === 'belowCut';
  if (kind === 'belowDname' || (isGlue && !isGlueWelcome)) return [];
  const found = addressRrsets(node).map((rrset) => ({
    owner: rrset.owner,
    ...signedFor(draft, rrset),
    ...(isGlue ? { signatures: [] } : {}),
  }));
  if (found.length > 0)
    note(draft, 'RFC 1034 §4.3.2 step 6', `addresses of ${formatName(target)} are added${isGlue ? ' (glue)' : ''}`);
  return found;
}

function addressRrsets(node: ZoneNode): (NodeRrset & SignedRrset)[] {
  return ADDRESS_TYPES.map((type) => rrsetOf(node, type))
    .filter((rrset) => rrset !== undefined)
    .map((rrset) => ({ owner: node.owner, ...rrset }));
}

function distinct(names: readonly Name[]): Name[] {
  return names.filter((name, at) => names.findIndex((each) => equalNames(each, name)) === at);
}
