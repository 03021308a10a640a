/**
 * Keys that a zone brings from another server: what was given is checked against itself, before anything is changed.
 * Implements: RFC 4034 §2.1 (DNSKEY), App. B (key tags), RFC 5011 §2.1 (REVOKE), RFC 6781 §3.1 (roles), RFC 6840
 * §5.11 (one set of algorithms).
 * Not here: the forms of private keys (key-file.ts), what the zone's keys and its parent say to it (control/dnssec).
 */
import { equalBytes } from '#base/bytes.ts';
import { FOREIGN_KEYS_MAX, KEYS_IMPORTED_MAX, RSA_MODULUS_BITS_WARNED } from '#base/limits/dnssec.ts';
import { type Place, below, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem, warning } from '#base/problem.ts';
import { type Name, equalNames, formatName } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { parseRequestName } from '#dns/request-name.ts';
import { TYPE } from '#dns/types.ts';
import { type AlgorithmNumber, PUBLIC_KEY_AT, algorithmOf } from '#dnssec/algorithm.ts';
import { type KeyTimes, dnskeyOf, notSigned, readPrivateKey } from './key-file.ts';
import { type KeyFlags, keyTagOf } from '#dnssec/key.ts';
import { type KeyRole } from '#dnssec/key-stage.ts';

/** A private key as a request has it. */
export interface GivenKey {
  /** BIND's form, or PEM. */
  readonly privateKey: string;
  /** Its DNSKEY record; needed where neither the role nor the form say all. */
  readonly publicKey?: string;
  readonly role?: KeyRole;
}

export interface ImportedKey {
  readonly role: KeyRole;
  readonly algorithm: AlgorithmNumber;
  readonly flags: KeyFlags;
  readonly secret: Uint8Array;
  /** RDATA. */
  readonly dnskey: Uint8Array;
  readonly createdSeconds?: number;
}

export interface ImportedKeys {
  /** A CSK, or a KSK and a ZSK, of one algorithm. */
  readonly keys: readonly ImportedKey[];
  /** DNSKEY RDATA of keys of others, to be published beside them. */
  readonly published: readonly Uint8Array[];
  /** The longest TTL that the DNSKEY records came with. */
  readonly ttlSeconds?: number;
}

interface GivenKeys {
  readonly keys: readonly GivenKey[];
  /** DNSKEY records, any number in a text. */
  readonly published?: readonly string[];
  /** What the files say of when the keys are used is not looked at. */
  readonly areTimesIgnored?: boolean;
}

const FIELD = '/keys';
const PUBLISHED = '/published';
/** RFC 4034 §2.1.1 and RFC 5011 §7. */
const FLAG = { ZONE: 0x0100, REVOKE: 0x0080, SEP: 0x0001 } as const;

/** Everything that is wrong with the keys at once, each at its place in the request. */
export function readGivenKeys(zone: Name, given: GivenKeys, nowSeconds: number): Result<ImportedKeys> {
  const problems: Problem[] = [];
  const read: (Omit<ImportedKey, 'role'> & { readonly role: KeyRole | undefined })[] = [];
  let ttlSeconds: number | undefined;
  if (given.keys.length === 0 || given.keys.length > KEYS_IMPORTED_MAX)
    return fail(
      problem(
        'DNSSEC_KEY_SET',
        inBody(FIELD),
        `${given.keys.length} private keys; 1 to ${KEYS_IMPORTED_MAX} are taken`,
      ),
    );
  for (const [at, each] of given.keys.entries()) {
    const place = below(inBody(FIELD), at);
    const key = readKey(zone, each, place);
    if (!key.ok) problems.push(...key.problems);
    else {
      if (given.areTimesIgnored !== true) problems.push(...timeProblems(key.value.times, nowSeconds, place));
      problems.push(...key.warnings);
      ttlSeconds = longer(ttlSeconds, key.value.ttlSeconds);
      read.push(key.value);
    }
  }
  const published = readPublished(zone, given.published ?? [], problems);
  for (const record of published) ttlSeconds = longer(ttlSeconds, record.ttlSeconds);
  if (hasErrors(problems)) return fail(...problems);
  const keys = withRoles(read);
  const others = published
    .map(({ rdata }) => rdata)
    .filter((rdata) => keys.every(({ dnskey }) => !equalBytes(dnskey, rdata)));
  problems.push(...setProblems(keys), ...publishedProblems(keys, others));
  if (hasErrors(problems)) return fail(...problems);
  return ok({ keys, published: others, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }, problems);
}

function longer(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

interface ReadKey extends Omit<ImportedKey, 'role'> {
  readonly role: KeyRole | undefined;
  readonly times: KeyTimes;
  readonly ttlSeconds?: number;
}

function readKey(
  zone: Name,
  { privateKey, publicKey, role }: GivenKey,
  place: ReturnType<typeof inBody>,
): Result<ReadKey> {
  const secretPlace = below(place, 'privateKey');
  const key = readPrivateKey(privateKey);
  if (!key.ok) return fail(...key.problems.map((each) => ({ ...each, at: secretPlace })));
  const { algorithm, secret, times, isAlgorithmSaid } = key.value;
  const bad = (why: string, fix?: string, at: Place = below(place, 'publicKey')) =>
    fail(problem('DNSSEC_KEY_FILE', at, why, fix === undefined ? {} : { fix }));
  const base = { algorithm, secret, times, ...(times.created === undefined ? {} : { createdSeconds: times.created }) };
  if (publicKey === undefined) {
    if (!isAlgorithmSaid)
      return bad('an RSA key in PEM does not say of which algorithm it is', 'give its DNSKEY record too', secretPlace);
    if (role === undefined)
      return bad(
        'whether it is a CSK, KSK or ZSK is not in a private key: that is in its DNSKEY record',
        'give the DNSKEY record (pdnsutil export-zone-dnskey, keymgr ZONE dnskey, the .key file), or say the role',
        secretPlace,
      );
    const flags: KeyFlags = role === 'zsk' ? 256 : 257;
    return ok({ ...base, role, flags, dnskey: dnskeyOf(key.value, flags) });
  }
  const records = readDnskeys(zone, publicKey);
  if (!records.ok) return fail(...records.problems.map((each) => ({ ...each, at: below(place, 'publicKey') })));
  const [record] = records.value;
  if (record === undefined || records.value.length > 1) return bad('one DNSKEY record belongs to one private key');
  const { rdata, ttlSeconds } = record;
  const wrong = dnskeyProblem(rdata);
  if (wrong !== undefined) return fail({ ...wrong, at: below(place, 'publicKey') });
  if (rdata[3] !== algorithm && (isAlgorithmSaid || ![8].includes(rdata[3]!)))
    return bad(
      isAlgorithmSaid
        ? `the DNSKEY record is of algorithm ${rdata[3]}, and the private key of ${algorithm}`
        : notSigned(rdata[3]!).message,
      isAlgorithmSaid ? undefined : notSigned(rdata[3]!).fix,
    );
  const flags: KeyFlags = (flagsOf(rdata) & FLAG.SEP) === 0 ? 256 : 257;
  const dnskey = dnskeyOf(key.value, flags);
  if (!equalBytes(dnskey, rdata))
    return bad(
      `the DNSKEY record (key tag ${keyTagOf(rdata)}) is not of this private key, whose tag is ${keyTagOf(dnskey)}`,
    );
  const conflict = role === undefined ? undefined : roleConflict(role, flags);
  if (conflict !== undefined) return bad(conflict, undefined, below(place, 'role'));
  return ok({ ...base, role, flags, dnskey, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) });
}

function roleConflict(role: KeyRole, flags: KeyFlags): string | undefined {
  if (role === 'ksk' && flags === 256)
    return 'its DNSKEY record has no secure entry point bit (flags 256): it is no KSK';
  if (role === 'zsk' && flags === 257)
    return 'its DNSKEY record has the secure entry point bit (flags 257): it is no ZSK, and a CSK if it signs all';
  return undefined;
}

// --- DNSKEY records as text ---

interface DnskeyRecord {
  readonly rdata: Uint8Array;
  readonly ttlSeconds?: number;
}

/**
 * DNSKEY records as servers and tools print them: with comments, in parentheses, with or without owner, TTL and class,
 * the owner with or without its last dot.
 */
export function readDnskeys(zone: Name, text: string): Result<readonly DnskeyRecord[]> {
  const records: DnskeyRecord[] = [];
  const problems: Problem[] = [];
  for (const line of logicalLines(text)) {
    const parted =
      /^(?:(\S+)\s+)?(?:(\d+)\s+)?(?:IN\s+)?(?:(\d+)\s+)?DNSKEY\s+(.+)$/i.exec(line) ??
      /^()()()(\d+\s+3\s+\d+\s+.+)$/.exec(line);
    if (parted === null) {
      problems.push(
        problem('DNSSEC_KEY_FILE', inBody(''), 'this is no DNSKEY record', {
          fix: 'example.com. 3600 IN DNSKEY 257 3 13 …',
        }),
      );
      continue;
    }
    const [, owner = '', before, after, data] = parted;
    if (owner !== '' && !isOwner(owner, zone)) {
      const why = `the DNSKEY record is of ${owner}, and the zone is ${formatName(zone)}`;
      problems.push(problem('DNSSEC_KEY_FILE', inBody(''), why));
      continue;
    }
    const rdata = parseRecordData(TYPE.DNSKEY, data!, zone);
    if (!rdata.ok) problems.push(...rdata.problems);
    else {
      const ttl = before ?? after;
      records.push({
        rdata: rdata.value,
        ...(ttl === undefined || ttl === '' ? {} : { ttlSeconds: Math.min(Number(ttl), 2 ** 31 - 1) }),
      });
    }
  }
  return problems.length > 0 ? fail(...problems) : ok(records);
}

function isOwner(text: string, zone: Name): boolean {
  if (text === '@' || /^\d+$/.test(text) || /^IN$/i.test(text)) return true;
  const name = parseRequestName(text.endsWith('.') ? text : `${text}.`, zone);
  return name.ok && equalNames(name.value, zone);
}

/** Without comments, and with what stands in parentheses on one line. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open = '';
  for (const line of text.split(/\r?\n/)) {
    open += ` ${line.replace(/;.*$/, '')}`;
    if (open.lastIndexOf('(') > open.lastIndexOf(')')) continue;
    const whole = open.replaceAll(/[()]/g, ' ').trim();
    if (whole !== '') lines.push(whole);
    open = '';
  }
  if (open.trim() !== '') lines.push(open.trim());
  return lines;
}

function flagsOf(dnskey: Uint8Array): number {
  return (dnskey[0]! << 8) | dnskey[1]!;
}

/** Why a DNSKEY record cannot stand in a zone that is signed here. */
export function dnskeyProblem(dnskey: Uint8Array): Problem | undefined {
  const flags = flagsOf(dnskey);
  const bad = (why: string, rfc: string, fix?: string) =>
    problem('DNSSEC_KEY_FILE', inBody(''), why, { rfc, ...(fix === undefined ? {} : { fix }) });
  if (dnskey.length <= PUBLIC_KEY_AT) return bad('the DNSKEY record has no key', 'RFC 4034 §2.1');
  if ((flags & FLAG.REVOKE) !== 0)
    return bad(
      `key ${keyTagOf(dnskey)} is revoked (flags ${flags}): it signs nothing any more`,
      'RFC 5011 §2.1',
      'leave it out',
    );
  if ((flags & FLAG.ZONE) === 0) return bad(`flags ${flags}: the zone key bit is not set`, 'RFC 4034 §2.1.1');
  if ((flags & ~(FLAG.ZONE | FLAG.SEP)) !== 0) return bad(`flags ${flags}: a reserved bit is set`, 'RFC 4034 §2.1.1');
  if (dnskey[2] !== 3) return bad(`protocol ${dnskey[2]}: it must be 3`, 'RFC 4034 §2.1.2');
  return undefined;
}

// --- times ---

function timeProblems(times: KeyTimes, nowSeconds: number, place: ReturnType<typeof inBody>): Problem[] {
  const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 16);
  const bad = (why: string): Problem =>
    problem('DNSSEC_KEY_FILE', below(place, 'privateKey'), why, {
      fix: 'to keep it published, give its DNSKEY record alone; to use it all the same: ignoreTimes (--ignore-times)',
    });
  const { revoke, delete: gone, inactive, activate, publish } = times;
  const isPast = (seconds: number | undefined): seconds is number => seconds !== undefined && seconds <= nowSeconds;
  if (isPast(revoke)) return [bad(`by its file the key was revoked on ${day(revoke)}`)];
  if (isPast(gone)) return [bad(`by its file the key went out of the zone on ${day(gone)}`)];
  if (isPast(inactive)) return [bad(`by its file the key signs nothing since ${day(inactive)}`)];
  if (activate !== undefined && !isPast(activate))
    return [bad(`by its file the key does not sign before ${day(activate)}`)];
  if (activate === undefined && publish !== undefined) return [bad('by its file the key is published and not used')];
  if (inactive === undefined) return [];
  return [
    warning(
      'DNSSEC_KEY_FILE',
      below(place, 'privateKey'),
      `its file ends the key's use on ${day(inactive)}; here the key policy decides that`,
    ),
  ];
}

// --- the set ---

function withRoles(
  read: readonly (Omit<ImportedKey, 'role'> & { readonly role: KeyRole | undefined })[],
): ImportedKey[] {
  const isPair = read.length > 1;
  return read.map(({ role, ...key }) => {
    const byFlags: KeyRole = !isPair ? 'csk' : key.flags === 257 ? 'ksk' : 'zsk';
    const { algorithm, flags, secret, dnskey, createdSeconds } = key;
    return {
      role: role ?? byFlags,
      algorithm,
      flags,
      secret,
      dnskey,
      ...(createdSeconds === undefined ? {} : { createdSeconds }),
    };
  });
}

function setProblems(keys: readonly ImportedKey[]): Problem[] {
  const at = inBody(FIELD);
  const said = keys
    .map(({ role, algorithm, dnskey }) => `${role.toUpperCase()} ${keyTagOf(dnskey)} (algorithm ${algorithm})`)
    .join(', ');
  const problems: Problem[] = [];
  const roles = keys
    .map(({ role }) => role)
    .toSorted()
    .join();
  if (roles !== 'csk' && roles !== 'ksk,zsk')
    problems.push(
      problem('DNSSEC_KEY_SET', at, `the keys are ${said}; a zone is signed by one CSK, or by one KSK and one ZSK`, {
        fix: 'give the private keys that sign now; of the others give the DNSKEY records, and they stay published',
        rfc: 'RFC 6781 §3.1',
      }),
    );
  if (new Set(keys.map(({ algorithm }) => algorithm)).size > 1)
    problems.push(
      problem('DNSSEC_KEY_SET', at, `the keys are ${said}: of several algorithms`, {
        fix: 'let the algorithm rollover end where the zone is, then bring it here',
        rfc: 'RFC 6840 §5.11',
      }),
    );
  for (const [index, { algorithm, dnskey }] of keys.entries()) {
    const same = keys.findIndex((other) => keyTagOf(other.dnskey) === keyTagOf(dnskey));
    if (same < index)
      problems.push(
        problem('DNSSEC_KEY_SET', below(at, index), `it has the key tag ${keyTagOf(dnskey)} of another of these keys`),
      );
    const bits =
      algorithm === 8
        ? 8 * algorithmOf(algorithm).signatureBytes(dnskey.subarray(PUBLIC_KEY_AT))
        : RSA_MODULUS_BITS_WARNED;
    if (bits < RSA_MODULUS_BITS_WARNED)
      problems.push(
        warning('DNSSEC_DEPRECATED', below(at, index), `key ${keyTagOf(dnskey)} is RSA with ${bits} bits`, {
          fix: 'leave it soon: waxseal dnssec policy ZONE --algorithm 13',
          rfc: 'RFC 9904',
        }),
      );
  }
  return problems;
}

function readPublished(zone: Name, texts: readonly string[], problems: Problem[]): DnskeyRecord[] {
  return texts.flatMap((text, at) => {
    const place = below(inBody(PUBLISHED), at);
    const read = readDnskeys(zone, text);
    if (!read.ok) {
      problems.push(...read.problems.map((each) => ({ ...each, at: place })));
      return [];
    }
    const wrong = read.value.flatMap(({ rdata }) => dnskeyProblem(rdata) ?? []);
    problems.push(...wrong.map((each) => ({ ...each, at: place })));
    return read.value;
  });
}

/** Of the keys that are only published. */
function publishedProblems(keys: readonly ImportedKey[], published: readonly Uint8Array[]): Problem[] {
  const at = inBody(PUBLISHED);
  const own = keys.map(({ dnskey }) => dnskey);
  return foreignKeyProblems(own, published).map((each) => ({ ...each, at }));
}

/**
 * What stands against publishing these DNSKEY records of others beside `own`: their tags must be new, and their
 * algorithms those that the zone is signed with, or validators would miss signatures of theirs.
 */
export function foreignKeyProblems(own: readonly Uint8Array[], foreign: readonly Uint8Array[]): Problem[] {
  const problems: Problem[] = [];
  const bad = (why: string, rfc: string, fix?: string) =>
    problems.push(problem('DNSSEC_KEY_SET', inBody(''), why, { rfc, ...(fix === undefined ? {} : { fix }) }));
  if (foreign.length > FOREIGN_KEYS_MAX)
    bad(`${foreign.length} keys of others; a zone has ${FOREIGN_KEYS_MAX} at most`, 'RFC 8901 §4');
  const algorithms = new Set(own.map((dnskey) => dnskey[3]));
  const used = [...algorithms].join(', ');
  const all = [...own, ...foreign];
  for (const dnskey of foreign) {
    const tag = keyTagOf(dnskey);
    if (!algorithms.has(dnskey[3]))
      bad(
        `key ${tag} is of algorithm ${dnskey[3]}, and the zone is signed with ${used}: all who sign it use the same`,
        'RFC 8901 §4',
        'roll one of the two to the algorithm of the other first',
      );
    if (all.some((other) => keyTagOf(other) === tag && !equalBytes(other, dnskey)))
      bad(`key ${tag} has the key tag of another key of the zone`, 'RFC 4034 App. B');
  }
  return problems;
}
