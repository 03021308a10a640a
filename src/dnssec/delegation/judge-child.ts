/**
 * What a parent does with the CDS and CDNSKEY records of a child, as all of the child's name servers give them out.
 * Pure: nothing is asked here.
 * Implements: RFC 7344 §4.1 (signed by a key of the DS, nothing that breaks the delegation), §6.2 (an older set
 * replaces no newer one), RFC 8078 §4 (delete), RFC 9615 §4.2 (the first DS), RFC 9975 §3.1 (all servers, CDS with
 * CDNSKEY).
 * Not here: asking (control/delegation/child-look.ts), signals of a first DS (control/delegation/signals.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { CHILD_CDS_MAX, CHILD_KEYS_MAX, CHILD_VERIFICATIONS_MAX } from '#base/limits/dnssec.ts';
import { type Name, equalNames, labelCount } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type Rrset, sortRdatas, isSameSet } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { secondsBetween, rrsigFields } from '#dnssec/sign.ts';
import { verifyRrset } from '#dnssec/verify.ts';
import { type SignatureCheck, checkByEngine } from '#dnssec/algorithm.ts';
import { CDNSKEY_DELETE, CDS_DELETE, dsRdata } from '#dnssec/ds.ts';
import { keyTagOf } from '#dnssec/key.ts';

/** An RRset as a server gave it out; no records: there is none. */
export interface SignedRecords {
  readonly ttl: number;
  readonly rdatas: readonly Uint8Array[];
  /** RDATA of RRSIGs over it. */
  readonly signatures: readonly Uint8Array[];
}

/** What one name server of the child says. */
export interface ChildAnswer {
  readonly place: string;
  readonly cds: SignedRecords;
  readonly cdnskey: SignedRecords;
  readonly dnskey: SignedRecords;
}

export interface ChildInput {
  readonly child: Name;
  /** DS RDATA that the parent has. */
  readonly ds: readonly Uint8Array[];
  /** Of every name server. */
  readonly answers: readonly ChildAnswer[];
  readonly nowSeconds: number;
  /** Inception of the signatures over the set that was taken last, a time on a circle. */
  readonly takenInception?: number | undefined;
  readonly check?: SignatureCheck;
}

export type ChildVerdict =
  /** Nothing is asked for. */
  | { readonly kind: 'none' | 'same'; readonly text: string }
  /** This DS RRset is asked for; empty: none. A `first` one counts only when the child's signals say the same. */
  | {
      readonly kind: 'change' | 'first';
      readonly ds: readonly Uint8Array[];
      readonly inception: number;
      readonly text: string;
    }
  /** It cannot be done, or not yet; the delegation stays as it is. */
  | { readonly kind: 'held'; readonly text: string };

const held = (text: string): ChildVerdict => ({ kind: 'held', text });

export function judgeChild(input: ChildInput): ChildVerdict {
  const { child, ds, answers, takenInception } = input;
  const [first] = answers;
  if (first === undefined) return held('the child has no name server that can be asked');
  const unequal = inconsistency(answers);
  if (unequal !== undefined) return held(unequal);
  if (first.cds.rdatas.length + first.cdnskey.rdatas.length === 0)
    return { kind: 'none', text: 'the child has no CDS and no CDNSKEY' };
  const wanted = wantedDs(child, first);
  if (typeof wanted === 'string') return held(wanted);
  if (isSameSet(wanted, ds)) return { kind: 'same', text: 'the DS records are those that CDS asks for' };
  const checks = new Checks(input);
  const isFirst = ds.length === 0;
  let inception: number | undefined;
  for (const answer of answers) {
    const trusted = trustedKeys(child, answer.dnskey, isFirst ? wanted : ds);
    const why =
      checks.wrongKeySet(answer, trusted) ??
      checks.wrongRequest(answer, trusted) ??
      (wanted.length === 0 ? undefined : checks.wrongContinuity(answer, wanted));
    if (why !== undefined) return held(`${answer.place}: ${why}`);
    inception = oldest(inception, checks.requestInception(answer));
  }
  if (takenInception !== undefined && inception !== undefined && secondsBetween(takenInception, inception) < 0)
    return held('its CDS or CDNSKEY is older than the set that was taken last (RFC 7344 §6.2)');
  const text = wanted.length === 0 ? 'no DS any more' : `DS of key ${[...new Set(wanted.map(tagOfDs))].join(', ')}`;
  return { kind: isFirst ? 'first' : 'change', ds: wanted, inception: inception ?? 0, text };
}

/** RFC 9975 §3.1: what differs between servers; undefined: nothing. */
function inconsistency(answers: readonly ChildAnswer[]): string | undefined {
  const [first, ...others] = answers;
  for (const [type, limit, of] of [
    [TYPE.CDS, CHILD_CDS_MAX, (each: ChildAnswer) => each.cds],
    [TYPE.CDNSKEY, CHILD_CDS_MAX, (each: ChildAnswer) => each.cdnskey],
    [TYPE.DNSKEY, CHILD_KEYS_MAX, (each: ChildAnswer) => each.dnskey],
  ] as const) {
    const many = answers.find((each) => of(each).rdatas.length > limit);
    if (many !== undefined)
      return `${many.place} has ${of(many).rdatas.length} ${typeName(type)} records, more than are looked at`;
    if (type === TYPE.DNSKEY) continue;
    const other = others.find((each) => !isSameSet(of(each).rdatas, of(first!).rdatas));
    if (other !== undefined)
      return `${other.place} has other ${typeName(type)} records than ${first!.place} (RFC 9975 §3.1)`;
  }
  return undefined;
}

/** The DS RRset that is asked for; or what is wrong with the request. */
function wantedDs(child: Name, { cds, cdnskey }: ChildAnswer): readonly Uint8Array[] | string {
  const deletes = [...cds.rdatas.map((each) => isDelete(each, CDS_DELETE)), ...cdnskey.rdatas.map(isKeyDelete)];
  if (deletes.includes(true)) {
    // RFC 8078 §4: it stands alone.
    const isAlone = deletes.every(Boolean) && cds.rdatas.length <= 1 && cdnskey.rdatas.length <= 1;
    return isAlone ? [] : 'a request for no DS does not stand alone (RFC 8078 §4)';
  }
  const usable = cds.rdatas.filter((rdata) => rdata[3] === 2 || rdata[3] === 4);
  if (cds.rdatas.length > 0 && usable.length === 0) return 'CDS has no digest of type 2 or 4 (RFC 9905)';
  if (cds.rdatas.length === 0) return cdnskey.rdatas.map((key) => dsRdata(child, key, 2));
  if (cdnskey.rdatas.length === 0) return usable;
  // RFC 7344 §4: both are about the same keys.
  const isOf = (digest: Uint8Array, key: Uint8Array): boolean => isDigestOf(child, key, digest);
  const isWhole =
    usable.every((digest) => cdnskey.rdatas.some((key) => isOf(digest, key))) &&
    cdnskey.rdatas.every((key) => usable.some((digest) => isOf(digest, key)));
  return isWhole ? usable : 'CDS and CDNSKEY are not about the same keys (RFC 7344 §4)';
}

/** Keys of the child's DNSKEY RRset that a DS is of. */
function trustedKeys(child: Name, dnskey: SignedRecords, ds: readonly Uint8Array[]): readonly Uint8Array[] {
  const isZoneKey = (key: Uint8Array): boolean => (key[0]! & 1) === 1 && key[2] === 3;
  return dnskey.rdatas.filter((key) => isZoneKey(key) && ds.some((each) => isDigestOf(child, key, each)));
}

/** The checks of one look: so many signatures and no more, whatever a child sends (KeyTrap, CVE-2023-50387). */
class Checks {
  readonly #input: ChildInput;
  readonly #known = new Map<string, boolean>();
  #left = CHILD_VERIFICATIONS_MAX;

  constructor(input: ChildInput) {
    this.#input = input;
  }

  /** RFC 4035 §5.2: the DNSKEY RRset is signed by a key that the DS names. */
  wrongKeySet({ dnskey }: ChildAnswer, trusted: readonly Uint8Array[]): string | undefined {
    if (trusted.length === 0) return 'no DNSKEY is one that the DS names';
    return this.#isSigned(TYPE.DNSKEY, dnskey, trusted) ? undefined : this.#unsigned('DNSKEY');
  }

  /** RFC 7344 §4.1: CDS and CDNSKEY are signed by such a key. */
  wrongRequest({ cds, cdnskey }: ChildAnswer, trusted: readonly Uint8Array[]): string | undefined {
    if (cds.rdatas.length > 0 && !this.#isSigned(TYPE.CDS, cds, trusted)) return this.#unsigned('CDS');
    return cdnskey.rdatas.length === 0 || this.#isSigned(TYPE.CDNSKEY, cdnskey, trusted)
      ? undefined
      : this.#unsigned('CDNSKEY');
  }

  /**
   * RFC 7344 §4.1: the new DS RRset does not break the delegation. RFC 6840 §5.11: it leads to the DNSKEY RRset by each
   * algorithm that it has.
   */
  wrongContinuity({ dnskey }: ChildAnswer, ds: readonly Uint8Array[]): string | undefined {
    for (const algorithm of new Set(ds.map((each) => each[2]!))) {
      const ofAlgorithm = ds.filter((each) => each[2] === algorithm);
      const keys = trustedKeys(this.#input.child, dnskey, ofAlgorithm);
      if (keys.length > 0 && this.#isSigned(TYPE.DNSKEY, dnskey, keys)) continue;
      return `its new DS would break the delegation: no key of it with algorithm ${algorithm} signs DNSKEY`;
    }
    return undefined;
  }

  /** The oldest of the signatures that count: each RRset's newest. */
  requestInception({ cds, cdnskey }: ChildAnswer): number | undefined {
    const newest = ({ signatures }: SignedRecords): number | undefined =>
      signatures
        .map((rrsig) => rrsigFields(rrsig).inception)
        .reduce<number | undefined>(
          (found, each) => (found === undefined || secondsBetween(found, each) > 0 ? each : found),
          undefined,
        );
    return oldest(newest(cds), newest(cdnskey));
  }

  #unsigned(type: string): string {
    if (this.#left <= 0) return `it needs more than ${CHILD_VERIFICATIONS_MAX} signatures to be checked`;
    return `${type} is not signed by a key that the DS names`;
  }

  #isSigned(type: RrType, { ttl, rdatas, signatures }: SignedRecords, keys: readonly Uint8Array[]): boolean {
    const { child } = this.#input;
    for (const rrsig of signatures) {
      const { algorithm, keyTag, originalTtl, labels, signer } = rrsigFields(rrsig);
      // RFC 4035 §5.3.1: by the zone itself, and not out of a wildcard.
      if (!equalNames(signer, child) || labels !== labelCount(child)) continue;
      const rrset = { owner: child, type, ttl: Math.min(ttl, originalTtl), rdatas: sortRdatas(type, rdatas) };
      const candidates = keys.filter((key) => key[3] === algorithm && keyTagOf(key) === keyTag);
      if (candidates.some((key) => this.#verify(rrset, rrsig, key))) return true;
    }
    return false;
  }

  /** Each signature over the same octets once, whichever servers give it out. */
  #verify(rrset: Rrset, rrsig: Uint8Array, key: Uint8Array): boolean {
    const id = [...rrset.rdatas, rrsig, key].map((each) => Buffer.from(each).toString('latin1')).join('\0\0');
    const known = this.#known.get(id);
    if (known !== undefined || this.#left <= 0) return known ?? false;
    this.#left -= 1;
    const { nowSeconds, check = checkByEngine } = this.#input;
    const isGood = verifyRrset(rrset, rrsig, [key], nowSeconds, check) === undefined;
    this.#known.set(id, isGood);
    return isGood;
  }
}

function oldest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return secondsBetween(a, b) < 0 ? b : a;
}

function isDigestOf(child: Name, key: Uint8Array, ds: Uint8Array): boolean {
  const digestType = ds[3];
  const isCandidate = key[3] === ds[2] && keyTagOf(key) === tagOfDs(ds);
  return isCandidate && (digestType === 2 || digestType === 4) && equalBytes(dsRdata(child, key, digestType), ds);
}

function tagOfDs(ds: Uint8Array): number {
  return (ds[0]! << 8) | ds[1]!;
}

function isKeyDelete(rdata: Uint8Array): boolean {
  return isDelete(rdata, CDNSKEY_DELETE);
}

/** By the algorithm 0, whatever else stands there (RFC 8078 §4 and its erratum on the form of the rest). */
function isDelete(rdata: Uint8Array, form: Uint8Array): boolean {
  const at = form === CDS_DELETE ? 2 : 3;
  return rdata[at] === 0;
}
