/**
 * Tokens of the API as it shows and creates them: what each may do, and until when.
 * Not here: how they are stored (store/schema.ts), what each route asks for (admin/http/access.ts).
 */
import { type TokenGrant, type TokenPolicy } from '#store/schema.ts';

/**
 * `admin` may do everything but fetch private keys; `read` may GET; `zone:<name>` may read and change that zone;
 * `signer:<name>` may do what that signer may do.
 */
export type TokenScope = 'admin' | 'read' | `zone:${string}` | `signer:${string}`;

/** What a sender may do: each scope and each grant opens something, none closes anything. */
export interface Rights {
  readonly scopes: readonly TokenScope[];
  readonly grants: readonly TokenGrant[];
}

/** A token that is wanted. */
export interface NewToken extends Omit<Partial<TokenPolicy>, 'scopes'> {
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  readonly owner?: string;
  readonly expiresAtMs?: number;
}

/** A token that is not good. */
export interface RejectedToken {
  /** For the log of the server, never for the sender; absent: there is no such token. */
  readonly why?: string;
}

/** What may be shown of a token. */
export interface TokenInfo extends Rights, Omit<TokenPolicy, keyof Rights> {
  readonly id: string;
  readonly name: string;
  readonly owner?: string;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly lastUsedAtMs?: number;
}
