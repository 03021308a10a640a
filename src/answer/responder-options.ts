/** What a responder (respond.ts) takes, all of it optional. */
import { type NegativeLimits } from '#answer/names/negative.ts';
import { type SelectorCounts } from '#answer/count/selector-counts.ts';
import { type ZoneTimes } from '#answer/names/zone-version.ts';
import { type AnswerOptionsSettings } from '#answer/write/answer-options.ts';
import { type Defences } from './admission.ts';
import { type LaterByOpcode } from './later-answer.ts';
import { type SignedAnswers } from './signed-answers.ts';

export interface ResponderOptions extends AnswerOptionsSettings, ZoneTimes {
  /** ANSWER_SLOT_COUNT slots to count in; absent: own ones that no other code reads. */
  readonly counters?: Float64Array;
  /** Cookies and rate limits; absent: every query is answered alike. */
  readonly defences?: Defences;
  /** Octets for finished answers; absent: a few; 0: none. */
  readonly cacheBytes?: number;
  /** Random, one for the process: no client can aim at places of the cache. */
  readonly hashSeed?: number;
  /** Counts queries for DKIM selectors; absent: they are not counted. */
  readonly selectors?: SelectorCounts | undefined;
  /** For zones' names in memory. */
  readonly negative?: NegativeLimits;
  /** Answers what is signed with TSIG, and zone transfers; absent: TSIG is not looked at, and transfers are refused. */
  readonly signed?: SignedAnswers;
  /** Takes messages of other opcodes than QUERY; absent: they are answered with NOTIMP. */
  readonly later?: LaterByOpcode;
}
