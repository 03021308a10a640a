/**
 * Answers to changes that were sent with an Idempotency-Key, as the store keeps them.
 * Not here: how they are sealed (admin/idempotency/).
 */
import { type Result } from '#base/problem.ts';
import { type ActorKind } from '#store/audit/entries.ts';

/** A request by its sender and its key. */
export interface KeyedRequest {
  /** Hash of sender and key. */
  readonly id: string;
  /** Hash of method, URL and body. */
  readonly fingerprint: string;
  readonly actor: { readonly kind: ActorKind; readonly id: string; readonly from: string };
}

/** What is known of a request with the key of one that came before. */
export type KnownRequest =
  | { readonly kind: 'other' }
  | { readonly kind: 'under-way' }
  /** The server stopped, or failed, before there was an answer. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'answered'; readonly sealed: string | undefined };

export interface KeptAnswersApi {
  /** Undefined: it is the first with its key, which is written down; `finish` or `forget` follows. */
  begin(request: KeyedRequest): Promise<Result<KnownRequest | undefined>>;
  /** Keeps the answer, sealed; undefined: only that there was one. */
  finish(request: KeyedRequest, sealed: string | undefined): Promise<void>;
  /** Nothing was changed: the next request with the key is carried out. */
  forget(request: KeyedRequest): Promise<void>;
  /** It is not known whether anything was changed. */
  abandon(request: KeyedRequest): void;
}
