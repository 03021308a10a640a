/**
 * What was seen of a zone from outside, and what the zone here says beside it. Data only: what it means is judged apart
 * from looking, so that each fault can be tried without a network.
 * Not here: looking (look.ts), judging (judge.ts).
 */
import { type PublicIssuer } from '#certificate/public-cas.ts';
import { type Name } from '#dns/name.ts';
import { type SectionRecord } from '#dns/reply-sections.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { type RrType } from '#dns/types.ts';
import { type HostSeen } from '#mail/dane/live.ts';
import { type DmarcDiscovery } from '#mail/dmarc/discovery.ts';
import { type SpfTree } from '#mail/spf/tree.ts';
import { type DelegationFacts } from '#control/delegation-check/facts.ts';
import { type ParentLook } from '#control/dnssec/parent.ts';

/** The zone as it is served here. */
export interface MeantFacts {
  readonly zone: Name;
  readonly isSigned: boolean;
  /** When the look began: what is compared is of this version. */
  readonly serial: number;
  /** Others that a server may have: the one after the look, and those that the zone left just before. */
  readonly otherSerials: readonly number[];
  /** Base64 of the DNSKEY of each key that may have a DS, those of other signers too. */
  readonly keys: readonly { readonly dnskey: string }[];
  /** Signatures are renewed with this left. */
  readonly refreshSeconds: number;
  readonly selectors: readonly MeantSelector[];
  /** RRsets that name servers are compared by. */
  readonly rrsets: readonly RrsetFacts[];
  /** There are more than are compared. */
  readonly isCut: boolean;
}

export interface MeantSelector {
  readonly selector: string;
  /** Text of the record here; absent: the name is an alias that leads elsewhere. */
  readonly text?: string;
}

export interface RrsetFacts {
  readonly owner: Name;
  readonly type: RrType;
  /** In canonical form, sorted as hexadecimal. */
  readonly rdatas: readonly Uint8Array[];
}

/** One question to one name server. */
export type ServedReply =
  | { readonly failure: string }
  | { readonly rcode: number; readonly isAuthoritative: boolean; readonly records: readonly SectionRecord[] };

/** What one address of one name server answers, as a validator and as a comparison with the zone here need it. */
export interface ServedFacts {
  readonly host: string;
  readonly ip: string;
  readonly keys: ServedReply;
  readonly soa: ServedReply;
  /** A name by chance, which does not exist, and its reply. */
  readonly missing: { readonly name: Name; readonly reply: ServedReply };
  /** As `rrsets` of MeantFacts, in their order; fewer when it stopped answering. */
  readonly rrsets: readonly ServedReply[];
}

export interface DkimFacts {
  /** Of the name `_domainkey`. */
  readonly tree: ResolverAnswer;
  readonly selectors: readonly { readonly meant: MeantSelector; readonly answer: ResolverAnswer }[];
}

export interface DmarcFacts {
  /** TXT of `_dmarc` at the domain itself. */
  readonly own: ResolverAnswer;
  readonly discovery: DmarcDiscovery;
  /** Hosts outside that reports go to, and whether they take them. */
  readonly consents: readonly { readonly host: string; readonly kind: 'authorized' | 'refused' | 'error' }[];
}

/** What was fetched, or why not. `step` as in ProbeFailure. */
export type Fetched<T> = { readonly octets: T } | { readonly failure: string; readonly step: string };

export interface StsFacts {
  readonly record: ResolverAnswer;
  /** Absent: there is no record, so no sender fetches. */
  readonly body?: Fetched<string> | undefined;
  /** When the first certificate of the policy host ends, wall time. */
  readonly certificateEndsMs?: number | undefined;
}

export interface BimiFacts {
  readonly record: ResolverAnswer;
  readonly logo?: Fetched<Uint8Array> | undefined;
  readonly evidence?: Fetched<Uint8Array> | undefined;
}

/** A host that the MX records name. */
export interface MailHostFacts {
  /** Absolute, lower case. */
  readonly host: string;
  /** At or below the zone. */
  readonly isOwn: boolean;
  readonly isAlias: boolean;
  /** Sorted. */
  readonly addresses: readonly string[];
  /** Of them, those that hosts outside cannot reach. */
  readonly inside: readonly string[];
  /** Why there may be others. */
  readonly failure?: string | undefined;
  /** Names of its addresses, of own hosts. */
  readonly names: readonly AddressNames[];
  /** Absent: it was not looked at, because this server does not, or because there are too many. */
  readonly seen?: HostSeen | undefined;
  readonly tlsa: ResolverAnswer;
  /** Public CAs that its certificates are from, of own hosts. */
  readonly issuers: readonly IssuerFacts[];
}

/** A public CA, and the CAA records that count for its certificate. */
export interface IssuerFacts extends PublicIssuer {
  readonly caa: CaaFacts;
}

export interface AddressNames {
  readonly ip: string;
  /** What its PTR records say; absolute, lower case. */
  readonly answer: ResolverAnswer;
  /** Of them, those that have the address. */
  readonly confirmed: readonly string[];
}

/** A host with TLSA records for HTTPS, or one that CAA records count for. */
export interface WebHostFacts {
  readonly host: string;
  readonly tlsa: ResolverAnswer;
  readonly seen?: HostSeen | undefined;
  readonly issuers: readonly IssuerFacts[];
}

export interface MailFacts {
  readonly mx: ResolverAnswer;
  /** True when the domain itself has an address. */
  readonly hasAddress: boolean;
  readonly hosts: readonly MailHostFacts[];
  /** Past the most that are looked at. */
  readonly unasked: readonly string[];
}

export interface CaaFacts {
  /** Where the relevant set is; absent: there is none. */
  readonly owner?: string;
  readonly rdatas: readonly Uint8Array[];
  /** Why it is not known. */
  readonly failure?: string;
}

export interface DoctorFacts {
  /** Wall time. */
  readonly nowMs: number;
  readonly meant: MeantFacts;
  readonly delegation: DelegationFacts;
  readonly parentDs: readonly ParentLook[];
  readonly served: readonly ServedFacts[];
  /** SOA of the zone by the resolver. */
  readonly resolved: ResolverAnswer;
  readonly spf: SpfTree;
  readonly dkim: DkimFacts;
  readonly dmarc: DmarcFacts;
  readonly sts: StsFacts;
  readonly tlsRpt: ResolverAnswer;
  readonly bimi: BimiFacts;
  readonly mail: MailFacts;
  readonly web: readonly WebHostFacts[];
  readonly caa: CaaFacts;
}
