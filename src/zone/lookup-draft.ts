/**
 * An answer of the oracle while it is put together, and the trace that explains it (`waxseal query --trace`).
 * Not here: the rules (lookup.ts).
 */
import { type SignedRrset } from '#dns/rrset.ts';
import { RCODE, type RrType } from '#dns/types.ts';
import { type ZoneSet } from './served.ts';
import { type NodeRrset } from './view.ts';

/** One decision on the way to an answer. */
export interface Step {
  /** The document and section that rules it. */
  readonly rule: string;
  /** What was found and what follows, one sentence. */
  readonly text: string;
}

/** Sections in the making; what becomes of them is a `Response`. */
export interface Draft {
  readonly zones: ZoneSet;
  readonly type: RrType;
  readonly dnssecOk: boolean;
  rcode: number;
  /** CNAMEs that DNAMEs made. */
  dnameSteps: number;
  authoritative: boolean;
  readonly answer: SignedRrset[];
  readonly authority: SignedRrset[];
  readonly requiredGlue: SignedRrset[];
  readonly additional: SignedRrset[];
  ede?: { readonly code: number; readonly text: string };
  readonly steps: Step[];
  /** NSEC records that are in `authority`, as `zone owner`. */
  readonly proofs: Set<string>;
}

export function newDraft(zones: ZoneSet, type: RrType, dnssecOk: boolean): Draft {
  return {
    zones,
    type,
    dnssecOk,
    rcode: RCODE.NOERROR,
    dnameSteps: 0,
    authoritative: false,
    answer: [],
    authority: [],
    requiredGlue: [],
    additional: [],
    steps: [],
    proofs: new Set(),
  };
}

export function note(draft: Draft, rule: string, text: string): void {
  draft.steps.push({ rule, text });
}

/** `rrset` with its signatures when they were asked for (RFC 4035 §3.1: only with DO), else without. */
export function signedFor(draft: Draft, rrset: NodeRrset): Omit<SignedRrset, 'owner'> {
  const { type, ttl, rdatas, signatures } = rrset;
  return { type, ttl, rdatas, signatures: draft.dnssecOk ? signatures : [] };
}
