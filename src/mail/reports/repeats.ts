/**
 * A domain that signs with RSA and Ed25519 puts two signatures on each message. Receivers that cannot read the second
 * one ignore it, and DMARC passes by the first (RFC 6376 §6.1, RFC 8463 §3); some of them report the message twice all
 * the same, once for each signature. Those failures are no mail of their own.
 * Not here: signatures side by side in one record (dmarc-record.ts).
 */
import { type DmarcRow } from './dmarc-record.ts';

/**
 * The rows without failures that repeat, for an Ed25519 signature alone, mail that another row has as passed by RSA.
 */
export function withoutRepeats(rows: readonly DmarcRow[], isEd25519: (selector: string) => boolean): DmarcRow[] {
  const placeOf = ({ address, author }: DmarcRow) => `${address} ${author}`;
  const passed = new Map<string, number>();
  for (const row of rows) if (isByRsaAlone(row, isEd25519)) passed.set(placeOf(row), (passed.get(placeOf(row)) ?? 0) + row.messages);
  return rows.flatMap((row) => {
    if (!isByEd25519Alone(row, isEd25519)) return [row];
    const left = passed.get(placeOf(row)) ?? 0;
    const repeated = Math.min(left, row.messages);
    passed.set(placeOf(row), left - repeated);
    return repeated === row.messages ? [] : [{ ...row, messages: row.messages - repeated }];
  });
}

/** Passed, and the receiver says nothing of an Ed25519 signature: it may stand in a row of its own. */
function isByRsaAlone({ isDkimAligned, signatures, failed }: DmarcRow, isEd25519: (selector: string) => boolean): boolean {
  return isDkimAligned && ![...signatures, ...failed].some(({ selector }) => isEd25519(selector));
}

function isByEd25519Alone({ isDkimAligned, isSpfAligned, failed }: DmarcRow, isEd25519: (selector: string) => boolean): boolean {
  return !isDkimAligned && !isSpfAligned && failed.length > 0 && failed.every(({ selector }) => isEd25519(selector));
}
