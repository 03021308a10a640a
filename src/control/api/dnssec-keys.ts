/** What may be asked about keys that come from elsewhere and go there. Types only. */
import { type ActorKind } from '#store/audit/entries.ts';
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type GivenKey } from '#dnssec/key-files/key-import.ts';
import { type ZoneRecord } from '#store/schema.ts';

export type DnssecKeysCommand =
  /**
   * Signs the zone with keys that it brings, at once. Of a zone that is signed already with `isReplacing`, when no DS
   * at the parent is of the keys that it has.
   */
  | {
      readonly kind: 'dnssec.import';
      readonly zone: Name;
      readonly keys: readonly GivenKey[];
      /** DNSKEY records of others that stay published. */
      readonly published: readonly string[];
      /**
       * The zone's policy becomes that of the keys; false: it stays, and rollovers lead to it. Absent: it becomes
       * that, unless it was set.
       */
      readonly isPolicyTaken?: boolean;
      readonly areTimesIgnored: boolean;
      readonly isReplacing: boolean;
      /** What the parent says, or that it says nothing, does not stop it. */
      readonly isParentIgnored: boolean;
      /** TTL that the DNSKEY RRset had where the zone was. */
      readonly ttlSeconds?: number;
    }
  /** DNSKEY records of other signers of the zone: put beside our own, and taken away by tag. */
  | {
      readonly kind: 'dnssec.foreign';
      readonly zone: Name;
      readonly add: readonly string[];
      /** CDS and CDNSKEY ask the parent for those with the secure entry point bit. */
      readonly isAnnounced: boolean;
      readonly remove: readonly number[];
    };

/** Private keys, sealed to a recipient: safe to send and to keep. */
export interface SealedKeys {
  readonly format: 'waxseal-dnssec-keys';
  readonly version: 1;
  /** Whose keys these are. Authenticated. */
  readonly zone: string;
  readonly keyTags: readonly number[];
  /** X25519 public keys, base64: the recipient's, and one that was made for this. */
  readonly recipient: string;
  readonly ephemeral: string;
  /** Base64. */
  readonly nonce: string;
  readonly sealed: string;
}

/** One key, when the recipient has opened the seal. */
export interface OpenedKey {
  readonly role: string;
  readonly state: string;
  readonly algorithm: number;
  readonly flags: number;
  readonly keyTag: number;
  /** Wall time, seconds. */
  readonly createdSeconds: number;
  /** The DNSKEY record. */
  readonly publicKey: string;
  /** BIND's form, v1.3. */
  readonly privateKey: string;
}

export interface KeyExportOptions {
  /** Who asks, for the audit log. */
  readonly actor: { readonly kind: ActorKind; readonly id: string; readonly from: string };
  /** Decide only. */
  readonly dryRun: boolean;
}

export interface DnssecKeysApi {
  /** Every private key of the zone, sealed to `recipient` (X25519, 32 octets). Written into the audit log first. */
  export(record: ZoneRecord, recipient: Uint8Array, options: KeyExportOptions): Promise<Result<SealedKeys>>;
}
