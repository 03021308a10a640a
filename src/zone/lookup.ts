/**
 * The oracle: what the answer to a question is, written straight from the documents, slow and meant to be read beside them.
 * Implements: RFC 1034 §4.3.2 as replaced by RFC 6672 §3.2; RFC 4592 §3.3 (wildcards); RFC 4035 §3.1 (DNSSEC records in answers);
 * RFC 6604 §3 (rcode of chains); RFC 8482 §4.1 (ANY); RFC 2308 §2–3 (negative answers); RFC 9824 §3.5 and RFC 8914 (refusals).
 * Not here: proofs (lookup-proof.ts), additional records (lookup-additional.ts), octets (dns/message.ts).
 * The law of the house: answer/respond.ts gives the same octets as this and dns/message.ts `writeMessage` for every query.
 */
import { concatBytes } from '#base/bytes.ts';
import { ALIAS_STEPS_MAX, DNAME_STEPS_MAX } from '#base/limits/answer.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { type MessageContent, type Question } from '#dns/message.ts';
import { type Name, formatName, labelCount, ownerKey, wildcardOf } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { CLASS, EDE, RCODE, TYPE, type RrType } from '#dns/types.ts';
import { isDelegation, keysDown } from './cut.ts';
import { addAddresses, addGlue } from './lookup-additional.ts';
import { type Draft, type Step, newDraft, note, signedFor } from './lookup-draft.ts';
import {
  isNewProof,
  proveCovered,
  proveNoData,
  proveNoName,
  proveWildcardNoData,
  putNegativeSoa,
} from './lookup-proof.ts';
import { nsec3For, proveEncloser } from './lookup-nsec3.ts';
import { type ServedZone, type ZoneSet } from './served.ts';
import { type NodeRrset, type ZoneNode, rrsetOf } from './view.ts';

export type { Step } from './lookup-draft.ts';
export { type ServedZone, type ZoneSet, zoneSet, zoneSetBy } from './served.ts';

/** An answer, and why it is that answer. */
export interface Response extends MessageContent {
  readonly steps: readonly Step[];
}

/** The answer to `question` from the zones served here; with `dnssecOk` (DO) also signatures and proofs. */
export function lookup(
  zones: ZoneSet,
  question: Pick<Question, 'name' | 'type' | 'class'>,
  dnssecOk: boolean,
): Response {
  const draft = newDraft(zones, question.type, dnssecOk);
  if (!refuse(draft, question.class)) {
    const answered: string[] = [];
    for (let name: Name | undefined = question.name; name !== undefined;) {
      answered.push(ownerKey(name));
      name = answerName(draft, name, answered.length === 1);
      if (name === undefined) break;
      if (answered.includes(ownerKey(name))) {
        note(
          draft,
          'RFC 1034 §3.6.2',
          `${formatName(name)} was answered before: the aliases are a loop, what was found is the answer`,
        );
        break;
      }
      if (answered.length > ALIAS_STEPS_MAX || draft.dnameSteps >= DNAME_STEPS_MAX) {
        note(
          draft,
          'RFC 1034 §5.2.2',
          `${answered.length} aliases are in the answer: the chain is left to the resolver here`,
        );
        break;
      }
    }
  }
  return draft;
}

/** Questions that have no answer in any zone; true when this is one. */
function refuse(draft: Draft, qclass: number): boolean {
  const stop = (rcode: number, rule: string, text: string): boolean => {
    draft.rcode = rcode;
    note(draft, rule, text);
    return true;
  };
  const mnemonic = typeName(draft.type);
  switch (draft.type) {
    case 0:
    case TYPE.OPT:
    case TYPE.TSIG:
    case TYPE.TKEY:
      return stop(RCODE.FORMERR, 'RFC 6895 §3.1', `${mnemonic} is no type to ask for`);
    case TYPE.NXNAME:
      draft.ede = { code: EDE.INVALID_QUERY_TYPE, text: 'NXNAME is only a bit in NSEC' };
      return stop(RCODE.FORMERR, 'RFC 9824 §3.5', 'NXNAME is only a bit in NSEC, it cannot be asked for');
    default:
  }
  if (qclass !== CLASS.IN) return stop(RCODE.REFUSED, 'RFC 6895 §3.2', 'zones here are of class IN only');
  switch (draft.type) {
    case TYPE.AXFR:
    case TYPE.IXFR:
      return stop(RCODE.REFUSED, 'RFC 5936 §2.2.1', 'no client is allowed a transfer');
    case TYPE.MAILA:
    case TYPE.MAILB:
      return stop(RCODE.NOTIMP, 'RFC 1035 §3.2.3', `${mnemonic} is obsolete and not implemented`);
    default:
      return false;
  }
}

/** RFC 6672 §3.2 steps 2 and 3 for one name of the chain. Returns the next name if this one is an alias. */
function answerName(draft: Draft, name: Name, isFirst: boolean): Name | undefined {
  const key = ownerKey(name);
  const deepest = draft.zones.find(key);
  if (deepest === undefined) {
    if (isFirst) {
      draft.rcode = RCODE.REFUSED;
      draft.ede = { code: EDE.NOT_AUTHORITATIVE, text: 'no zone here is at or above this name' };
      note(draft, 'RFC 8914 §4.21', `${formatName(name)} is in no zone served here: refused`);
    } else note(draft, 'RFC 1034 §4.3.2', `${formatName(name)} is in no zone served here: the resolver continues`);
    return undefined;
  }
  let zone = deepest;
  if (draft.type === TYPE.DS && key === zone.view.apexKey) {
    // RFC 4035 §3.1.4.1: DS is the parent's. Where the parent is not served the child says that it has none.
    zone = draft.zones.parentOf(zone) ?? zone;
    note(
      draft,
      'RFC 4035 §3.1.4.1',
      `DS of an apex is answered by the parent side: zone ${formatName(zone.view.apex)}`,
    );
  }
  const apex = zone.view.node(zone.view.apexKey);
  if (zone.isExpired === true || rrsetOf(apex, TYPE.SOA) === undefined) {
    if (isFirst) draft.rcode = RCODE.SERVFAIL;
    const isExpired = zone.isExpired === true;
    const why = isExpired ? 'has expired' : 'has no SOA';
    const rule = isExpired ? 'RFC 1034 §4.3.5' : 'RFC 1035 §5.2';
    note(draft, rule, `zone ${formatName(zone.view.apex)} ${why}: it cannot be served`);
    return undefined;
  }
  note(draft, 'RFC 1034 §4.3.2', `${formatName(name)}: the nearest zone is ${formatName(zone.view.apex)}`);

  let encloser = apex!;
  for (const above of keysDown(zone.view.apexKey, key)) {
    const node = zone.view.node(above);
    if (node === undefined) break;
    encloser = node;
    // RFC 6672 §3.2 step 3b: data of the child, except DS of the cut itself. AA stays as the first name made it (RFC 1035 §4.1.1).
    if (isDelegation(zone.view, node) && !(above === key && draft.type === TYPE.DS)) {
      referTo(draft, zone, node, suffixOf(name, node));
      return undefined;
    }
    if (above === key) {
      draft.authoritative = true;
      return answerNode(draft, zone, node, name, name);
    }
    const dname = rrsetOf(node, TYPE.DNAME);
    if (dname !== undefined) {
      draft.authoritative = true;
      return redirect(draft, node, dname, name);
    }
  }
  draft.authoritative = true;
  return answerMissing(draft, zone, encloser, name);
}

/** Step 3a: `node` answers for `name`; for a wildcard the two differ, and `source` is what the node is called in negative proofs. */
function answerNode(draft: Draft, zone: ServedZone, node: ZoneNode, name: Name, source: Name): Name | undefined {
  const expanded = source !== name;
  const found = select(node, draft.type);
  const where = expanded ? `wildcard ${formatName(node.owner)}` : formatName(node.owner);
  if (found !== undefined) {
    note(
      draft,
      draft.type === TYPE.ANY ? 'RFC 8482 §4.1' : 'RFC 1034 §4.3.2 3a',
      `${typeName(found.type)} found at ${where}`,
    );
    draft.answer.push({ owner: name, ...signedFor(draft, found) });
    if (expanded) proveCovered(draft, zone, name, source);
    addAddresses(draft, { owner: name, ...found });
    return undefined;
  }
  const cname = rrsetOf(node, TYPE.CNAME);
  if (cname !== undefined) {
    const target = cname.rdatas[0]!;
    note(draft, 'RFC 1034 §3.6.2', `${formatName(name)} is an alias (${where}): continue with ${formatName(target)}`);
    draft.answer.push({ owner: name, ...signedFor(draft, cname) });
    if (expanded) proveCovered(draft, zone, name, source);
    return target;
  }
  const rule = node.rrsets.length === 0 ? 'RFC 4592 §2.2.2' : 'RFC 2308 §2.2';
  note(
    draft,
    rule,
    `${where} ${node.rrsets.length === 0 ? 'is an empty non-terminal' : `has no ${typeName(draft.type)}`}: NODATA`,
  );
  putNegativeSoa(draft, zone);
  if (expanded) proveWildcardNoData(draft, zone, name, source);
  else proveNoData(draft, zone, name);
  return undefined;
}

/** The RRset at `node` that answers a question for `type`. */
function select(node: ZoneNode, type: RrType): NodeRrset | undefined {
  switch (type) {
    case TYPE.ANY:
      // RFC 8482 §4.1: one RRset is enough; NSEC would be the least useful one.
      return node.rrsets.find((rrset) => rrset.type !== TYPE.NSEC);
    case TYPE.RRSIG: {
      // Signatures are no RRset (RFC 4035 §2.2), and all of them together are an amplifier: those of one RRset.
      const signed = node.rrsets.find((rrset) => rrset.signatures.length > 0 && rrset.type !== TYPE.NSEC);
      return signed && { ...signed, type: TYPE.RRSIG, rdatas: signed.signatures, signatures: [] };
    }
    default:
      return rrsetOf(node, type);
  }
}

/** Step 3c, a DNAME above `name`: it, and a CNAME made from it (RFC 6672 §3.1, §5.3.1: only the DNAME is signed). */
function redirect(draft: Draft, node: ZoneNode, dname: NodeRrset, name: Name): Name | undefined {
  const owner = suffixOf(name, node);
  const known = draft.answer.some((rrset) => rrset.type === TYPE.DNAME && ownerKey(rrset.owner) === node.key);
  if (!known) draft.answer.push({ owner, ...signedFor(draft, dname) });
  const target = dname.rdatas[0]!;
  const prefix = name.subarray(0, name.length - owner.length);
  if (prefix.length + target.length > NAME_BYTES_MAX) {
    draft.rcode = RCODE.YXDOMAIN;
    note(
      draft,
      'RFC 6672 §3.2 3c',
      `${formatName(name)} rewritten by the DNAME at ${formatName(node.owner)} is longer than 255 octets`,
    );
    return undefined;
  }
  const alias = concatBytes(prefix, target);
  note(
    draft,
    'RFC 6672 §3.1',
    `DNAME at ${formatName(node.owner)}: ${formatName(name)} is an alias of ${formatName(alias)}`,
  );
  draft.answer.push({ owner: name, type: TYPE.CNAME, ttl: dname.ttl, rdatas: [alias], signatures: [] });
  draft.dnameSteps++;
  // The synthesized CNAME is the data asked for; BIND, Knot and NSD stop here too.
  return draft.type === TYPE.CNAME ? undefined : alias;
}

/** Step 3c, no such name and no DNAME: a wildcard below the closest encloser, or nothing. */
function answerMissing(draft: Draft, zone: ServedZone, encloser: ZoneNode, name: Name): Name | undefined {
  const source = wildcardOf(suffixOf(name, encloser))!;
  const wildcard = zone.view.node(ownerKey(source));
  const closest = `the closest encloser of ${formatName(name)} is ${formatName(encloser.owner)}`;
  if (wildcard !== undefined) {
    note(draft, 'RFC 4592 §3.3.1', `${closest}: the source of synthesis ${formatName(source)} exists`);
    return answerNode(draft, zone, wildcard, name, source);
  }
  note(draft, 'RFC 4592 §3.3.1', `${closest}, and ${formatName(source)} does not exist: NXDOMAIN`);
  draft.rcode = RCODE.NXDOMAIN;
  putNegativeSoa(draft, zone);
  proveNoName(draft, zone, name, source);
  return undefined;
}

/** Step 3b: the child's name servers, and DS or the proof that there is none (RFC 4035 §3.1.4). */
function referTo(draft: Draft, zone: ServedZone, cut: ZoneNode, owner: Name): void {
  const ns = rrsetOf(cut, TYPE.NS)!;
  note(draft, 'RFC 1034 §4.3.2 3b', `${formatName(owner)} is delegated: referral, not authoritative`);
  draft.authority.push({ owner, ...ns, signatures: [] });
  if (draft.dnssecOk && zone.signed) {
    const ds = rrsetOf(cut, TYPE.DS);
    // RFC 5155 §7.2.7: with NSEC3 the same as NODATA for DS.
    const nsec3 = ds === undefined ? nsec3For(draft, zone) : undefined;
    if (nsec3 !== undefined) proveEncloser(draft, zone, nsec3, owner, labelCount(owner));
    const proof = ds ?? rrsetOf(cut, TYPE.NSEC);
    // The cut's NSEC may be in already: it can be the one that shows that a name on the way was a wildcard's.
    if (proof !== undefined && (proof.type === TYPE.DS || isNewProof(draft, zone, cut))) {
      note(
        draft,
        'RFC 4035 §3.1.4',
        proof.type === TYPE.DS ? 'DS: the child is signed' : 'NSEC at the cut: it has no DS, the child is unsigned',
      );
      draft.authority.push({ owner, ...proof });
    }
  }
  addGlue(draft, zone, cut);
}

/** The last labels of `name` that are the name of `node`: what an answer calls it, in the case it was asked with. */
function suffixOf(name: Name, node: ZoneNode): Name {
  let suffix = name;
  for (let extra = labelCount(name) - labelCount(node.owner); extra > 0; extra--)
    suffix = suffix.subarray(suffix[0]! + 1);
  return suffix;
}
