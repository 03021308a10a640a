/**
 * `waxseal dkim signer remove --offline`: takes a signer out of the store of a server that is down, should its orders
 * keep it from running.
 * Not here: the same with the server up (control/signers/signers.ts).
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { atPath } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { SignerRegister } from '#control/signers/register.ts';
import { stillNamed, storedPolicySigners } from '#control/signers/still-named.ts';
import { StoreFailure } from '#store/failure.ts';
import { storeExists } from '#store/store.ts';
import { type StoreConfig, openStore } from './open-store.ts';

type Removal = Promise<Result<undefined>>;

/**
 * Removes it with its tokens, and warns of policies that name it. Nothing is changed by a dry run, or while a server
 * has the store.
 */
export async function removeSignerOffline(config: StoreConfig, name: string, isDryRun: boolean): Removal {
  const dir = join(config.data, 'store');
  if (!storeExists(dir))
    return fail(
      problem('STORE_MISSING', atPath(dir, 'the store'), `there is no store in ${dir}`, { fix: 'name the data directory with --data' }),
    );
  const atMs = systemClock.nowMs();
  const opened = openStore(config, { random: (bytes) => new Uint8Array(randomBytes(bytes)), nowMs: atMs });
  if (!opened.ok) return opened;
  const { writer } = opened.value;
  try {
    const register = new SignerRegister(writer);
    const signer = register.find(name);
    const warnings = signer === undefined ? [] : stillNamed(signer, storedPolicySigners(writer));
    const decided = register.remove(name);
    if (!decided.ok) return decided;
    if (isDryRun) return ok(undefined, warnings);
    const { secrets = [], tokens = {}, detail } = decided.value;
    const audit = { atMs, actor: { kind: 'system', id: 'offline', from: '' }, action: 'signer.remove', detail } as const;
    await writer.commit({ audit, secrets, tokens, upkeep: true });
    return ok(undefined, warnings);
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    throw error;
  } finally {
    await writer.close();
  }
}
