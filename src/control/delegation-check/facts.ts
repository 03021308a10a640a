/**
 * What is seen of a zone's delegation: by the zone, by each address of its name servers, by each server of the parent.
 * Not here: looking (look.ts), what the facts mean (judge.ts).
 */

/** Absolute, in lower case, with the last dot. */
export type HostText = string;

/** One address of one name server of the zone. */
export interface ServerFacts {
  readonly host: HostText;
  readonly ip: string;
  /** Over UDP with EDNS and DO, the zone's SOA. */
  readonly udp: SoaFacts | Failed;
  readonly tcp: SoaFacts | Failed;
  /** Its NS records of the zone, sorted. */
  readonly ns: readonly HostText[] | Failed;
  /** Octets of its DNSKEY records as one text, sorted; empty: it has none. */
  readonly keys: string | Failed;
}

export interface SoaFacts {
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly isRecursive: boolean;
  readonly hasEdns: boolean;
  /** Undefined: the answer has no SOA. */
  readonly serial: number | undefined;
  readonly isSigned: boolean;
}

export interface Failed {
  readonly failure: string;
}

export interface HostFacts {
  readonly host: HostText;
  /** Below the zone: the parent needs its addresses. */
  readonly needsGlue: boolean;
  /** Those that were asked, sorted. */
  readonly addresses: readonly string[];
  /** Those that no resolver outside can reach: they were not asked. */
  readonly inside?: readonly string[];
  /** Those past the most that are asked. */
  readonly unasked?: readonly string[];
  /** Why there are none. */
  readonly why?: string;
  /** Why there may be others: a family could not be looked up. */
  readonly failure?: string;
}

/** What one server of the parent says when it is asked for the zone's NS records. */
export interface ParentFacts {
  readonly place: string;
  readonly said: ReferralFacts | Failed;
}

export interface ReferralFacts {
  /** Empty: the zone is not delegated there. */
  readonly ns: readonly HostText[];
  /** Addresses by host, sorted. */
  readonly glue: Readonly<Record<HostText, readonly string[]>>;
}

export interface DelegationFacts {
  readonly zone: HostText;
  readonly isSigned: boolean;
  /** Of the zone here, sorted. */
  readonly ns: readonly HostText[];
  /** Of them, those past the most that are asked: they are not among `hosts`. */
  readonly nsUnasked?: readonly HostText[];
  readonly serial: number;
  readonly hosts: readonly HostFacts[];
  readonly servers: readonly ServerFacts[];
  readonly parent: readonly ParentFacts[];
}

export function isFailed(facts: object): facts is Failed {
  return 'failure' in facts;
}
