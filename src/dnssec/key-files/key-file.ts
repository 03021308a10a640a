/**
 * Private keys of zones as other servers keep them: BIND's `.private` files (v1.2, v1.3), which PowerDNS and ldns write
 * too, and PEM, as Knot keeps them. Reads both, writes the first.
 * Implements: the form of BIND 9's dnssec-keygen; RFC 5915, RFC 8410, RFC 8017 A.1 as the platform's engine reads them.
 * Not here: which role the key has (key-import.ts), sealing it (store/seal.ts).
 *
 * No message has anything of the text in it: it is a secret.
 */
import { type KeyObject, createPrivateKey, verify, sign } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { WHOLE } from '#base/place.ts';
import { KEY_TEXT_CHARACTERS_MAX } from '#base/limits/dnssec.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type AlgorithmNumber, algorithmOf, findAlgorithm } from '#dnssec/algorithm.ts';
import { dnskeyRdata } from '#dnssec/key.ts';

/** Times in the file, seconds since 1970; what is not there was not said. */
export type KeyTimes = { readonly [Name in KeyTimeName]?: number };
type KeyTimeName = 'created' | 'publish' | 'activate' | 'revoke' | 'inactive' | 'delete';

export interface PrivateKey {
  readonly algorithm: AlgorithmNumber;
  /** As its algorithm has it (dnssec/algorithm.ts). */
  readonly secret: Uint8Array;
  readonly times: KeyTimes;
  /** False: the form does not say it, and RSA keys are of several. */
  readonly isAlgorithmSaid: boolean;
}

const TIME_NAMES: Readonly<Record<string, KeyTimeName>> = {
  created: 'created',
  publish: 'publish',
  activate: 'activate',
  revoke: 'revoke',
  inactive: 'inactive',
  delete: 'delete',
};

/** Octets of a secret, by algorithm. */
const SECRET_BYTES: Readonly<Record<number, number>> = { 13: 32, 14: 48, 15: 32, 16: 57 };

/** The key in `text`, in whichever of the two forms, tried out: what it signs, its public key verifies. */
export function readPrivateKey(text: string): Result<PrivateKey> {
  if (text.length > KEY_TEXT_CHARACTERS_MAX)
    return bad(`a private key of more than ${KEY_TEXT_CHARACTERS_MAX} characters`);
  const read = text.includes('-----BEGIN ') ? readPem(text) : readFields(text);
  if (!read.ok) return read;
  return isWorking(read.value)
    ? read
    : bad('the parts of the private key do not belong together: what it signs does not verify');
}

// --- BIND's form ---

function readFields(text: string): Result<PrivateKey> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const parted = /^\s*([A-Za-z0-9-]+)\s*:\s*(.*?)\s*$/.exec(line);
    if (parted !== null) fields.set(parted[1]!.toLowerCase(), parted[2]!);
  }
  const format = /^v(\d+)\.(\d+)$/.exec(fields.get('private-key-format') ?? '');
  if (format === null)
    return bad('this is neither a private key of BIND (Private-key-format: …) nor PEM (-----BEGIN PRIVATE KEY-----)');
  if (format[1] !== '1') return bad(`private keys of format ${format[1]}.${format[2]} are not known; 1.2 and 1.3 are`);
  if (fields.has('engine') || fields.has('label'))
    return bad(
      'the key is in a hardware module, and the file only says where: it cannot leave that',
      'roll to a key in a file first',
    );
  const number = Number.parseInt(fields.get('algorithm') ?? '', 10);
  const algorithm = findAlgorithm(number);
  if (algorithm === undefined) return fail(notSigned(number));
  const secret = algorithm.number === 8 ? rsaSecret(fields) : plainSecret(fields, algorithm.number);
  if (secret === undefined || !algorithm.isSecret(secret))
    return bad(`the file has no good private key of algorithm ${algorithm.number} (${algorithm.mnemonic})`);
  const times = readTimes(fields);
  return times.ok ? ok({ algorithm: algorithm.number, secret, times: times.value, isAlgorithmSaid: true }) : times;
}

/** Why keys of that algorithm are not taken. */
export function notSigned(number: number) {
  const why = [1, 3, 5, 6, 7, 12].includes(number)
    ? 'validators no longer trust it (RFC 9905, RFC 9904)'
    : 'zones are not signed with it here';
  const text = Number.isInteger(number) ? `algorithm ${number}: ${why}` : 'the file names no algorithm';
  return problem('DNSSEC_KEY_FILE', WHOLE, text, {
    fix: 'roll the zone to 13 (or 8, 14, 15, 16) where it is, then bring it here',
  });
}

function plainSecret(fields: ReadonlyMap<string, string>, number: number): Uint8Array | undefined {
  const octets = base64(fields.get('privatekey'));
  const length = SECRET_BYTES[number]!;
  if (octets === undefined || octets.length > length || octets.length === 0) return undefined;
  if (octets.length === length) return octets;
  // Scalars may come without their leading zeros; EdDSA secrets are octets, not numbers.
  if (number === 15 || number === 16) return undefined;
  const padded = new Uint8Array(length);
  padded.set(octets, length - octets.length);
  return padded;
}

const RSA_FIELDS = {
  n: 'modulus',
  e: 'publicexponent',
  d: 'privateexponent',
  p: 'prime1',
  q: 'prime2',
  dp: 'exponent1',
  dq: 'exponent2',
  qi: 'coefficient',
} as const;

function rsaSecret(fields: ReadonlyMap<string, string>): Uint8Array | undefined {
  const parts = Object.entries(RSA_FIELDS).map(([part, field]) => [part, base64(fields.get(field))] as const);
  if (parts.some(([, octets]) => octets === undefined)) return undefined;
  const text = (octets: Uint8Array) => Buffer.from(octets).toString('base64url');
  try {
    const jwk = { kty: 'RSA', ...Object.fromEntries(parts.map(([part, octets]) => [part, text(octets!)])) };
    return secretOf(createPrivateKey({ key: jwk, format: 'jwk' }));
  } catch {
    return undefined;
  }
}

function base64(text: string | undefined): Uint8Array | undefined {
  if (text === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function readTimes(fields: ReadonlyMap<string, string>): Result<KeyTimes> {
  const times: [KeyTimeName, number][] = [];
  for (const [field, name] of Object.entries(TIME_NAMES)) {
    const text = fields.get(field);
    if (text === undefined) continue;
    const parted = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
    if (parted === null) return bad(`its time ${name} is not of the form YYYYMMDDHHMMSS`);
    const [year, month, day, hour, minute, second] = parted.slice(1).map(Number);
    times.push([name, Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000]);
  }
  return ok(Object.fromEntries(times));
}

// --- PEM ---

function readPem(text: string): Result<PrivateKey> {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type:.*ENCRYPTED/.test(text))
    return bad(
      'the PEM is encrypted with a passphrase',
      'openssl pkey -in FILE -out PLAIN (mode 0600), and remove PLAIN afterwards',
    );
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, format: 'pem' });
  } catch {
    return bad('this is no private key in PEM');
  }
  const number = algorithmOfKey(key);
  if (number === undefined)
    return bad('the PEM has a key of a kind that zones are not signed with here', 'P-256, P-384, Ed25519, Ed448, RSA');
  const secret = secretOf(key);
  if (!algorithmOf(number).isSecret(secret)) return bad(`the PEM has no good private key of algorithm ${number}`);
  return ok({ algorithm: number, secret, times: {}, isAlgorithmSaid: number !== 8 });
}

function algorithmOfKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): AlgorithmNumber | undefined {
  if (asymmetricKeyType === 'rsa') return 8;
  if (asymmetricKeyType === 'ed25519') return 15;
  if (asymmetricKeyType === 'ed448') return 16;
  if (asymmetricKeyType !== 'ec') return undefined;
  return ({ prime256v1: 13, secp384r1: 14 } as const)[asymmetricKeyDetails?.namedCurve ?? ''];
}

/** As its algorithm keeps it: PKCS #8 of RSA, the scalar or the octets of the others. */
function secretOf(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType === 'rsa') return new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
  const { d } = key.export({ format: 'jwk' });
  assert(d !== undefined, 'a private key without its private part');
  return new Uint8Array(Buffer.from(d, 'base64url'));
}

// --- both ---

/** A file may mix up two keys: parts that do not fit make signatures that no validator accepts. */
function isWorking({ algorithm: number, secret }: PrivateKey): boolean {
  const algorithm = algorithmOf(number);
  const probe = Buffer.from('waxseal key probe');
  try {
    const publicKey = algorithm.publicKey(algorithm.publicKeyOf(secret));
    const options = { key: algorithm.privateKey(secret), dsaEncoding: 'ieee-p1363' } as const;
    const signature = sign(algorithm.digest, probe, options);
    return (
      publicKey !== undefined &&
      verify(algorithm.digest, probe, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    );
  } catch {
    return false;
  }
}

function bad(why: string, fix?: string): Result<never> {
  return fail(problem('DNSSEC_KEY_FILE', WHOLE, why, fix === undefined ? {} : { fix }));
}

/** BIND's form, v1.3, of a key that is in use since `activeSeconds`. */
export function formatPrivateKey(
  { algorithm: number, secret }: Pick<PrivateKey, 'algorithm' | 'secret'>,
  createdSeconds: number,
): string {
  const { mnemonic } = algorithmOf(number);
  const time = formatTime(createdSeconds);
  const parts = number === 8 ? rsaFields(secret) : [`PrivateKey: ${Buffer.from(secret).toString('base64')}`];
  const times = ['Created', 'Publish', 'Activate'].map((name) => `${name}: ${time}`);
  return ['Private-key-format: v1.3', `Algorithm: ${number} (${mnemonic})`, ...parts, ...times, ''].join('\n');
}

function rsaFields(secret: Uint8Array): string[] {
  const key = createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' });
  const jwk: Readonly<Record<string, unknown>> = { ...key.export({ format: 'jwk' }) };
  const names = [
    'Modulus',
    'PublicExponent',
    'PrivateExponent',
    'Prime1',
    'Prime2',
    'Exponent1',
    'Exponent2',
    'Coefficient',
  ];
  return Object.keys(RSA_FIELDS).map((part, at) => {
    const octets = Buffer.from(String(jwk[part]), 'base64url');
    return `${names[at]}: ${octets.toString('base64')}`;
  });
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
}

/** DNSKEY RDATA of a private key with these flags. */
export function dnskeyOf(
  { algorithm, secret }: Pick<PrivateKey, 'algorithm' | 'secret'>,
  flags: 256 | 257,
): Uint8Array {
  return dnskeyRdata(algorithmOf(algorithm).publicKeyOf(secret), flags, algorithm);
}
