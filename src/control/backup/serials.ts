/**
 * The serial that a restored zone continues with: newer than any that a secondary may have from after the backup, so
 * that it follows, and never older than what it had.
 * Implements: RFC 1982 §3.1, §3.2, RFC 1912 §2.2 (a secondary takes only what is newer).
 * Not here: asking secondaries (review.ts), writing it (restored.ts).
 */
import { RESTORE_SERIALS_PER_SECOND, RESTORE_SERIAL_STEP, RESTORE_SERIAL_STEP_MAX } from '#base/limits/backup.ts';
import { type Serial, addSerial, isNewer } from '#dns/serial.ts';

/**
 * `elapsedMs`: from the backup to the restore. `seen`: what secondaries answered; a serial on the other half of the
 * circle is an older one, and one exactly opposite is neither (RFC 1982 §3.2): one step further decides.
 */
export function restoredSerial(serial: Serial, elapsedMs: number, seen: readonly Serial[] = []): Serial {
  const seconds = Math.max(0, Math.ceil(elapsedMs / 1000));
  const step = Math.min(RESTORE_SERIAL_STEP_MAX, RESTORE_SERIAL_STEP + seconds * RESTORE_SERIALS_PER_SECOND);
  let next = addSerial(serial, step);
  for (const each of seen) {
    if (isNewer(next, each)) continue;
    const after = addSerial(each, 1);
    // A step over more than half the circle would go backwards for who has the serial of the backup.
    if (isNewer(after, serial)) next = after;
  }
  return next;
}
