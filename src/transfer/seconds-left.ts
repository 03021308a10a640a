/**
 * How long a zone from primaries is still answered for, for secondaries that follow this server.
 * Implements: RFC 7314 §3.3.
 * The stored time is at most a twentieth of EXPIRE behind what the control process knows: a secondary of ours can let
 * the zone expire that much too early, never too late.
 * Not here: the option (answer/write/answer-options.ts, stream-message.ts), letting it expire (control/secondary/).
 */
import { type StoreReader } from '#store/reader.ts';
import { expiresAtMs, readChecked } from '#store/transfer/primaries.ts';

/** Seconds, 0 when the time is over; undefined for a zone that is kept here. */
export function secondsLeft(reader: StoreReader, nowMs: () => number): (zoneId: number) => number | undefined {
  return (zoneId) => {
    if (reader.zoneById(zoneId)?.secondary === undefined) return undefined;
    const checked = readChecked(reader, zoneId);
    return checked && Math.max(0, Math.floor((expiresAtMs(checked) - nowMs()) / 1000));
  };
}
