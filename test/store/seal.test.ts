import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import { type Result } from '#base/problem.ts';
import { makeKek, readKek } from '#store/kek.ts';
import { createSealer } from '#store/seal.ts';

import { TEST_KEK, auditEvent, countedRandom, temporaryFolder, temporaryStore } from '../support/temporary-store.ts';

const LABEL = { purpose: 'dnssec-key', id: 'k1', version: 1 };
const SECRET = Uint8Array.from({ length: 32 }, (_, at) => at * 7 + 3);

function codeOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : result.problems[0]!.code;
}

describe('NIST SP 800-38D: sealed secrets', () => {
  test('open again, and never look alike twice', () => {
    const sealer = createSealer(TEST_KEK, countedRandom());
    for (const secret of [SECRET, new Uint8Array(0), new Uint8Array(5000).fill(1)]) {
      const sealed = sealer.seal(LABEL, secret);
      expect(sealed).toHaveLength(secret.length + 29);
      expect(sealer.open(LABEL, sealed)).toEqual({ ok: true, value: secret, warnings: [] });
      expect(sealer.seal(LABEL, secret)).not.toEqual(sealed);
    }
  });

  test('open with no other key, purpose, id or version', () => {
    const sealer = createSealer(TEST_KEK, countedRandom());
    const sealed = sealer.seal(LABEL, SECRET);
    expect(codeOf(createSealer(new Uint8Array(32).fill(9), countedRandom()).open(LABEL, sealed))).toBe('SECRET_SEALED');
    for (const other of [{ purpose: 'kek-check' }, { id: 'k2' }, { version: 2 }, { purpose: 'dnssec-key","k1', id: '' }])
      expect(codeOf(sealer.open({ ...LABEL, ...other }, sealed))).toBe('SECRET_SEALED');
  });

  test('open with no octet changed, none missing, none more', () => {
    const sealer = createSealer(TEST_KEK, countedRandom());
    const sealed = sealer.seal(LABEL, SECRET);
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice();
      changed[at]! ^= 0x10;
      expect(codeOf(sealer.open(LABEL, changed))).toBe('SECRET_SEALED');
      expect(codeOf(sealer.open(LABEL, sealed.subarray(0, at)))).toBe('SECRET_SEALED');
    }
    expect(codeOf(sealer.open(LABEL, Buffer.concat([sealed, Buffer.of(0)])))).toBe('SECRET_SEALED');
  });

  test('show nothing of key or secret in problems or by inspection', () => {
    const sealer = createSealer(TEST_KEK, countedRandom());
    const sealed = sealer.seal(LABEL, SECRET);
    sealed[20]! ^= 1;
    const shown = inspect([sealer, sealer.open(LABEL, sealed)], { depth: 9, showHidden: true });
    for (const secret of [TEST_KEK, SECRET])
      for (const form of ['hex', 'base64', 'latin1'] as const) expect(shown).not.toContain(Buffer.from(secret).toString(form));
    expect(shown).not.toContain([...SECRET.subarray(0, 4)].join(', '));
  });

  test('leave no plain key octets in any file of the store', async () => {
    const { dir, writer } = temporaryStore();
    const value = writer.sealer.seal(LABEL, SECRET);
    await writer.commit({ audit: auditEvent(), secrets: [{ zoneId: 0, id: 'k1', value }] });
    expect(writer.secret(0, LABEL)).toEqual(SECRET);
    expect(writer.secret(0, { ...LABEL, id: 'k9' })).toBeUndefined();
    expect(() => writer.secret(0, { ...LABEL, version: 2 })).toThrow('does not open');
    for (const file of readdirSync(dir).filter((each) => each !== 'writer.lock')) {
      const content = readFileSync(join(dir, file));
      expect(content.includes(SECRET)).toBe(false);
      expect(content.includes(TEST_KEK)).toBe(false);
    }
    expect(readFileSync(join(dir, 'data.mdb')).includes(value)).toBe(true);
    await writer.commit({ audit: auditEvent(), secrets: [{ zoneId: 0, id: 'k1', value: null }] });
    expect(writer.sealedSecret(0, 'k1')).toBeUndefined();
  });
});

describe('the key-encryption key’s file', () => {
  test('is made once, 0600 in a folder 0700, and read back', () => {
    const folder = join(temporaryFolder(), 'keys');
    const path = join(folder, 'kek');
    const key = makeKek(path, countedRandom());
    expect([statSync(folder).mode & 0o777, statSync(path).mode & 0o777, key.length]).toEqual([0o700, 0o600, 32]);
    expect(readKek(path)).toEqual({ ok: true, value: key, warnings: [] });
    expect(() => makeKek(path, countedRandom())).toThrow('EEXIST');
    expect(readKek(path)).toMatchObject({ ok: true, value: key });
  });

  test('closes the folder of a fresh clone, and no other folder', () => {
    const clone = temporaryFolder();
    const shared = temporaryFolder();
    for (const folder of [clone, shared]) chmodSync(folder, 0o755);
    writeFileSync(join(clone, 'README.md'), '');
    writeFileSync(join(shared, 'passwd'), '');
    for (const folder of [clone, shared]) makeKek(join(folder, 'kek'), countedRandom());
    expect([statSync(clone).mode & 0o777, statSync(shared).mode & 0o777]).toEqual([0o700, 0o755]);
  });

  test('may hold its octets as they are, in hexadecimal or in base64', () => {
    const path = join(temporaryFolder(), 'kek');
    const key = Buffer.from(SECRET);
    for (const content of [key, `${key.toString('hex')}\n`, key.toString('hex').toUpperCase(), `${key.toString('base64')}\n`]) {
      writeFileSync(path, content, { mode: 0o600 });
      expect(readKek(path)).toMatchObject({ ok: true, value: SECRET });
    }
    for (const content of ['', 'short', key.toString('hex').slice(1), Buffer.concat([key, key])]) {
      writeFileSync(path, content);
      expect(codeOf(readKek(path))).toBe('KEK_FILE');
    }
    expect(codeOf(readKek(join(path, 'nothing')))).toBe('KEK_FILE');
  });

  test('is refused when others may read or write it, with the command that mends it', () => {
    const path = join(temporaryFolder(), 'kek');
    makeKek(path, countedRandom());
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o777]) {
      chmodSync(path, mode);
      const refused = readKek(path);
      expect(codeOf(refused)).toBe('KEK_PERMISSIONS');
      expect(refused).toMatchObject({ problems: [{ fix: expect.stringContaining(`chmod 600 ${path}`) }] });
    }
    for (const mode of [0o600, 0o400]) {
      chmodSync(path, mode);
      expect(codeOf(readKek(path))).toBe('ok');
    }
  });
});
