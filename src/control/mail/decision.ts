/** What passes between the mail of zones and those who commit it. Not here: how it comes about (decide.ts). */
import { type Problem } from '#base/problem.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type SpfLook } from '#mail/spf/upkeep.ts';
import { type DocumentWrite, type SecretWrite } from '#store/writer.ts';
import { type FreshDkimKey } from './dkim-keys.ts';
import { type MailNote } from '#control/api/mail.ts';
import { type MailPart } from './consents.ts';

/** What a mail command comes to; committed as a whole or not at all. */
export interface MailDecision {
  /** The zone itself first; others that need a record for it after. */
  readonly parts: readonly MailPart[];
  readonly documents: readonly DocumentWrite[];
  readonly secrets: readonly SecretWrite[];
  readonly keys: readonly FreshDkimKey[];
  readonly events: readonly LifecycleEvent[];
  readonly detail: string;
  readonly note: MailNote;
  readonly warnings: readonly Problem[];
  /** False when neither policy nor state are others than before, but for what they remember of caches. */
  readonly isChanged: boolean;
  /** Nobody needs to read of it in the audit log. */
  readonly isQuiet: boolean;
}

/** What was looked up before a command's turn came. */
export interface MailForesight {
  readonly problems: readonly Problem[];
  /** What SPF needs of others; null: nothing is to be known of them any more. */
  readonly spf?: SpfLook | null;
}
