/** The keys of certificates under another key of the policy host: all or none, with the server down. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Config } from '#config/config.ts';
import { resealPolicyHost } from '#process/reseal-policy-host.ts';
import { readKek } from '#store/kek.ts';
import { createSealer } from '#store/seal.ts';
import { hostCertificateWrite, hostCertificates, hostKeyWrite, openHostKey } from '#store/tls/host-certificate.ts';
import { openWriter } from '#store/writer.ts';
import { bad, good } from '../support/temporary-control.ts';
import {
  TEST_KEK,
  auditEvent,
  countedRandom,
  temporaryFolder,
  writerOptions,
  zoneRecord,
} from '../support/temporary-store.ts';

const HOSTS = ['mta-sts.a.example', 'bimi.a.example'];
const HOST_KEY = new Uint8Array(32).fill(5);
const der = (host: string): Uint8Array => new Uint8Array(Buffer.from(`key of ${host}`));

async function stopped(sealedUnder = HOST_KEY) {
  const data = temporaryFolder();
  const write = (name: string, key: Uint8Array): string => {
    writeFileSync(join(data, name), key, { mode: 0o600 });
    return join(data, name);
  };
  const kekFile = write('kek', TEST_KEK);
  const keyFile = write('policy-host', HOST_KEY);
  const writer = openWriter(join(data, 'store'), writerOptions());
  const sealer = createSealer(sealedUnder, countedRandom());
  const of = { chain: '', notBeforeMs: 0, notAfterMs: 1, origin: 'file' } as const;
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(1, 'a.example.')] },
    documents: HOSTS.map((host) => hostCertificateWrite(1, host, { host, keyVersion: 3, ...of })),
    secrets: HOSTS.map((host) => hostKeyWrite(sealer, 1, host, { der: der(host), version: 3 })),
  });
  const users = { user: undefined, answerUser: undefined, confine: 'auto' } as const;
  const config = {
    data,
    keys: { kekFile, isKekFileGiven: true },
    process: users,
    https: { keyFile } as Config['https'],
  };
  return { config, writer, next: join(data, 'policy-host-2') };
}

/** Hosts whose key opens with the key in `file`. */
async function opened(data: string, file: string): Promise<readonly string[]> {
  const writer = openWriter(join(data, 'store'), writerOptions());
  const sealer = createSealer(good(readKek(file)), countedRandom());
  const found = hostCertificates(writer, 1).filter((each) => {
    const key = openHostKey(writer, sealer, 1, each);
    return key?.ok === true && Buffer.from(key.value).equals(der(each.host));
  });
  await writer.close();
  return found.map(({ host }) => host).toSorted();
}

test('nothing while a server has the store, nothing by a dry run; then all of them, and nothing is left to do', async () => {
  const { config, writer, next } = await stopped();
  expect(bad(await resealPolicyHost(config, next, false))[0]).toMatchObject({ code: 'STORE_LOCKED' });
  await writer.close();
  expect(good(await resealPolicyHost(config, next, true))).toMatchObject({ secrets: 2, isMade: true });
  expect(existsSync(next)).toBe(false);
  expect(await opened(config.data, config.https.keyFile)).toEqual(HOSTS.toSorted());
  expect(good(await resealPolicyHost(config, next, false))).toMatchObject({ secrets: 2, isMade: true });
  expect(statSync(next).mode & 0o777).toBe(0o600);
  expect([await opened(config.data, next), await opened(config.data, config.https.keyFile)]).toEqual([
    HOSTS.toSorted(),
    [],
  ]);
  // Killed before it said so: done again, it finds nothing.
  expect(good(await resealPolicyHost(config, next, false))).toMatchObject({ secrets: 0, isMade: false });
});

test('a key that opens with neither: nothing is changed, and the host is named', async () => {
  const { config, writer, next } = await stopped(new Uint8Array(32).fill(6));
  await writer.close();
  const [problem] = bad(await resealPolicyHost(config, next, false));
  expect(problem).toMatchObject({
    code: 'SECRET_SEALED',
    message: expect.stringMatching(/mta-sts\.a\.example|bimi\.a\.example/),
  });
});
