/**
 * Why a signature was not taken, for the log: which key, and the way out.
 * Not here: the answer (dns/tsig/sign.ts).
 */
import { formatName } from '#dns/name.ts';
import { isMd5Wire } from '#dns/tsig/algorithm.ts';
import { TSIG_ERROR } from '#dns/tsig/record.ts';
import { tsigErrorName } from '#dns/tsig/sign.ts';
import { type TsigVerdict } from '#dns/tsig/verify.ts';

/** `now`: seconds since 1970. */
export function tsigRefusalText({ error, record }: Extract<TsigVerdict, { kind: 'invalid' }>, now: number): string {
  const isMd5 = error === TSIG_ERROR.BADKEY && isMd5Wire(record.algorithm);
  const fix = isMd5 ? '; HMAC-MD5 is not offered (RFC 8945 §6): set hmac-sha256 at both ends' : '';
  const clocks = error === TSIG_ERROR.BADTIME ? `; its clock differs by ${Math.abs(now - record.timeSigned)} s` : '';
  return `${tsigErrorName(error)} (key ${formatName(record.keyName)}, ${formatName(record.algorithm)})${clocks}${fix}`;
}
