/** A signer is taken back while the server is down, and only then. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SignerRegister } from '#control/signers/register.ts';
import { newToken } from '#control/tokens/tokens.ts';
import { removeSignerOffline } from '#process/remove-signer.ts';
import { openWriter } from '#store/writer.ts';
import { LOCAL, signingControl } from '../support/signing-control.ts';
import { bad, good } from '../support/temporary-control.ts';
import { TEST_KEK, TEST_NOW_MS, auditEvent, countedRandom, temporaryFolder, writerOptions } from '../support/temporary-store.ts';

const USERS = { user: undefined, answerUser: undefined, confine: 'auto' } as const;

async function storeWithSigner() {
  const data = temporaryFolder();
  const kekFile = join(data, 'kek');
  writeFileSync(kekFile, `${Buffer.from(TEST_KEK).toString('base64')}\n`, { mode: 0o600 });
  const writer = openWriter(join(data, 'store'), writerOptions());
  const files = { form: 'exim', folder: '/proc/waxseal/mx1', command: [] } as const;
  const signer = { name: 'mx1', delivery: 'files', domains: ['a.example.'], allow: [], files, createdAtMs: 0 } as const;
  const token = newToken({ name: 'mx1', scopes: ['signer:mx1'] }, countedRandom(), TEST_NOW_MS).record;
  const { secrets = [] } = new SignerRegister(writer).replace([signer]);
  await writer.commit({ audit: auditEvent(), secrets, tokens: { put: [token] } });

  return { config: { data, keys: { kekFile, isKekFileGiven: true }, process: USERS }, writer };
}

test('while a server has the store nothing is changed; when it is down the signer goes with its tokens, and is in the audit log', async () => {
  const { config, writer } = await storeWithSigner();
  expect(bad(await removeSignerOffline(config, 'mx1', false))[0]).toMatchObject({ code: 'STORE_LOCKED' });
  await writer.close();
  good(await removeSignerOffline(config, 'mx1', true));
  good(await removeSignerOffline(config, 'mx1', false));
  expect(bad(await removeSignerOffline(config, 'mx1', false))[0]).toMatchObject({ code: 'SIGNER_NOT_FOUND' });
  const after = openWriter(join(config.data, 'store'), writerOptions());
  expect([new SignerRegister(after).records(), after.tokens()]).toEqual([[], []]);
  expect(after.audit(10)[0]).toMatchObject({ action: 'signer.remove', actor: { kind: 'system', id: 'offline' } });
  await after.close();
});

test('a mail policy that names the signer is warned of, as with the server up', async () => {
  const room = await signingControl();
  good(await room.control.signers.add({ name: 'mx1', delivery: 'fetch', domains: ['post.example'] }, { actor: LOCAL, dryRun: false }));
  const online = await room.control.signers.remove('mx1', { actor: LOCAL, dryRun: true });
  await room.control.close();
  const kekFile = join(room.dir, '..', 'kek');
  writeFileSync(kekFile, `${Buffer.from(TEST_KEK).toString('base64')}\n`, { mode: 0o600 });
  // The store stands in the folder of the test, as `store`.
  const config = { data: join(room.dir, '..'), keys: { kekFile, isKekFileGiven: true }, process: USERS };
  for (const isDryRun of [true, false]) {
    const removed = await removeSignerOffline(config, 'mx1', isDryRun);
    expect(removed).toMatchObject({ ok: true, warnings: [{ code: 'SIGNER_NOT_FOUND', severity: 'warning' }] });
    expect(removed.ok && removed.warnings).toEqual(online.ok && online.warnings);
  }
});

test('no store is made where there is none', async () => {
  const data = temporaryFolder();
  expect(
    bad(await removeSignerOffline({ data, keys: { kekFile: join(data, 'kek'), isKekFileGiven: true }, process: USERS }, 'mx1', false))[0],
  ).toMatchObject({
    code: 'STORE_MISSING',
  });
});
