/** What is asked about ALIAS records. Types only. */
import { type Name } from '#dns/name.ts';
import { type AliasLook } from '#zone/alias/alias.ts';

/** The addresses of ALIAS records follow what their targets were seen to have. */
export interface AliasCommand {
  readonly kind: 'alias.take';
  readonly zone: Name;
  readonly looks: readonly TakenLook[];
}

export interface TakenLook {
  /** As the ALIAS had them when the look began. */
  readonly owner: string;
  readonly target: string;
  readonly look: AliasLook;
}
