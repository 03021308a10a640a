/**
 * Keys go from BIND, ldns, Knot and PowerDNS to us and back: their own programs make the files and say the key tags, take
 * what we write, and sign and check zones with it.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bindFiles, readKeyFiles, writeNewFiles } from '#cli/dnssec-key-files.ts';
import { type OpenedKey } from '#control/api/dnssec-keys.ts';
import { nameOf } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type AlgorithmNumber } from '#dnssec/algorithm.ts';
import { dnskeyOf, formatPrivateKey, readPrivateKey } from '#dnssec/key-files/key-file.ts';
import { type ImportedKey, readGivenKeys } from '#dnssec/key-files/key-import.ts';
import { generateSecret, keyTagOf } from '#dnssec/key.ts';
import { good } from '../support/temporary-control.ts';
import { seededRandom } from '../support/random.ts';
import { runTool } from '../support/tools.ts';

const ZONE = nameOf('move.example.');
const TEXT = '$ORIGIN move.example.\n$TTL 300\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n*.w TXT "x"\n';
const random = seededRandom(23);
const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));

let folder = '';
let count = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxseal-keys-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function place(): string {
  const path = join(folder, String(++count));
  mkdirSync(path, { mode: 0o700 });
  return path;
}

async function tool(program: string, words: readonly string[], cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await runTool(program, words, cwd === undefined ? {} : { cwd });
  expect([program, code, code === 0 ? '' : stderr + stdout]).toEqual([program, 0, '']);
  return stdout;
}

/** The keys in these files, as an import of them would have them. */
function read(files: readonly string[]): readonly ImportedKey[] {
  const given = readKeyFiles(ZONE, files, {}, folder);
  expect(given.published).toEqual([]);
  return good(readGivenKeys(ZONE, { ...given }, Math.floor(Date.now() / 1000) + 5)).keys;
}

const said = (keys: readonly ImportedKey[]) =>
  keys.map(({ role, algorithm, dnskey }) => `${role} ${algorithm} ${keyTagOf(dnskey)}`).toSorted();

/** A key of ours as an export has it. */
function ours(algorithm: AlgorithmNumber, role: 'csk' | 'ksk' | 'zsk', secret: Uint8Array): OpenedKey {
  const flags = role === 'zsk' ? 256 : 257;
  const dnskey = dnskeyOf({ algorithm, secret }, flags);
  const createdSeconds = Math.floor(Date.now() / 1000) - 60;
  return {
    role,
    state: 'active',
    algorithm,
    flags,
    keyTag: keyTagOf(dnskey),
    createdSeconds,
    publicKey: `move.example. 300 IN DNSKEY ${formatRdata(TYPE.DNSKEY, dnskey)}`,
    privateKey: formatPrivateKey({ algorithm, secret }, createdSeconds),
  };
}

describe('what comes', () => {
  test.each([
    ['ECDSAP256SHA256', 13],
    ['ECDSAP384SHA384', 14],
    ['ED25519', 15],
    ['ED448', 16],
    ['RSASHA256', 8],
  ] as const)('BIND: KSK and ZSK of %s, by dnssec-keygen', async (name, number) => {
    const cwd = place();
    const size = number === 8 ? ['-b', '2048'] : [];
    const ksk = (await tool('dnssec-keygen', ['-q', '-a', name, ...size, '-f', 'KSK', '-K', cwd, 'move.example'])).trim();
    const zsk = (await tool('dnssec-keygen', ['-q', '-a', name, ...size, '-K', cwd, 'move.example'])).trim();
    const tag = (base: string) => Number(base.slice(-5));
    expect(said(read([ksk, zsk].map((base) => join(cwd, `${base}.private`))))).toEqual([
      `ksk ${number} ${tag(ksk)}`,
      `zsk ${number} ${tag(zsk)}`,
    ]);
  });

  test('ldns: .private files of ldns-keygen, v1.2', async () => {
    const cwd = place();
    const base = (await tool('ldns-keygen', ['-a', 'ECDSAP256SHA256', '-k', 'move.example'], cwd)).trim();
    expect(said(read([join(cwd, `${base}.private`)]))).toEqual([`csk 13 ${Number(base.slice(-5))}`]);
  });

  test('Knot: PEM of its KASP database, with the records of keymgr dnskey', async () => {
    const cwd = place();
    const make = (words: readonly string[]) => tool('keymgr', ['-D', cwd, 'move.example', 'generate', ...words]);
    const ids = [
      await make(['algorithm=ECDSAP384SHA384', 'ksk=yes', 'zsk=no']),
      await make(['algorithm=ECDSAP384SHA384', 'ksk=no', 'zsk=yes']),
    ].map((each) => each.trim());
    const list = await tool('keymgr', ['-D', cwd, 'move.example', 'list', '-e']);
    const tags = [...list.matchAll(/ksk=(yes|no).*?tag=(\d+)/g)].map(
      ([, isKsk, tag]) => `${isKsk === 'yes' ? 'ksk' : 'zsk'} 14 ${Number(tag)}`,
    );
    const records = await Promise.all(ids.map((id) => tool('keymgr', ['-D', cwd, 'move.example', 'dnskey', id])));
    writeFileSync(join(cwd, 'dnskeys.txt'), records.join(''));
    const files = [...ids.map((id) => join(cwd, 'keys', `${id}.pem`)), join(cwd, 'dnskeys.txt')];
    expect(said(read(files))).toEqual(tags.toSorted());
  });

  test('PowerDNS: pdnsutil export-zone-key and export-zone-dnskey, ISC form and PEM', async () => {
    const cwd = await pdns();
    await tool('pdnsutil', [...config(cwd), 'create-zone', 'move.example', 'ns.move.example']);
    await tool('pdnsutil', [...config(cwd), 'add-zone-key', 'move.example', 'ksk', 'active', 'published', 'ecdsa256']);
    await tool('pdnsutil', [...config(cwd), 'add-zone-key', 'move.example', 'zsk', 'active', 'published', 'ecdsa256']);
    const shown = await tool('pdnsutil', [...config(cwd), 'show-zone', 'move.example']);
    const keys = [...shown.matchAll(/ID = (\d+) \((KSK|ZSK|CSK)\), flags = \d+, tag = (\d+)/g)];
    expect(keys).toHaveLength(2);
    const files = await Promise.all(
      keys.map(async ([, id], at) => {
        const privateText = await tool('pdnsutil', [
          ...config(cwd),
          at === 0 ? 'export-zone-key' : 'export-zone-key-pem',
          'move.example',
          id!,
        ]);
        const publicText = await tool('pdnsutil', [...config(cwd), 'export-zone-dnskey', 'move.example', id!]);
        writeFileSync(join(cwd, `${id}.key`), privateText);
        writeFileSync(join(cwd, `${id}.dnskey`), publicText);
        return [join(cwd, `${id}.key`), join(cwd, `${id}.dnskey`)];
      }),
    );
    const wanted = keys.map(([, , role, tag]) => `${role!.toLowerCase()} 13 ${tag}`).toSorted();
    expect(said(read(files.flat()))).toEqual(wanted);
  });
});

describe('what goes', () => {
  const written = (keys: readonly OpenedKey[], cwd: string): string[] => {
    const files = keys.flatMap((key) => bindFiles('move.example.', cwd, key));
    writeNewFiles(files, cwd);
    expect(() => writeNewFiles(files, cwd)).toThrow(/is there already/);
    for (const { path } of files) expect(statSync(path).mode & 0o777).toBe(0o600);
    return files.filter(({ path }) => path.endsWith('.key')).map(({ path }) => path.replace(/\.key$/, ''));
  };

  test.each([13, 14, 15, 16] as const)(
    'algorithm %i: BIND signs a zone with the exported KSK and ZSK; BIND and ldns find it good; Knot takes them',
    async (number) => {
      const cwd = place();
      const keys = [ours(number, 'ksk', generateSecret(bytes, number)), ours(number, 'zsk', generateSecret(bytes, number))];
      const bases = written(keys, cwd);
      writeFileSync(join(cwd, 'zone'), TEXT);
      await tool('dnssec-signzone', ['-Q', '-S', '-K', cwd, '-o', 'move.example', '-f', join(cwd, 'signed'), join(cwd, 'zone')], cwd);
      await tool('dnssec-verify', ['-o', 'move.example', join(cwd, 'signed')]);
      await tool('ldns-verify-zone', [join(cwd, 'signed')]);
      mkdirSync(join(cwd, 'kasp'));
      for (const base of bases) await tool('keymgr', ['-D', join(cwd, 'kasp'), 'move.example', 'import-bind', base]);
      const list = await tool('keymgr', ['-D', join(cwd, 'kasp'), 'move.example', 'list', '-e']);
      const tags = [...list.matchAll(/ tag=(\d+)/g)].map(([, tag]) => Number(tag));
      expect(new Set(tags)).toEqual(new Set(keys.map(({ keyTag }) => keyTag)));
    },
  );

  test('RSA keys that came from BIND go to ldns, which signs with them, and to PowerDNS', async () => {
    const cwd = place();
    const base = (await tool('dnssec-keygen', ['-q', '-a', 'RSASHA256', '-b', '2048', '-f', 'KSK', '-K', cwd, 'move.example'])).trim();
    const [came] = read([join(cwd, `${base}.private`)]);
    const out = join(cwd, 'out');
    mkdirSync(out);
    const [exported] = written([ours(8, 'csk', came!.secret)], out);
    expect(readdirSync(out).map((name) => name.replace(/\.\w+$/, ''))).toEqual([base, base]);
    writeFileSync(join(cwd, 'zone'), TEXT);
    await tool('ldns-signzone', ['-A', '-f', join(cwd, 'signed'), join(cwd, 'zone'), exported!]);
    await tool('ldns-verify-zone', [join(cwd, 'signed')]);
    const pdnsFolder = await pdns();
    await tool('pdnsutil', [...config(pdnsFolder), 'create-zone', 'move.example', 'ns.move.example']);
    await tool('pdnsutil', [...config(pdnsFolder), 'import-zone-key', 'move.example', `${exported!}.private`, 'active', 'ksk']);
    expect(await tool('pdnsutil', [...config(pdnsFolder), 'show-zone', 'move.example'])).toContain(`tag = ${Number(base.slice(-5))},`);
    expect(good(readPrivateKey(formatPrivateKey({ algorithm: 8, secret: came!.secret }, 0))).secret).toEqual(came!.secret);
  });
});

/** An empty store of PowerDNS. */
async function pdns(): Promise<string> {
  const cwd = place();
  const { stdout } = await runTool('sh', ['-c', 'ls -d /usr/lib/*/pdns /usr/lib/pdns 2>/dev/null | head -1']);
  writeFileSync(join(cwd, 'pdns.conf'), `launch=lmdb\nlmdb-filename=${cwd}/db\nlmdb-shards=1\nmodule-dir=${stdout.trim()}\n`);
  chmodSync(join(cwd, 'pdns.conf'), 0o600);
  return cwd;
}

function config(cwd: string): readonly string[] {
  return [`--config-dir=${cwd}`];
}
