/** Keys that a zone brings in a test, in the forms of requests. */
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type AlgorithmNumber } from '#dnssec/algorithm.ts';
import { dnskeyOf, formatPrivateKey } from '#dnssec/key-files/key-file.ts';
import { generateSecret, keyTagOf } from '#dnssec/key.ts';
import { seededRandom } from './random.ts';

const random = seededRandom(5);
const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));

export function makeKey(flags: 256 | 257, algorithm: Exclude<AlgorithmNumber, 8> = 13) {
  const secret = generateSecret(bytes, algorithm);
  const dnskey = dnskeyOf({ algorithm, secret }, flags);
  return {
    dnskey,
    tag: keyTagOf(dnskey),
    given: { privateKey: formatPrivateKey({ algorithm, secret }, 0), publicKey: `DNSKEY ${formatRdata(TYPE.DNSKEY, dnskey)}` },
    text: `DNSKEY ${formatRdata(TYPE.DNSKEY, dnskey)}`,
  };
}
