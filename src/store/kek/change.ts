/**
 * The key-encryption key becomes another one: what is written at the beginning and the end of it, which secrets are
 * still sealed under the key before, and which keys a store in between needs. Each step is one transaction, so that a
 * process may die at any point: the next one finds both keys by what the store says, and continues.
 * Not here: the steps in their turns (control/reseal.ts), the seal (store/seal.ts).
 */
import { atObject, atPath } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

import { sealAnchorAgain } from '#store/audit/chain.ts';
import { StoreFailure } from '#store/failure.ts';
import { decodeJson, encodeJson, isString } from '#store/json.ts';
import { type KekChange, META, isKekChange, textKey, zoneIdOfKey } from '#store/schema.ts';
import { type ChangingSealer, type SealLabel, type Sealer } from '#store/seal.ts';
import { type Environment, type Octets, type ReadOptions } from '#store/store.ts';

/** What a commit does to the key-encryption key. */
export type KekWrite =
  | { readonly kind: 'begin'; readonly next: Sealer; readonly file: string; readonly fileBefore: string }
  | { readonly kind: 'end' };

export function kekLabel(installation: string): SealLabel {
  return { purpose: 'kek-check', id: installation, version: 1 };
}

export function readKekChange(meta: Octets, read: ReadOptions = {}): KekChange | undefined {
  const bytes = meta.get(textKey(META.KEK_NEXT), read);
  return bytes === undefined ? undefined : decodeJson(bytes, 'the change of the key-encryption key', isKekChange);
}

/** Inside the writer's transaction. `sealer` is that of before; what else the transaction seals is under `next`. */
export function beginKekChange(
  { db }: Pick<Environment, 'db'>,
  write: Extract<KekWrite, { kind: 'begin' }>,
  tools: { readonly sealer: Sealer; readonly installation: string; readonly nowMs: number },
): void {
  const { next, file, fileBefore } = write;
  const check = Buffer.from(next.seal(kekLabel(tools.installation), Buffer.from('waxseal'))).toString('base64');
  const change: KekChange = { file, fileBefore, check, startedAtMs: tools.nowMs };
  db.meta.putSync(textKey(META.KEK_NEXT), encodeJson(change));
  sealAnchorAgain(db.meta, tools.sealer, next);
}

/** Inside the writer's transaction. Throws SECRET_SEALED, which undoes it, when a secret is not under the next key. */
export function endKekChange({ db }: Pick<Environment, 'db'>, next: Sealer): void {
  const change = readKekChange(db.meta);
  if (change === undefined) return;
  for (const { key, value } of db.secrets.getRange({})) {
    const label = labelOfSecret(idOf(key));
    if (label === undefined || isUnder(next, label, value)) continue;
    throw new StoreFailure(
      'SECRET_SEALED',
      atObject(label.id),
      `the secret ${label.id} is not sealed under the next key-encryption key`,
      'start the server again: it continues',
    );
  }
  db.meta.putSync(textKey(META.KEK_CHECK), encodeJson(change.check));
  db.meta.putSync(textKey(META.KEK_FILE), encodeJson(change.file));
  db.meta.removeSync(textKey(META.KEK_NEXT));
}

/** A secret that is sealed again, for a commit. */
export interface ResealedSecret {
  readonly zoneId: number;
  readonly id: string;
  readonly value: Uint8Array;
}

/** A part of the secrets: those that are sealed again, and where the next part begins. */
export interface ResealSlice {
  readonly writes: readonly ResealedSecret[];
  /** Where the next one begins. */
  readonly from?: Uint8Array;
  readonly isLast: boolean;
}

/**
 * Looks at up to `limit` secrets from `from` on; while no key follows, all of them are to be sealed again. The problem
 * SECRET_SEALED: one opens under neither key.
 */
export function resealSlice(
  secrets: Octets,
  sealer: ChangingSealer,
  from: Uint8Array | undefined,
  limit: number,
  read: ReadOptions = {},
): Result<ResealSlice> {
  const writes: ResealedSecret[] = [];
  let last: Uint8Array | undefined;
  let count = 0;
  for (const { key, value } of secrets.getRange({
    ...(from === undefined ? {} : { start: Buffer.from(from) }),
    limit: limit + 1,
    ...read,
  })) {
    if (count++ === limit) {
      last = new Uint8Array(key);
      break;
    }
    const id = idOf(key);
    const label = labelOfSecret(id);
    if (label === undefined || isUnder(sealer.next, label, value)) continue;
    const opened = sealer.open(label, value);
    if (!opened.ok)
      return fail(
        problem(
          'SECRET_SEALED',
          atObject(label.id),
          `the secret ${label.id} opens under neither key-encryption key; the change stays where it is`,
          {
            fix: 'restore it from a backup, or remove the zone that it is of; both keys stay needed until then',
          },
        ),
      );
    writes.push({ zoneId: zoneIdOfKey(key), id, value: sealer.seal(label, opened.value) });
    opened.value.fill(0);
  }
  return ok(last === undefined ? { writes, isLast: true } : { writes, from: last, isLast: false });
}

function isUnder(sealer: Sealer | undefined, label: SealLabel, value: Uint8Array): boolean {
  const opened = sealer?.open(label, value);
  if (opened?.ok === true) opened.value.fill(0);
  return opened?.ok === true;
}

function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1', 4);
}

/** Sealed under the policy host's own key (ADR 0007). */
const OF_POLICY_HOST = /^(?:tls-key|acme-order)\//;

/** Secrets of which there is one, each sealed as what its id says. */
const OF_ITSELF: ReadonlySet<string> = new Set(['signers', 'tsig', 'audit-key']);

/** What a secret under this id is sealed as; undefined for those of the policy host's key. */
export function labelOfSecret(id: string): SealLabel | undefined {
  if (OF_POLICY_HOST.test(id)) return undefined;
  const purpose = OF_ITSELF.has(id)
    ? id
    : /^dkim-[0-9a-f]+$/.test(id)
      ? 'dkim-key'
      : id.startsWith('acme-account/')
        ? 'acme-account'
        : 'dnssec-key';
  return { purpose, id, version: 1 };
}

/** How many secrets are under the policy host's key: another key-encryption key leaves them as they are. */
export function countOfPolicyHost(secrets: Octets, read: ReadOptions = {}): number {
  let count = 0;
  for (const key of secrets.getKeys(read)) if (labelOfSecret(idOf(key)) === undefined) count++;
  return count;
}

/** Gives the key in a file; throws StoreFailure when there is none. */
export type OtherKek = (file: string) => Sealer;

/**
 * Sets `sealer`, which has the key that was given, up for what the store says; throws KEK_WRONG when the key is not
 * one of it. While the key changes, either of the two may have been given, and `other` finds the second.
 */
export function settleKek(
  { db, dir }: Environment,
  given: Sealer,
  installation: string,
  other: OtherKek | undefined,
): { readonly current: Sealer; readonly next?: Sealer } {
  const label = kekLabel(installation);
  const check = db.meta.get(textKey(META.KEK_CHECK));
  const sealed = Buffer.from(check === undefined ? '' : decodeJson(check, 'the key check', isString), 'base64');
  const isCurrent = given.open(label, sealed).ok;
  const change = readKekChange(db.meta);
  if (change === undefined) {
    if (isCurrent) return { current: given };
    throw wrong(
      dir,
      `the key-encryption key is not the one that the store in ${dir} was made with: its signing keys cannot be opened`,
      'put back the key file that it was made with, or restore store and key together',
    );
  }
  const { file, fileBefore } = change;
  const nextSealed = Buffer.from(change.check, 'base64');
  const isNext = !isCurrent && given.open(label, nextSealed).ok;
  const between = `the store in ${dir} is on its way from the key-encryption key in ${fileBefore} to that in ${file}`;
  const fix = 'put both files back';
  if (!isCurrent && !isNext) throw wrong(dir, `${between}, and the key that was given is neither`, fix);
  const second = other?.(isCurrent ? file : fileBefore);
  if (second === undefined || !second.open(label, isCurrent ? nextSealed : sealed).ok)
    throw wrong(dir, `${between}, and needs both; ${isCurrent ? file : fileBefore} is not that key`, fix);
  return isCurrent ? { current: given, next: second } : { current: second, next: given };
}

function wrong(dir: string, why: string, fix: string): StoreFailure {
  return new StoreFailure('KEK_WRONG', atPath(dir, 'the data directory'), `${why}. Nothing was changed`, fix);
}
