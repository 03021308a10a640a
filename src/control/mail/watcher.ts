/** The mail policy as what watches changes of records. Not here: what it has against a change (by-hand.ts), consents (consents.ts). */
import { type StoreReader } from '#store/reader.ts';
import { type RecordWatcher } from '#control/commands/decision.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { checkByHand, wakeAfter } from './by-hand.ts';
import { releaseConsents } from './consents.ts';

/** `onDue` is called after a commit that made the mail of a zone due. */
export function mailWatcher(writer: StoreReader, time: Pick<CountedTime, 'nowMs'>, onDue: () => void): RecordWatcher {
  return {
    check: (record, changes) => checkByHand(writer, record, changes),
    wake: (record, changes) => wakeAfter(writer, record, changes, time.nowMs()),
    woken: onDue,
    leave: (record) => releaseConsents(writer, record, 'delete'),
  };
}
