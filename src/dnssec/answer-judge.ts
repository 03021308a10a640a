/**
 * A validator's verdict on one answer from a zone: its RRsets are signed, and what it denies is proved. It reads what
 * came over the network, and shares nothing with what writes answers.
 * Implements: RFC 4035 §5.3 (RRsets), §5.4 (denial by NSEC), RFC 4034 §3.1.3 (a wildcard was expanded), RFC 5155 §8
 * (denial by NSEC3).
 * Not here: whether the DNSKEY RRset is trusted (chain-walk.ts), referrals, opt-out.
 */
import {
  type Name,
  type OwnerKey,
  equalNames,
  formatName,
  isAtOrBelow,
  isWildcard,
  labelCount,
  ownerKey,
  parentName,
  wildcardOf,
} from '#dns/name.ts';
import { HASH_BYTES, hashName, hashOfOwner, nsec3Fields, nsec3Parameters } from '#dns/nsec3.ts';
import { canonicalRdata, typeName } from '#dns/registry.ts';
import { type SectionRecord } from '#dns/reply-sections.ts';
import { RCODE, type RrType, TYPE } from '#dns/types.ts';
import { type OwnedRrset } from './chain-walk.ts';
import { decodeTypeBitmap, nsecFields } from './denial.ts';
import { rrsigFields } from './sign.ts';
import { verifyRrset } from './verify.ts';

export interface JudgedAnswer {
  readonly apex: Name;
  /** The question: a type that is signed, at a name of the zone that is not below a delegation. */
  readonly name: Name;
  readonly type: RrType;
  readonly rcode: number;
  readonly records: readonly SectionRecord[];
  /** RDATA of the DNSKEY RRset. */
  readonly dnskeys: readonly Uint8Array[];
  readonly nowSeconds: number;
}

export interface AnsweredRrset extends OwnedRrset {
  readonly section: SectionRecord['section'];
}

/** Why a validator takes the answer for bogus; undefined: it is secure. */
export function judgeAnswer(answer: JudgedAnswer): string | undefined {
  const { apex, name, type, rcode, records } = answer;
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return `the answer has rcode ${rcode}`;
  const rrsets = answeredRrsets(records);
  const isAsked = (each: AnsweredRrset): boolean =>
    each.section === 'answer' &&
    equalNames(each.owner, name) &&
    (each.rrset.type === type || each.rrset.type === TYPE.CNAME);
  const isFromApex = (each: AnsweredRrset): boolean =>
    each.section === 'authority' && isAtOrBelow(ownerKey(each.owner), ownerKey(apex));
  const judged = rrsets.filter((each) => isAsked(each) || isFromApex(each));
  for (const each of judged) {
    const why = unsigned(each, answer);
    if (why !== undefined) return `${formatName(each.owner)} ${typeName(each.rrset.type)} ${why}`;
  }
  const denial = new Denial(apex, judged);
  const found = judged.find(isAsked);
  const text = `${formatName(name)} ${typeName(type)}`;
  if (found !== undefined) {
    // RFC 4035 §5.3.4: a wildcard stands only where the name itself is not.
    const closer = expandedBelow(found);
    const isProved = closer === undefined || denial.covers(closer);
    return isProved ? undefined : `${text} comes out of a wildcard, and nothing proves that the name is not there`;
  }
  const isProved = rcode === RCODE.NXDOMAIN ? denial.provesNoName(name) : denial.provesNoType(name, type);
  return isProved ? undefined : `nothing in the answer proves that ${text} is not there`;
}

/** Records by section, owner and type, each with the RRSIG records over it. */
export function answeredRrsets(records: readonly SectionRecord[]): readonly AnsweredRrset[] {
  const found = new Map<
    string,
    {
      section: SectionRecord['section'];
      owner: Name;
      ttl: number;
      rdatas: Uint8Array[];
      signatures: Uint8Array[];
      type: RrType;
    }
  >();
  for (const { section, owner, type, ttl, rdata } of records) {
    const isSignature = type === TYPE.RRSIG;
    const covered = isSignature ? rrsigFields(rdata).typeCovered : type;
    const key = `${section} ${covered} ${ownerKey(owner)}`;
    const rrset = found.get(key) ?? { section, owner, ttl, rdatas: [], signatures: [], type: covered };
    found.set(key, rrset);
    (isSignature ? rrset.signatures : rrset.rdatas).push(rdata);
    if (!isSignature) rrset.ttl = ttl;
  }
  return [...found.values()]
    .filter(({ rdatas }) => rdatas.length > 0)
    .map(({ section, owner, ...rrset }) => ({ section, owner, rrset }));
}

function unsigned({ owner, rrset }: AnsweredRrset, { apex, dnskeys, nowSeconds }: JudgedAnswer): string | undefined {
  if (rrset.signatures.length === 0) return 'has no signature';
  // RFC 4034 §6.3: signed in canonical order, whatever order they came in.
  const octets = (rdata: Uint8Array): Uint8Array => canonicalRdata(rrset.type, rdata);
  const rdatas = rrset.rdatas.toSorted((a, b) => Buffer.compare(octets(a), octets(b)));
  let why = '';
  for (const rrsig of rrset.signatures) {
    const isOurs = equalNames(rrsigFields(rrsig).signer, apex);
    const found = isOurs ? verifyRrset({ owner, ...rrset, rdatas }, rrsig, dnskeys, nowSeconds) : undefined;
    if (isOurs && found === undefined) return undefined;
    why = found?.message ?? 'is signed by another zone';
  }
  return why;
}

/** Of an RRset that came out of a wildcard: the name below the wildcard's parent, which must not be there. */
function expandedBelow({ owner, rrset }: AnsweredRrset): Name | undefined {
  const labels = Math.min(...rrset.signatures.map((rrsig) => rrsigFields(rrsig).labels));
  if (labels >= labelCount(owner) - (isWildcard(owner) ? 1 : 0)) return undefined;
  let at = owner;
  while (labelCount(at) > labels + 1) at = parentName(at);
  return at;
}

/** What the NSEC or NSEC3 records of an answer prove. Their signatures are good. */
class Denial {
  readonly #apex: Name;
  readonly #nsec: readonly { readonly key: OwnerKey; readonly next: OwnerKey; readonly types: readonly RrType[] }[];
  readonly #nsec3: readonly {
    readonly hash: string;
    readonly next: string;
    readonly types: readonly RrType[];
    readonly rdata: Uint8Array;
  }[];

  constructor(apex: Name, rrsets: readonly AnsweredRrset[]) {
    this.#apex = apex;
    const of = (wanted: RrType) =>
      rrsets
        .filter(({ rrset }) => rrset.type === wanted)
        .map(({ owner, rrset }) => ({ owner, rdata: rrset.rdatas[0]! }));
    this.#nsec = of(TYPE.NSEC).map(({ owner, rdata }) => {
      const { next, types } = nsecFields(rdata);
      return { key: ownerKey(owner), next: ownerKey(next), types };
    });
    this.#nsec3 = of(TYPE.NSEC3).flatMap(({ owner, rdata }) => {
      const hash = hashOfOwner(owner);
      const { nextHash, bitmap } = nsec3Fields(rdata);
      if (hash === undefined || nextHash.length !== HASH_BYTES) return [];
      return [{ hash: textOf(hash), next: textOf(nextHash), types: decodeTypeBitmap(bitmap) ?? [], rdata }];
    });
  }

  /** The name lies between two that follow each other. */
  covers(name: Name): boolean {
    const key = ownerKey(name);
    const apexKey = ownerKey(this.#apex);
    const isBetween = (from: string, to: string, at: string): boolean => from < at && at < to;
    // The last one points to the apex.
    if (this.#nsec.some((each) => isBetween(each.key, each.next, key) || (each.next === apexKey && each.key < key)))
      return true;
    return this.#nsec3.some(({ hash, next, rdata }) => {
      const at = hashText(rdata, name);
      return hash < next ? isBetween(hash, next, at) : at > hash || at < next;
    });
  }

  /** RFC 4035 §5.4, RFC 5155 §8.4. */
  provesNoName(name: Name): boolean {
    const encloser = this.#encloser(name);
    const wildcard = encloser === undefined ? undefined : wildcardOf(encloser);
    if (encloser === undefined || wildcard === undefined || this.#types(name) !== undefined) return false;
    // A name with names below it exists.
    const isEmpty = this.#nsec.some(({ next }) => isAtOrBelow(next, ownerKey(name)));
    return !isEmpty && this.covers(nextCloser(name, encloser)) && this.covers(wildcard);
  }

  /** RFC 4035 §5.4, RFC 5155 §8.5–8.7. */
  provesNoType(name: Name, type: RrType): boolean {
    const isWithout = (types: readonly RrType[]): boolean => !types.includes(type) && !types.includes(TYPE.CNAME);
    const own = this.#types(name);
    if (own !== undefined) return isWithout(own);
    if (this.#nsec.some(({ next }) => isAtOrBelow(next, ownerKey(name))) && this.covers(name)) return true;
    const encloser = this.#encloser(name);
    const wildcard = encloser === undefined ? undefined : wildcardOf(encloser);
    if (encloser === undefined || wildcard === undefined || !this.covers(nextCloser(name, encloser))) return false;
    const types = this.#types(wildcard);
    return types !== undefined && isWithout(types);
  }

  /** Types at a name that the answer proves to exist. */
  #types(name: Name): readonly RrType[] | undefined {
    const key = ownerKey(name);
    const nsec = this.#nsec.find((each) => each.key === key);
    return nsec?.types ?? this.#nsec3.find(({ hash, rdata }) => hash === hashText(rdata, name))?.types;
  }

  /** The closest encloser of a name that is not there. */
  #encloser(name: Name): Name | undefined {
    for (let at = name; !equalNames(at, this.#apex);) {
      at = parentName(at);
      const key = ownerKey(at);
      const isThere = this.#nsec.some((each) => isAtOrBelow(each.key, key) || isAtOrBelow(each.next, key));
      if (isThere || this.#types(at) !== undefined) return at;
    }
    return undefined;
  }
}

/** The name itself, or the one above it that is directly below `encloser`. */
function nextCloser(name: Name, encloser: Name): Name {
  let at = name;
  while (!equalNames(parentName(at), encloser)) at = parentName(at);
  return at;
}

function hashText(nsec3: Uint8Array, name: Name): string {
  return textOf(hashName(nsec3Parameters(nsec3), name));
}

/** In hexadecimal: its order is that of the octets. */
function textOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}
