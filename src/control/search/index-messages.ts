/** What the control process and the process of the index say to each other. Plain data. */
import { type IndexAnswer, type IndexQuestion } from '#control/api/search.ts';
import { type ContentIndexState } from './content-index.ts';

export interface IndexOrder {
  readonly id: number;
  readonly question: IndexQuestion;
  /** Zones whose ALIAS records may have changed since the order before. */
  readonly aliasZones: readonly number[];
}

export type IndexReply =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: IndexAnswer }
  /** How far it is. */
  | { readonly kind: 'state'; readonly state: ContentIndexState };
