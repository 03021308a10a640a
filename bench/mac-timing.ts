/**
 * Whether the time of a TSIG verification tells how much of a forged MAC is right (facts X2, RFC 8945 §10.1): messages
 * whose MAC differs in its first octet and in its last one, in random turns, with Welch's t over 100,000 samples of each.
 * The control is the same code with a compare that ends at the first octet that differs: it must be found.
 * Ends with 1 when a difference is found in what is served, or none in the control.
 * Use: node bench/mac-timing.ts [samples]
 */
import { registerHooks } from 'node:module';
import { nameOf } from '#dns/name.ts';
import { newQueryHead, parseQuery } from '#dns/message.ts';
import { tsigAlgorithm } from '#dns/tsig/algorithm.ts';
import { type TsigKey, TsigKeys, tsigKey } from '#dns/tsig/key.ts';
import { readTsig } from '#dns/tsig/record.ts';
import { TsigSigner } from '#dns/tsig/sign.ts';
import type * as verifyFile from '#dns/tsig/verify.ts';
import type * as verifyStreamFile from '#dns/tsig/verify-stream.ts';
import { buildQuery } from '../test/support/wire.ts';
import { farthestT, quantile } from './statistics.ts';

const SAMPLES = Number(process.argv[2] ?? 100_000);
const WARM_UP = 20_000;
/** Of dudect (Reparaz, Balasch, Verbauwhede 2017): beyond it a difference is certain. */
const T_MAX = 4.5;
const NOW = 1_800_000_000;
const REQUEST_MAC = new Uint8Array(32).fill(9);

type Verify = typeof verifyFile;
type VerifyStream = typeof verifyStreamFile;

const LEAKY = `
function leakyEqual(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
`;

// Files of the server with another compare, when they are imported with `?leaky`.
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('?leaky')) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    const leaky = source.replace('!timingSafeEqual(', '!leakyEqual(');
    if (leaky === source) throw new Error(`${url} does not compare by timingSafeEqual`);
    return { ...loaded, source: leaky + LEAKY };
  },
});

/** One message to verify again and again, in which the octets of the MAC can be changed. */
interface Case {
  readonly message: Uint8Array;
  readonly macAt: number;
  readonly macBytes: number;
  readonly verify: () => boolean;
}

function signedMessage(key: TsigKey, prior?: Uint8Array): Omit<Case, 'verify'> & { readonly at: number } {
  const query = buildQuery({ name: 'www.a.test.', type: 'A' });
  const out = new Uint8Array(512);
  out.set(query);
  const message = out.slice(0, new TsigSigner(key, prior).sign(out, query.length, NOW));
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  const { mac } = readTsig(message, head.tsigAt, message.length)!;
  return { message, at: head.tsigAt, macAt: Buffer.from(message).indexOf(mac), macBytes: mac.length };
}

function requestCase({ verifyTsig }: Verify, key: TsigKey): Case {
  const { at, ...made } = signedMessage(key);
  const { message } = made;
  const keys = new TsigKeys([key]);
  const verify = () => verifyTsig({ message, length: message.length, at, keys, now: NOW }).kind === 'valid';
  return { ...made, verify };
}

function streamCase({ TsigStreamVerifier }: VerifyStream, key: TsigKey): Case {
  const { at, ...made } = signedMessage(key, REQUEST_MAC);
  const verify = () => new TsigStreamVerifier(key, REQUEST_MAC).take(made.message, at, NOW) === undefined;
  return { ...made, verify };
}

/** Nanoseconds of each verification, by what is wrong in the MAC. */
function measure({ message, macAt, macBytes, verify }: Case, samples: number) {
  const places = { first: macAt, last: macAt + macBytes - 1 };
  const times: Record<keyof typeof places, number[]> = { first: [], last: [] };
  const [first, last] = [message[places.first]!, message[places.last]!];
  if (!verify()) throw new Error('the signature is wrong before it is spoiled');
  while (times.first.length < samples || times.last.length < samples) {
    const isFirst = Math.random() < 0.5;
    message[places.first] = isFirst ? first ^ 0x55 : first;
    message[places.last] = isFirst ? last : last ^ 0x55;
    const startedNs = process.hrtime.bigint();
    const isValid = verify();
    const tookNs = Number(process.hrtime.bigint() - startedNs);
    if (isValid) throw new Error('a spoiled signature is taken');
    times[isFirst ? 'first' : 'last'].push(tookNs);
  }
  [message[places.first], message[places.last]] = [first, last];
  return times;
}

const load = async (query: '' | '?leaky') => ({
  request: (await import(new URL(`../src/dns/tsig/verify.ts${query}`, import.meta.url).href)) as Verify,
  stream: (await import(new URL(`../src/dns/tsig/verify-stream.ts${query}`, import.meta.url).href)) as VerifyStream,
});
const [served, leaky] = [await load(''), await load('?leaky')];
process.stdout.write(`${SAMPLES} samples of each; ns: median with the first octet wrong, with the last; |t| above ${T_MAX}: they differ\n`);
let isAsItShouldBe = true;
for (const name of ['hmac-sha256', 'hmac-sha512'])
  for (const [what, from, isControl] of [
    ['served', served, false],
    ['control', leaky, true],
  ] as const)
    for (const way of ['request', 'stream'] as const) {
      const key = tsigKey(nameOf('a.key.'), tsigAlgorithm(name)!, new Uint8Array(32).fill(7));
      const made = way === 'request' ? requestCase(from.request, key) : streamCase(from.stream, key);
      measure(made, WARM_UP);
      const { first, last } = measure(made, SAMPLES);
      const t = farthestT(first, last);
      const [one, other] = [first, last].map((each) => quantile(each, 0.5).toFixed(0));
      const isFound = Math.abs(t) > T_MAX;
      if (isFound !== isControl) isAsItShouldBe = false;
      process.stdout.write(`${name}, ${way}, ${what}: ${one}, ${other}; t ${t.toFixed(2)}: ${isFound ? 'found' : 'no difference'}\n`);
    }
process.exitCode = isAsItShouldBe ? 0 : 1;
