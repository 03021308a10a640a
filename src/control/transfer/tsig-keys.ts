/**
 * TSIG keys: made, taken in, revoked, shown without their secrets.
 * Implements: RFC 8945 §6 (which algorithms), §8 (random secrets as long as the hash).
 * Not here: where they are kept (tsig-register.ts), how the answer process gets them (key-delivery.ts).
 */
import { type Clock } from '#base/clock.ts';
import { TSIG_KEYS_MAX, TSIG_KEY_ZONES_MAX } from '#base/limits/transfer.ts';
import { TSIG_SECRET_BYTES_MAX, TSIG_SECRET_BYTES_MIN } from '#base/limits/transfer.ts';
import { inBody, inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { formatName, lowerName, nameOf, parseName } from '#dns/name.ts';
import { TSIG_ALGORITHMS, isMd5, shortestMacBytes, tsigAlgorithm } from '#dns/tsig/algorithm.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';
import { type TsigKeyInfo, type TsigKeyWanted } from '#control/api/transfer.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type KeyText, type SentKey, readKeys } from '#transfer/grants.ts';
import { type UpdateKey, type UpdateRightsText, readUpdateRights } from '#transfer/update-rights.ts';
import { rightsText, readWantedRights } from './update-rights-form.ts';
import { type TsigKey, TsigKeys } from '#dns/tsig/key.ts';
import { type TsigKeyRecord, TsigRegister } from './tsig-register.ts';

export interface TsigKeysOptions {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
}

export class TsigKeyring {
  readonly #options: TsigKeysOptions;
  readonly #register: TsigRegister;
  readonly #changed: (() => void)[] = [];
  /** Read anew after each change. */
  #updateKeys: TsigKeys<UpdateKey> | undefined;

  constructor(options: TsigKeysOptions) {
    this.#options = options;
    this.#register = new TsigRegister(options.writer);
    this.onChange(() => (this.#updateKeys = undefined));
  }

  /** `changed` is called after each commit that changes keys. */
  onChange(changed: () => void): void {
    this.#changed.push(changed);
  }

  list(): readonly TsigKeyInfo[] {
    return this.#register.records().map(keyInfo);
  }

  find(name: string): TsigKeyInfo | undefined {
    return this.list().find((each) => each.name === name);
  }

  /**
   * Keys for the threads that serve transfers: secrets and all of those that are granted something there, the names of
   * the others (ADR 0007).
   */
  texts(): readonly SentKey[] {
    return this.#register.records().map(({ createdAtMs: _createdAtMs, ...text }) => {
      return text.operations.some((each) => each !== 'update') ? text : { name: text.name };
    });
  }

  /** The keys that grant UPDATE. Throws StoreFailure when they do not open. */
  updateKeys(): TsigKeys<UpdateKey> {
    this.#updateKeys ??= readUpdateKeys(this.#register.records());
    return this.#updateKeys;
  }

  /** The key of that name as NOTIFY is signed with it. */
  text(name: string): KeyText | undefined {
    return this.#register.records().find((each) => each.name === name);
  }

  /** The same, as messages are signed and verified with it. */
  key(name: string): TsigKey | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : readKeys([text]).find(nameOf(name));
  }

  async create(
    wanted: TsigKeyWanted,
    actor: Actor,
    dryRun = false,
  ): Promise<Result<{ readonly info: TsigKeyInfo; readonly secret: string }>> {
    const { funnel, clock, random } = this.#options;
    const made = newKey(wanted, random, clock.nowMs());
    if (!made.ok) return made;
    const record = made.value;
    const done = await funnel.change({ actor, action: 'tsig.create', dryRun }, () => {
      const records = this.#register.records();
      if (records.some(({ name }) => name === record.name))
        return fail(
          problem('TSIG_KEY_EXISTS', inBody('/name'), `there is a TSIG key ${record.name} already`, {
            fix: `choose another name, or revoke it first: waxseal tsig revoke ${record.name}`,
          }),
        );
      if (records.length >= TSIG_KEYS_MAX)
        return fail(problem('TSIG_KEYS_MANY', inBody('/name'), `there are ${TSIG_KEYS_MAX} TSIG keys already`));
      const zones = record.zones === 'all' ? 'all zones' : record.zones.join(', ');
      const rights = rightsText(record.update ?? {});
      const detail = `key ${record.name} ${record.algorithm} for ${record.operations.join(', ')} of ${zones}${rights}`;
      return ok({ ...this.#register.replace([...records, record]), detail, afterCommit: () => this.#tell() });
    });
    return done.ok ? ok({ info: keyInfo(record), secret: record.secret }, made.warnings) : done;
  }

  async revoke(name: string, actor: Actor, dryRun = false): Promise<Result<undefined>> {
    const done = await this.#options.funnel.change({ actor, action: 'tsig.revoke', upkeep: true, dryRun }, () => {
      const records = this.#register.records();
      const left = records.filter((each) => each.name !== name);
      if (left.length === records.length) return fail(tsigKeyNotFound(name, records));
      return ok({ ...this.#register.replace(left), detail: `key ${name}`, afterCommit: () => this.#tell() });
    });
    return done.ok ? ok(undefined) : done;
  }

  #tell(): void {
    for (const changed of this.#changed) changed();
  }
}

function readUpdateKeys(records: readonly TsigKeyRecord[]): TsigKeys<UpdateKey> {
  const own = records.filter(({ operations }) => operations.includes('update'));
  const keys = readKeys(own);
  return new TsigKeys(
    own.map(({ name: text, update = {} }) => {
      const name = nameOf(text);
      return { ...keys.find(name)!, rights: readUpdateRights(update, name) };
    }),
  );
}

/** Names of the keys that there are, for who mistyped one. */
function tsigKeyNotFound(name: string, keys: readonly Pick<TsigKeyInfo, 'name'>[]): Problem {
  const names = keys.map((each) => each.name);
  const some = names.slice(0, 10).join(', ');
  const fix = names.length === 0 ? 'make one: waxseal tsig generate NAME' : `there are: ${some}`;
  return problem('TSIG_KEY_NOT_FOUND', inUrl('name'), `there is no TSIG key ${JSON.stringify(name)}`, { fix });
}

function newKey(wanted: TsigKeyWanted, random: (bytes: number) => Uint8Array, nowMs: number): Result<TsigKeyRecord> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const name = parseName(wanted.name.endsWith('.') ? wanted.name : `${wanted.name}.`);
  if (!name.ok) problems.push(...name.problems.map((each) => ({ ...each, at: inBody('/name') })));
  const algorithm = tsigAlgorithm(wanted.algorithm);
  if (algorithm === undefined) problems.push(badAlgorithm(wanted.algorithm));
  else if (algorithm.isWeak) {
    const text = `${algorithm.name} is for old peers only (RFC 8945 §6): set hmac-sha256 at both ends when they can`;
    warnings.push(warning('TSIG_ALGORITHM_WEAK', inBody('/algorithm'), text));
  }
  const whole = algorithm?.macBytes ?? 0;
  const macBytes = wanted.macBytes ?? whole;
  if (algorithm !== undefined && (macBytes > whole || macBytes < shortestMacBytes(whole))) {
    const text = `a MAC of ${algorithm.name} has ${shortestMacBytes(whole)} to ${whole} octets`;
    problems.push(problem('FIELD_VALUE', inBody('/macBytes'), text));
  }
  const fresh = () => random(Math.max(whole, TSIG_SECRET_BYTES_MIN));
  const secret = wanted.secret === undefined ? fresh() : readSecret(wanted.secret);
  if (secret === undefined) problems.push(badSecret());
  // ADR 0007: it stays in control, and the others leave it.
  if (wanted.operations.includes('update') && wanted.operations.some((each) => each !== 'update')) {
    const text = 'a key for update is good for nothing else: it must not leave the control process';
    problems.push(problem('FIELD_VALUE', inBody('/operations'), text, { fix: 'make two keys' }));
  }
  const zones = wanted.zones === 'all' ? 'all' : readZones(wanted.zones, problems);
  const update = readUpdate(wanted, problems.length > 0 ? 'all' : zones, problems);
  if (problems.length > 0 || !name.ok || secret === undefined) return fail(...problems);
  const record: TsigKeyRecord = {
    name: formatName(lowerName(name.value)),
    algorithm: algorithm!.name,
    macBytes,
    secret: Buffer.from(secret).toString('base64'),
    operations: [...new Set(wanted.operations)],
    zones,
    ...(update === undefined ? {} : { update }),
    createdAtMs: nowMs,
  };
  return ok(record, warnings);
}

/** The rights of a key for UPDATE; other keys have none. */
function readUpdate(
  { update, operations }: TsigKeyWanted,
  zones: 'all' | readonly string[],
  problems: Problem[],
): UpdateRightsText | undefined {
  if (update === undefined) return undefined;
  if (operations.includes('update')) return readWantedRights(update, zones, problems);
  const text = 'names, types and TTLs are for a key that grants update';
  problems.push(problem('FIELD_VALUE', inBody('/update'), text, { fix: 'add update to its operations: --for update' }));
  return undefined;
}

function badAlgorithm(text: string): Problem {
  const names = TSIG_ALGORITHMS.map(({ name }) => name).join(', ');
  const why = isMd5(text)
    ? 'HMAC-MD5 must not be used any more (RFC 8945 §6)'
    : `${JSON.stringify(text)} is not a TSIG algorithm of this server`;
  return problem('TSIG_ALGORITHM', inBody('/algorithm'), why, { fix: `set one of these at both ends: ${names}` });
}

function badSecret(): Problem {
  const text = `a secret is ${TSIG_SECRET_BYTES_MIN} to ${TSIG_SECRET_BYTES_MAX} octets in base64`;
  return problem('TSIG_SECRET', inBody('/secret'), text, { fix: 'leave it out, and a random one is made' });
}

/** Undefined when it is no base64, or of a length that is none. */
function readSecret(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const octets = new Uint8Array(Buffer.from(text, 'base64'));
  return octets.length >= TSIG_SECRET_BYTES_MIN && octets.length <= TSIG_SECRET_BYTES_MAX ? octets : undefined;
}

function readZones(texts: readonly string[], problems: Problem[]): readonly string[] {
  if (texts.length > TSIG_KEY_ZONES_MAX) {
    const what = `${texts.length} zones, at most ${TSIG_KEY_ZONES_MAX}`;
    problems.push(problem('FIELD_VALUE', inBody('/zones'), what, { fix: 'grant "all"' }));
  }
  return texts.map((text, at) => {
    const zone = parseName(text.endsWith('.') ? text : `${text}.`);
    if (!zone.ok) problems.push(...zone.problems.map((each) => ({ ...each, at: inBody(`/zones/${at}`) })));
    return zone.ok ? formatName(lowerName(zone.value)) : text;
  });
}

function keyInfo({ secret: _secret, ...info }: TsigKeyRecord): TsigKeyInfo {
  return info;
}
