/**
 * Who may have a zone: by key, or by address where a zone says so. Without a grant there is no transfer.
 * Not here: how grants are kept and changed (control/transfer/).
 */
import { assert } from '#base/assert.ts';
import { type Name, type OwnerKey, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { tsigAlgorithm } from '#dns/tsig/algorithm.ts';
import { type TsigKey, TsigKeys, tsigKey } from '#dns/tsig/key.ts';

/** What a key can be granted. `update` stays in the control process (ADR 0007). */
export const TSIG_OPERATIONS = ['transfer', 'notify', 'update'] as const;
export type TsigOperation = (typeof TSIG_OPERATIONS)[number];

/** A key with what it is good for. */
export interface GrantedKey extends TsigKey {
  readonly operations: ReadonlySet<TsigOperation>;
  /** `all`, or apexes. */
  readonly zones: 'all' | ReadonlySet<OwnerKey>;
}

/** A key as control sends it to the threads that serve transfers. */
export interface KeyText {
  readonly name: string;
  readonly algorithm: string;
  /** Base64. */
  readonly secret: string;
  readonly macBytes: number;
  readonly operations: readonly TsigOperation[];
  readonly zones: 'all' | readonly string[];
}

/** A key that stays in control: only its name is known elsewhere (ADR 0007). */
export type KeyName = Pick<KeyText, 'name'>;
/** What control sends of a key. */
export type SentKey = KeyText | KeyName;

/** True when `key` grants `operation` in the zone `apex`. */
export function isGranted(key: GrantedKey, operation: TsigOperation, apex: Name): boolean {
  return key.operations.has(operation) && (key.zones === 'all' || key.zones.has(ownerKey(apex)));
}

/** The keys of `sent`, which control sends: a bad one is a bug of ours. Those that are names only are left out. */
export function readKeys(sent: readonly SentKey[]): TsigKeys<GrantedKey> {
  const texts = sent.filter((each) => 'secret' in each);
  return new TsigKeys(
    texts.map(({ name, algorithm: text, secret, macBytes, operations, zones }) => {
      const algorithm = tsigAlgorithm(text);
      assert(algorithm !== undefined, `the key ${name} has the algorithm ${text}`);
      const key = tsigKey(nameOf(name), algorithm, new Uint8Array(Buffer.from(secret, 'base64')), macBytes);
      const apexes = zones === 'all' ? zones : new Set(zones.map((zone) => ownerKey(nameOf(zone))));
      return { ...key, operations: new Set(operations), zones: apexes };
    }),
  );
}

/** Name of the requests in which control sends all keys, as many as fit into each. */
export const TRANSFER_KEYS = 'transfer-keys';

/** The names of those that stay in control. */
export function readKeyNames(sent: readonly SentKey[]): ReadonlySet<OwnerKey> {
  return new Set(sent.filter((each) => !('secret' in each)).map(({ name }) => ownerKey(lowerName(nameOf(name)))));
}

/** One part of them. */
export interface KeyPart {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly keys: readonly SentKey[];
}

/** The bodies that `readKeyPart` reads, each of at most `bytesMax` octets; at least one, also without keys. */
export function writeKeyParts(keys: readonly SentKey[], bytesMax: number): readonly Uint8Array[] {
  const parts: SentKey[][] = [[]];
  let bytes = PART_BYTES;
  for (const key of keys) {
    const length = Buffer.byteLength(JSON.stringify(key)) + 1;
    if (bytes + length > bytesMax) {
      parts.push([]);
      bytes = PART_BYTES;
    }
    assert(bytes + length <= bytesMax, `the key ${key.name} is longer than a message`);
    parts.at(-1)!.push(key);
    bytes += length;
  }
  return parts.map((part, at) => {
    const body: KeyPart = { isFirst: at === 0, isLast: at === parts.length - 1, keys: part };
    return new Uint8Array(Buffer.from(JSON.stringify(body), 'utf8'));
  });
}

/** What is beside the keys of a part. */
const PART_BYTES = 100;

/** Control is trusted: a part that is none is a bug of ours. */
export function readKeyPart(body: Uint8Array): KeyPart {
  return JSON.parse(Buffer.from(body).toString('utf8')) as KeyPart;
}
