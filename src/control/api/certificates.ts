/** What may be asked of the certificates of a zone's hosts: commands, and how they stand. */
import { type Name } from '#dns/name.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { type CertificateResult } from '#certificate/results.ts';
import { type SecretWrite } from '#store/writer.ts';
import { type HostCertificate } from '#store/tls/host-certificate.ts';

export type CertificateCommand =
  /**
   * The host is to have a certificate, whatever else wants one. `isForced`: even if resolvers do not find this server
   * for the zone.
   */
  | { readonly kind: 'certificate.want'; readonly zone: Name; readonly host: string; readonly isForced?: boolean }
  /** The word of `certificate.want` is taken back. */
  | { readonly kind: 'certificate.unwant'; readonly zone: Name; readonly host: string }
  /** A new certificate is ordered now; the one in use stays until then. */
  | { readonly kind: 'certificate.renew'; readonly zone: Name; readonly host: string; readonly isForced?: boolean }
  /** What came back from CAs and was seen is taken in, with the sealed keys of new orders. */
  | {
      readonly kind: 'certificate.take';
      readonly zone: Name;
      readonly results: readonly CertificateResult[];
      readonly observations: readonly LifecycleObservation[];
      readonly secrets: readonly SecretWrite[];
    }
  /** A certificate from a file of the operator becomes that of its host. */
  | {
      readonly kind: 'certificate.install';
      readonly zone: Name;
      readonly certificate: HostCertificate;
      /** The sealed private key. */
      readonly secret: SecretWrite;
    };

/** How the certificate of a host stands. Times are wall times. */
export interface CertificateView {
  /** Lower case, no last dot. */
  readonly host: string;
  /** Why it has one; absent: nothing wants it any more. */
  readonly reason?: string;
  /** Stage of the certificate in use, else of the one to come; `none` for one that is not a CA's. */
  readonly stage: string;
  /** What is served now; absent: nothing. */
  readonly served?: HostCertificate;
  readonly issuer?: string;
  readonly serial?: string;
  /** URL of the directory of the CA that it came from. */
  readonly directory?: string;
  readonly renewal?: { readonly atMs: number; readonly isSuggested: boolean; readonly explanationUrl?: string };
  /** Stage of the one to come. */
  readonly coming?: string;
  /** What stands in the way, since when, and when it is tried again. */
  readonly failure?: {
    readonly code: string;
    readonly message: string;
    readonly fix?: string;
    readonly sinceMs: number;
    readonly retryAtMs?: number;
  };
  /** All of it for people. */
  readonly lines: readonly string[];
}

/** One host's certificate in short. Wall times. */
export interface CertificateBrief {
  /** Absolute. */
  readonly zone: string;
  /** Lower case, no last dot. */
  readonly host: string;
  /** Of what is served; absent: nothing is. */
  readonly notAfterMs?: number;
  /** Why the next step does not succeed now. */
  readonly trouble?: { readonly code: string; readonly message: string; readonly retryAtMs?: number };
}

/** The certificates of all zones in short. */
export interface CertificateSummary {
  /** Hosts that have one. */
  readonly count: number;
  /** Hosts whose next step does not succeed now, or whose certificate has ended. */
  readonly inTrouble: number;
  readonly nextExpiryMs?: number;
  /** Those in trouble first, then those that end first. */
  readonly first: readonly CertificateBrief[];
  /** There are more zones than are looked at. */
  readonly isPartial: boolean;
}
