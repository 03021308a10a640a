/**
 * What may be asked of the register of mail signers, by administrators and by the signers themselves.
 * Not here: how it is done (control/signers/signers.ts), who may ask what (admin/http/access.ts).
 */
import { type ActorKind } from '#store/audit/entries.ts';
import { type Result } from '#base/problem.ts';

/** `fetch`: asks over HTTP. `files`: reads what is exported for it. `own-key`: makes its keys itself and gives us their public part. */
export type SignerDelivery = 'fetch' | 'files' | 'own-key';

/** Whose files are written. */
export type ExportForm = 'opendkim' | 'exim' | 'haraka';

export interface SignerFiles {
  readonly form: ExportForm;
  /** Absolute. */
  readonly folder: string;
  /** The same without links, as it was when the signer was registered; absent where an older version registered it. */
  readonly realFolder?: string;
  /** Program and arguments that run after an export, without a shell; empty: none. */
  readonly command: readonly string[];
}

export interface SignerRecord {
  readonly name: string;
  readonly delivery: SignerDelivery;
  /** Zones, as `formatName` has them, lower-case. */
  readonly domains: readonly string[];
  /** Networks that it may ask from. */
  readonly allow: readonly string[];
  /** Of delivery `files`. */
  readonly files?: SignerFiles;
  readonly createdAtMs: number;
}

/** A signer to be registered, as a request or a command line gives it. */
export interface SignerRequest {
  readonly name: string;
  readonly delivery: SignerDelivery;
  readonly domains: readonly string[];
  /** The machine itself unless given. */
  readonly allow?: readonly string[];
  readonly files?: { readonly form: ExportForm; readonly folder?: string; readonly command?: readonly string[] };
}

/** Who does it: as in the audit log. */
export interface SignerActor {
  readonly kind: ActorKind;
  readonly id: string;
  readonly from: string;
}

export interface SignerOptions {
  readonly actor: SignerActor;
  /** Decide only. */
  readonly dryRun: boolean;
}

/** How the files of a signer are. */
export interface ExportStatus {
  /** `waiting`: not yet written since the start. `failing`: the last try failed, what was there before is still there. */
  readonly state: 'waiting' | 'current' | 'failing';
  /** Folder of the files in use, below the signer's. */
  readonly version?: string;
  readonly exportedAtMs?: number;
  /** Why the last try failed. */
  readonly failure?: string;
  readonly nextTryAtMs?: number;
}

export interface SignerView extends SignerRecord {
  /** Ids of its tokens. */
  readonly tokens: readonly string[];
  /** Last time it was given keys, since the server started. */
  readonly fetchedAtMs?: number;
  readonly exported?: ExportStatus;
}

export interface AddedSigner {
  readonly signer: SignerView;
  /** Shown once. A signer that reads files needs none; a dry run makes none. */
  readonly token?: { readonly id: string; readonly secret: string };
}

export interface AddedPublicKey {
  readonly domain: string;
  /** To sign with, once it is active. A dry run gives none. */
  readonly selector?: string;
}

/** A key for a signer, in the form that `GET /v1/signers/{signer}/keys` has. */
export interface SignerKeyForm {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: string;
  /** base64, as in "p=". */
  readonly publicKey: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  readonly validFromSeconds: number;
  readonly validUntilSeconds?: number;
}

/** What a signer says that it signs with. Each selector speaks for its own algorithm; `isAll`: it signs with no other key of the domain. */
export interface SignerWord {
  readonly selectors: readonly string[];
  readonly isAll: boolean;
}

/** A signer asks for keys: which one, and from where. */
export interface SignerVisit {
  readonly signer: string;
  readonly actor: SignerActor;
  /** Address, or `unix`. */
  readonly from: string;
}

/**
 * One of `data.selectors` in an answer of Vault that rspamd reads. Times are seconds; a key is used from `valid_start` until before
 * `valid_end`.
 */
export interface RspamdSelector {
  readonly selector: string;
  readonly domain: string;
  readonly key: string;
  readonly alg: 'rsa' | 'ed25519';
  readonly valid_start: number;
  readonly valid_end?: number;
}

export interface SignersApi {
  list(): readonly SignerView[];
  find(name: string): SignerView | undefined;
  /** Registers a signer, with a token unless it reads files, whose folder is made. Warnings tell what is missing in the mail policies. */
  add(request: SignerRequest, options: SignerOptions): Promise<Result<AddedSigner>>;
  /** Takes it out of the register with its tokens. Files that were exported stay until the operator removes them. */
  remove(name: string, options: SignerOptions): Promise<Result<SignerView>>;
  /** A public key that the signer made; gives the selector to sign with. */
  addPublicKey(name: string, domain: string, publicKey: string, options: SignerOptions): Promise<Result<AddedPublicKey>>;
  /** Keys of all its domains, or of one. Written into the audit log once an hour for each key. */
  keys(visit: SignerVisit, domain?: string): Promise<Result<readonly SignerKeyForm[]>>;
  /** The same as rspamd reads it from a Vault; it asks for each message, so asking is signing. */
  rspamdKeys(visit: SignerVisit, domain: string): Promise<Result<readonly RspamdSelector[]>>;
  /** The signer says what it signs with now: active keys only. */
  acknowledge(visit: SignerVisit, domain: string, word: SignerWord, dryRun: boolean): Promise<Result<undefined>>;
  /** Writes its files now and runs its command, also when nothing changed. */
  exportNow(name: string, options: SignerOptions): Promise<Result<ExportStatus>>;
}
