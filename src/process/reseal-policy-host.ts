/**
 * `waxseal keys reseal --policy-host`: the keys of certificates are sealed under another key of the policy host, with
 * the server down: the policy host reads its key once, and may read no other file.
 * Not here: the key-encryption key of everything else (control/reseal.ts).
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { atObject, atPath } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type Config } from '#config/config.ts';
import { StoreFailure } from '#store/failure.ts';
import { POLICY_HOST_KEY_ROLE, makeKek, readKek } from '#store/kek.ts';
import { type Sealer, createSealer } from '#store/seal.ts';
import { storeExists } from '#store/store.ts';
import { openOrderKey, orderKeyWrite, readCertificatesState } from '#store/tls/certificates.ts';
import { hostCertificates, hostKeyWrite, openHostKey } from '#store/tls/host-certificate.ts';
import { type SecretWrite, type StoreWriter } from '#store/writer.ts';
import { type StoreConfig, openStore } from './open-store.ts';

export interface PolicyHostReseal {
  readonly file: string;
  readonly fileBefore: string;
  readonly isMade: boolean;
  /** Keys of certificates and of orders under way that were sealed again. */
  readonly secrets: number;
}

const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));

/**
 * Seals all of them under the key in `file`, which is made when it is not there, in one transaction: a process that
 * dies leaves all as before, or all done. Done again it does nothing. Nothing is changed by a dry run.
 */
export async function resealPolicyHost(
  config: StoreConfig & Pick<Config, 'https'>,
  file: string,
  isDryRun: boolean,
): Promise<Result<PolicyHostReseal>> {
  const dir = join(config.data, 'store');
  const { keyFile: fileBefore } = config.https;
  if (!storeExists(dir))
    return fail(
      problem('STORE_MISSING', atPath(dir, 'the store'), `there is no store in ${dir}`, { fix: 'name it with --data' }),
    );
  const before = sealerIn(fileBefore);
  if (!before.ok) return before;
  const opened = openStore(config, { random, nowMs: systemClock.nowMs() });
  if (!opened.ok) return opened;
  const { writer } = opened.value;
  const isMade = !existsSync(file);
  const outcome = { file, fileBefore, isMade };
  try {
    if (isMade && isDryRun) return ok({ ...outcome, secrets: writer.secretsOfPolicyHost() });
    if (isMade) makeKek(file, random, POLICY_HOST_KEY_ROLE).fill(0);
    const next = sealerIn(file);
    if (!next.ok) return next;
    const secrets = resealed(writer, before.value, next.value);
    if (!secrets.ok) return secrets;
    const done = { ...outcome, secrets: secrets.value.length };
    if (isDryRun || done.secrets === 0) return ok(done);
    const detail = `keys of certificates are under the policy host's key in ${file}; before: ${fileBefore}`;
    const actor = { kind: 'system', id: 'offline', from: '' } as const;
    const audit = { atMs: systemClock.nowMs(), actor, action: 'https.reseal', detail };
    await writer.commit({ audit, secrets: secrets.value, upkeep: true });
    return ok(done);
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    throw error;
  } finally {
    await writer.close();
  }
}

function sealerIn(file: string): Result<Sealer> {
  const key = readKek(file, POLICY_HOST_KEY_ROLE);
  if (!key.ok) return key;
  const sealer = createSealer(key.value, random);
  key.value.fill(0);
  return ok(sealer);
}

/** Those that are not under the next key yet. The problem SECRET_SEALED: one opens with neither. */
function resealed(writer: StoreWriter, before: Sealer, next: Sealer): Result<readonly SecretWrite[]> {
  const writes: SecretWrite[] = [];
  for (const { id: zoneId } of writer.zones()) {
    for (const certificate of hostCertificates(writer, zoneId)) {
      const { host, keyVersion: version } = certificate;
      const opened = openHostKey(writer, before, zoneId, certificate);
      if (opened?.ok === true) {
        writes.push(hostKeyWrite(next, zoneId, host, { der: opened.value, version }));
        opened.value.fill(0);
      } else if (opened !== undefined && !isOpen(openHostKey(writer, next, zoneId, certificate)))
        return fail(sealed(host));
    }
    for (const { data } of readCertificatesState(writer, zoneId)?.lifecycle.objects ?? []) {
      const { host } = data;
      for (const version of new Set([data.order?.keyVersion, data.issued?.keyVersion])) {
        if (version === undefined) continue;
        const opened = openOrderKey(writer, before, zoneId, host, version);
        if (opened?.ok !== true) continue;
        writes.push(orderKeyWrite(next, zoneId, host, { der: opened.value, version }));
        opened.value.fill(0);
      }
    }
  }
  return ok(writes);
}

/** Wipes what it opened. */
function isOpen(opened: Result<Uint8Array> | undefined): boolean {
  if (opened?.ok === true) opened.value.fill(0);
  return opened?.ok === true;
}

function sealed(host: string) {
  const why = `the key of the certificate of ${host} opens with neither key; nothing was changed`;
  return problem('SECRET_SEALED', atObject(host), why, {
    fix: 'name the file that it was sealed with in https.key_file, or have another: waxseal cert renew ZONE HOST',
  });
}
