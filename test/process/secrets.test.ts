/** ADR 0007: which secrets which process may hold, as far as there are such processes and secrets. */
import { stripTypeScriptTypes } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig } from '#config/config.ts';
import { answerSettings, policyHostSettings } from '#process/answer-settings.ts';
import { answerEnvironment, controlEnvironment } from '#process/child-environment.ts';
import { readFolder } from '../support/architecture/sources.ts';
import { startServer } from '../support/running-server.ts';
import { good } from '../support/temporary-control.ts';

/** Modules that open sealed secrets, or read the key that opens them, or hold opened ones. */
const KEYS = ['store/seal.ts', 'store/kek.ts', 'store/writer.ts'];
/** What runs in the answer process: its main thread and its workers. */
const PUBLIC = ['process/answer-process.ts', 'server/worker.ts'];

/** Every module that running `entries` may load, by path below src/: types are gone, imports by `import()` count. */
function loadedBy(entries: readonly string[], sources: ReadonlyMap<string, string>): Set<string> {
  const loaded = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    const code = stripTypeScriptTypes(sources.get(path) ?? '');
    for (const [, specifier] of code.matchAll(/\b(?:from|import|resolve)\s*\(?\s*'((?:#|\.{1,2}\/)[^']+\.ts)'/g))
      queue.push(specifier!.startsWith('#') ? specifier!.slice(1) : posix.join(posix.dirname(path), specifier!));
  }
  return loaded;
}

describe('the answer process', () => {
  test('loads nothing that can open a sealed secret', () => {
    const sources = readFolder('src', '.ts');
    const loaded = loadedBy(PUBLIC, sources);
    expect(loaded.size).toBeGreaterThan(50);
    expect([...loaded].filter((path) => !sources.has(path))).toEqual([]);
    expect(KEYS.filter((path) => !sources.has(path))).toEqual([]);
    expect(KEYS.filter((path) => loaded.has(path))).toEqual([]);
    // Of dnssec/ the names of algorithms, roles and stages, which stand in the store's form of a zone; nothing that signs.
    const names = ['dnssec/algorithm-form.ts', 'dnssec/key-policy.ts', 'dnssec/key-stage.ts'];
    const kept = [...loaded].filter((path) => /^(?:control|admin|dnssec|mail)\//.test(path));
    expect(kept.toSorted()).toEqual(names);
  });

  test('would be found to: by a type import that stays, by import(), and the control process is', () => {
    const sources = readFolder('src', '.ts');
    expect(KEYS.filter((path) => loadedBy(['process/control-process.ts'], sources).has(path))).toEqual(KEYS);
    for (const line of ["import { type Sealer } from './seal.ts';", "await import('#store/seal.ts');"]) {
      const spoiled = new Map(sources).set('store/reader.ts', `${line}\n${sources.get('store/reader.ts')}`);
      expect(loadedBy(PUBLIC, spoiled).has('store/seal.ts')).toBe(true);
    }
  });

  test('gets settings and variables in which nothing leads to a key', () => {
    const environment = {
      WAXSEAL_KEYS__KEK_FILE: '/run/credentials/the-key',
      CREDENTIALS_DIRECTORY: '/run/credentials',
      NODE_OPTIONS: '--inspect',
      AWS_SECRET_ACCESS_KEY: 'secret',
      TZ: 'Europe/Vienna',
      NODE_COMPILE_CACHE: '/data/compile-cache',
    };
    const config = good(readConfig({ environment, flags: {}, workingDirectory: '/srv' }));
    expect(config.keys.kekFile).toBe('/run/credentials/the-key');
    expect(JSON.stringify(answerSettings(config, { plain: config.dns.listen }))).not.toContain('the-key');
    const passed = { TZ: 'Europe/Vienna', NODE_COMPILE_CACHE: '/data/compile-cache' };
    // Of the allocator's arenas the operator's own number counts, where there is one.
    expect(answerEnvironment(environment)).toEqual({ ...passed, MALLOC_ARENA_MAX: '2' });
    expect(answerEnvironment({ ...environment, MALLOC_ARENA_MAX: '5' })).toEqual({ ...passed, MALLOC_ARENA_MAX: '5' });
    const { NODE_OPTIONS: _, ...rest } = environment;
    expect(controlEnvironment(environment)).toEqual({ ...rest, MALLOC_ARENA_MAX: '2' });
  });

  test('as it runs: neither its arguments nor its environment have the path of the key', async () => {
    const server = await startServer();
    try {
      expect(await server.eventually(() => server.pids().policyHost !== undefined, 60_000)).toBe(true);
      const { control, answer, policyHost } = server.pids();
      const of = (pid: number, file: string) => readFileSync(join('/proc', String(pid), file), 'latin1');
      // The test's own environment names the file: control has it, answer has not.
      expect(of(control!, 'environ')).toContain(server.kekFile);
      expect(of(answer!, 'environ')).not.toContain(server.kekFile);
      expect(of(answer!, 'environ')).not.toContain('WAXSEAL');
      expect(of(answer!, 'cmdline')).not.toContain(server.folder);
      expect(of(policyHost!, 'environ')).not.toContain(server.kekFile);
      expect(of(policyHost!, 'environ')).not.toContain('WAXSEAL');
      expect(of(policyHost!, 'cmdline')).not.toContain(server.folder);
    } finally {
      await server.stop();
    }
  });
});

describe('the policy host', () => {
  test('may open what its own key seals, and loads no writer, nothing of control, and no signing', () => {
    const sources = readFolder('src', '.ts');
    const loaded = loadedBy(['policy-host/entry.ts'], sources);
    expect(loaded.size).toBeGreaterThan(50);
    expect([...loaded].filter((path) => !sources.has(path))).toEqual([]);
    expect(loaded.has('store/seal.ts')).toBe(true);
    expect(loaded.has('store/writer.ts')).toBe(false);
    expect([...loaded].filter((path) => /^(?:control|admin|server|answer)\//.test(path))).toEqual([]);
  });

  test('gets the path of its key and none of the others', async () => {
    const environment = { WAXSEAL_KEYS__KEK_FILE: '/run/the-kek', WAXSEAL_HTTPS__KEY_FILE: '/run/its-own' };
    const config = good(readConfig({ environment, flags: {}, workingDirectory: '/srv' }));
    const settings = JSON.stringify(await policyHostSettings(config));
    expect(settings).not.toContain('the-kek');
    expect(settings).toContain('/run/its-own');
  });

  test('is not there when https.listen is off', async () => {
    const config = good(readConfig({ environment: {}, flags: { 'https.listen': ['off'] }, workingDirectory: '/srv' }));
    expect(await policyHostSettings(config)).toBeUndefined();
  });
});
