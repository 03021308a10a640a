/**
 * All that is remembered of the certificates of one zone's hosts: JSON with a version, in one document that changes in
 * the transaction
 * of what it led to. Counted time (lifecycle/timeline.ts) unless a field says wall time.
 * Not here: how it changes (step.ts, results.ts), the certificate that is served (store/tls/host-certificate.ts).
 */
import { type ProblemCode } from '#base/problem-codes.ts';
import { type LifecycleObject, type LifecycleState, newLifecycle } from '#lifecycle/state.ts';
import { type LivesState } from '#lifecycle/lives.ts';
import { type RenewalWindow } from './ari.ts';
import { COMING } from './machine.ts';
import { type Validity } from './renewal.ts';

/** What a CA wants to see. */
export interface OrderChallenge {
  readonly url: string;
  /** Text of the TXT record. */
  readonly value: string;
}

/** An order that the CA has taken, stored before the CA is asked for the next step. */
export interface CertificateOrder {
  /** URL of the CA's directory. */
  readonly directory: string;
  readonly url: string;
  readonly authorization: string;
  /** When the CA forgets it. */
  readonly expiresAtMs: number;
  /** Of the private key that it is for, which is a secret of the zone. */
  readonly keyVersion: number;
  readonly challenge?: OrderChallenge;
  /** The CA remembers the host and wants to see nothing. */
  readonly isAuthorized?: true;
}

/** A certificate that came; `pem` is there until it is installed. Validity is wall time. */
export interface IssuedCertificate extends Validity {
  readonly directory: string;
  readonly keyVersion: number;
  readonly serial: string;
  readonly issuer: string;
  readonly ariId?: string;
  readonly pem?: string;
  /** SHA-256 of each certificate of the chain, hexadecimal, the host's own first; there from the installation on. */
  readonly chain?: readonly string[];
}

/** Why it does not continue. */
export interface CertificateFailure {
  readonly code: ProblemCode;
  readonly message: string;
  readonly fix?: string;
  readonly sinceMs: number;
}

/** How often a directory was asked in vain, and until when it is left alone. */
export interface DirectoryTries {
  readonly failures: number;
  readonly retryAtMs: number;
}

export interface Renewal {
  /** Wall time. */
  readonly atMs: number;
  /** What the CA suggests; absent: it suggests nothing. Wall times. */
  readonly window?: RenewalWindow;
  /** When the CA is asked again. */
  readonly nextLookMs?: number;
}

export interface CertificateData {
  readonly host: string;
  readonly order?: CertificateOrder;
  readonly issued?: IssuedCertificate;
  readonly failure?: CertificateFailure;
  /** The CA is not asked before. */
  readonly retryAtMs?: number;
  /** Tries of the present order that had no answer. */
  readonly tries?: number;
  /** By URL of the directory. */
  readonly directories?: Readonly<Record<string, DirectoryTries>>;
  /** Of the certificate in use (RFC 9773 §5). */
  readonly replaces?: string;
  /** By order, whatever resolvers say about the delegation. */
  readonly isForced?: true;
  /** Of one in use. */
  readonly renewal?: Renewal;
  /** There was an alert that it ends soon. */
  readonly isAlarmed?: true;
  /** There was an alert that the policy host does not serve it. */
  readonly isUnserved?: true;
}

export type CertificateObject = LifecycleObject<CertificateData>;

/** A host that the operator named. */
export interface Wish {
  readonly host: string;
  readonly atMs: number;
  readonly isForced?: true;
}

export interface CertificatesState extends LivesState {
  readonly version: 1;
  readonly lifecycle: LifecycleState<CertificateData>;
  readonly wishes: readonly Wish[];
  /** Objects made so far; their ids count. */
  readonly count: number;
  /** Owners of challenges that stand in the zone, absolute. */
  readonly published: readonly string[];
  /** Certificates that came and are not wanted any more, while records of their keys stand. */
  readonly lost?: readonly LostCertificate[];
}

export interface LostCertificate {
  readonly host: string;
  readonly pem: string;
}

export function newCertificatesState(): CertificatesState {
  return { version: 1, lifecycle: newLifecycle(), wishes: [], count: 0, published: [], serials: {} };
}

/** The certificate of the host that is not there yet. */
export function comingCertificate({ lifecycle }: CertificatesState, host: string): CertificateObject | undefined {
  return lifecycle.objects.find(({ stage, group }) => group === host && COMING.includes(stage));
}

export function currentCertificate({ lifecycle }: CertificatesState, host: string): CertificateObject | undefined {
  const ofHost = lifecycle.objects.filter(({ group }) => group === host);
  return ofHost.findLast(({ stage }) => stage === 'installed') ?? ofHost.find(({ stage }) => stage === 'in-use');
}
