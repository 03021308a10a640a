/**
 * The npm package outside the repository: installed by npm into an empty folder, it serves; its documents name nothing that it lacks; it has
 * the licences of all that it runs with, and their list; an old Node is told which one is needed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript5';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { nameOf, productionPackages } from '../../scripts/production-packages.ts';
import { thirdParties } from '../../scripts/third-party.ts';
import { exchangeUdp } from '../support/exchange.ts';
import { SystemdMachine } from '../support/systemd-machine.ts';
import { buildDebs, debianVersion } from '../../scripts/deb.ts';
import { runTool, toolPath } from '../support/tools.ts';
import { installPackage } from '../support/installed-package.ts';
import { startServer } from '../support/running-server.ts';
import { buildQuery, parseMessage } from '../support/wire.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'waxseal-package-'));
let installed = '';
let tarball = '';
beforeAll(() => void ({ installed, tarball } = installPackage(folder)));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

const textOf = (...path: string[]) => readFileSync(join(installed, ...path), 'utf8');
const { engines, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string }; version: string };
const LEAST = engines.node.replace('>=', '');

test('it serves signed zones, and its command line asks it', async () => {
  const program = [process.execPath, join(dirname(installed), '.bin', 'waxseal')] as const;
  const server = await startServer({ program, zones: join(installed, 'zones'), hasOwnCompileCache: true });
  onTestFinished(async () => void (await server.stop()));
  const query = buildQuery({ name: 'meridian-post.example.', type: 'SOA', edns: { size: 1232, dnssecOk: true } });
  const [reply] = await exchangeUdp(server, [query]);
  expect(parseMessage(reply!).answer.map(({ type }) => type)).toEqual(['SOA', 'RRSIG']);
  const { exit, out } = await server.cli('status', '--json');
  expect({ exit, version: (JSON.parse(out) as { version: string }).version }).toEqual({ exit: 0, version });
});

describe('a Node that is too old', () => {
  const launcher = () => join(installed, 'dist', 'waxseal.cjs');

  test.each(['0.10.48', '6.17.1', '20.19.5', '24.11.1'])('%s: one sentence with the one that is needed, exit 78', (old) => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${old}' }); require(${JSON.stringify(launcher())})`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', pretend], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 78, stdout: '' });
    expect(stderr).toContain(`needs Node ${LEAST} or newer, and this is Node ${old} (`);
  });

  test('can read it: no word in it is younger than ECMAScript 5', () => {
    const text = readFileSync(launcher(), 'utf8');
    const written = (target: ts.ScriptTarget) => {
      const { outputText, diagnostics } = ts.transpileModule(text, { compilerOptions: { target }, reportDiagnostics: true });
      expect(diagnostics).toEqual([]);
      return outputText;
    };
    expect(written(ts.ScriptTarget.ES5)).toBe(written(ts.ScriptTarget.ESNext));
    // The judge sees what is newer.
    expect(ts.transpileModule('var a = () => `b`;', { compilerOptions: { target: ts.ScriptTarget.ES5 } }).outputText).not.toContain('=>');
  });

  test('every place that says which Node is needed says the same', () => {
    const [major, minor] = LEAST.split('.');
    expect(readFileSync(launcher(), 'utf8')).toContain(`var LEAST = [${major}, ${minor}];`);
    expect(readFileSync(join(ROOT, 'src/main.ts'), 'utf8')).toContain(`NODE_LEAST = [${major}, ${minor}]`);
    expect(readFileSync(join(ROOT, 'waxseal'), 'utf8')).toContain(`needs Node ${LEAST} or newer`);
    expect(readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')).toContain(`Node ≥ ${LEAST}`);
  });
});

test('every relative link in its documents leads to a file in it', () => {
  const documents = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
  expect(documents).toContain(join('docs', 'operations.md'));
  const links = documents.flatMap((file) => {
    const targets = [...textOf(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, target]) => target!);
    return targets.map((target) => ({ file, target }));
  });
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter(({ file, target }) => !existsSync(join(installed, dirname(file), target)))).toEqual([]);
});

describe('what others may ask of whoever passes it on', () => {
  test('the licence texts of all packages that it runs with', () => {
    const texts = textOf('dist', 'THIRD-PARTY-LICENSES.txt');
    const parts = thirdParties(ROOT);
    expect(parts.map(({ name }) => name)).toEqual(expect.arrayContaining(['fastify', 'koffi', 'lmdb', '@noble/curves', 'pino']));
    for (const { name, version: each, license, texts: own } of parts) {
      expect(texts).toContain(`\n${name} ${each} (${license})\n`);
      for (const { text } of own) expect(texts).toContain(text);
    }
    // LMDB itself and what it brings, which lmdb has in source.
    for (const notice of ['The OpenLDAP Public License', 'Yann Collet']) expect(texts).toContain(notice);
    expect(textOf('LICENSE')).toContain('MIT');
  });

  test('an SBOM with each of them once, its version and licence', () => {
    interface Component {
      readonly name: string;
      readonly version: string;
      readonly licenses: readonly unknown[];
      readonly 'bom-ref': string;
    }
    const bill = JSON.parse(textOf('dist', 'sbom.cdx.json')) as {
      readonly bomFormat: string;
      readonly specVersion: string;
      readonly metadata: { readonly component: Component };
      readonly components: readonly Component[];
      readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
    };
    expect([bill.bomFormat, bill.specVersion]).toEqual(['CycloneDX', expect.stringMatching(/^1\.\d$/)]);
    expect([bill.metadata.component.name, bill.metadata.component.version]).toEqual(['waxseal', version]);
    const wanted = new Set(productionPackages(ROOT).map((each) => `${nameOf(each.path)}@${each.version}`));
    const listed = bill.components.map((each) => `${each.name}@${each.version}`);
    expect(listed.toSorted()).toEqual([...wanted].toSorted());
    for (const { licenses } of bill.components) expect(licenses.length).toBeGreaterThan(0);
    const refs = new Set([...bill.components, bill.metadata.component].map((each) => each['bom-ref']));
    for (const { ref, dependsOn = [] } of bill.dependencies) for (const each of [ref, ...dependsOn]) expect(refs).toContain(each);
  });
});

describe('the Debian package', () => {
  const NEXT = '99.0.0';
  const ZONE = 'meridian-post.example';
  let machine: SystemdMachine;
  let debs: { readonly first: string; readonly next: string };
  const isActive = (unit: string) => machine.run('systemctl', 'is-active', unit).out.trim();
  const soa = () => machine.run('dig', '@127.0.0.1', ZONE, 'SOA', '+short', '+time=10').out.trim();
  const install = (deb: string) => machine.run('dpkg', '--install', deb);

  beforeAll(async () => {
    const made = buildDebs({ out: folder, tarball, compression: 'none', versions: [version, NEXT] });
    const [first, next] = made.map((path) => join('/shared', path.slice(folder.length)));
    debs = { first: first!, next: next! };
    machine = new SystemdMachine(folder);
    await machine.booted();
    const drop = 'mkdir -p "$1"; printf "[Service]\\nWatchdogSec=5s\\n" > "$1/watchdog.conf"';
    machine.run('sh', '-c', drop, 'sh', '/run/systemd/system/waxseal.service.d');
  });
  afterAll(() => machine?.stop());

  test('is installed: the service runs as its own user, with the key that it got, and says what it does', () => {
    const { exit, out } = install(debs.first);
    expect({ exit, out }).toMatchObject({ exit: 0 });
    expect(out).toContain('made the key-encryption key /etc/waxseal/kek');
    expect(
      machine.run('systemctl', 'show', 'waxseal', '--property=ActiveState,StatusText,WatchdogUSec,NotifyAccess').out.split('\n'),
    ).toEqual(expect.arrayContaining(['ActiveState=active', 'StatusText=DNS is answered', 'WatchdogUSec=5s', 'NotifyAccess=main']));
    expect(machine.run('stat', '--format=%U %a', '/etc/waxseal/kek', '/var/lib/waxseal', '/var/lib/waxseal/data/store/data.mdb').out).toBe(
      'root 600\nwaxseal 700\nwaxseal 600\n',
    );
    const imported = machine.run('waxseal', 'zone', 'import', ZONE, `/usr/share/doc/waxseal/zones/${ZONE}.zone`);
    expect(imported).toMatchObject({ exit: 0 });
    expect(soa()).toContain(ZONE);
    expect((JSON.parse(machine.run('waxseal', 'status', '--json').out) as { version: string }).version).toBe(version);
    // The answering process is confined inside of what systemd allows.
    expect(machine.run('journalctl', '--unit=waxseal', '--output=cat').out).toContain('the answer process is confined (Landlock');
    // What is wrong with the file is said at once, and the configuration before stays.
    const reloaded = (end: string) =>
      machine.run('sh', '-c', `${end}; systemctl reload waxseal; echo $?; systemctl show --value --property=StatusText waxseal`).out;
    const file = '/etc/waxseal/waxseal.toml';
    expect(reloaded(`cp -p ${file} /tmp/good; echo 'nonsense = 1' >> ${file}`)).toMatch(
      /^1\nDNS is answered; the configuration .* has errors/,
    );
    expect(reloaded(`cp -p /tmp/good ${file}`)).toBe('0\nDNS is answered\n');
    for (const each of ['systemctl reload waxseal', 'test -s /usr/share/man/man1/waxseal.1.gz'])
      expect(machine.run('sh', '-c', each).exit).toBe(0);
    expect(isActive('waxseal')).toBe('active');
  });

  test('a supervisor that hangs is ended by the watchdog, and the service is back', async () => {
    const pidOf = () => machine.run('systemctl', 'show', '--value', '--property=MainPID', 'waxseal').out.trim();
    const before = pidOf();
    const uptime = () => Number(machine.run('ps', '-o', 'etimes=', '-p', before).out);
    // For longer than its time it has said that it lives.
    await expect.poll(uptime, { timeout: 30_000, interval: 200 }).toBeGreaterThan(6);
    expect([isActive('waxseal'), pidOf()]).toEqual(['active', before]);
    machine.run('kill', '-STOP', before);
    // All from one answer: between two questions the old process may have ended, and the next one not begun.
    const now = () => machine.run('systemctl', 'show', '--property=ActiveState,NRestarts', 'waxseal').out.trim().split('\n').toSorted();
    await expect.poll(now, { timeout: 30_000, interval: 300 }).toEqual(['ActiveState=active', 'NRestarts=1']);
    expect(pidOf()).not.toBe(before);
    expect(soa()).toContain(ZONE);
  });

  test('an upgrade with sockets of systemd leaves no query without an answer', async () => {
    const listen = ['127.0.0.1:53', '[::1]:53'].map((at) => `ListenDatagram=${at}\nListenStream=${at}`).join('\n');
    const unit = `[Socket]\nListenDatagram=\nListenStream=\n${listen}\n`;
    const folderOf = '/etc/systemd/system/waxseal-dns.socket.d';
    const script =
      'mkdir -p "$1"; printf %s "$2" > "$1/own.conf"; systemctl daemon-reload; systemctl stop waxseal; systemctl enable --now waxseal-dns.socket';
    expect(machine.run('sh', '-c', script, 'sh', folderOf, unit).exit).toBe(0);
    // The first query starts the service.
    expect(isActive('waxseal')).toBe('inactive');
    expect(soa()).toContain(ZONE);
    machine.run('sh', '-c', `echo '${ZONE} SOA' > /tmp/queries`);
    const load = machine.beside('dnsperf', '-s', '127.0.0.1', '-d', '/tmp/queries', '-l', '6', '-Q', '50', '-t', '20');
    const { exit, out } = await machine.beside('dpkg', '--install', debs.next);
    expect({ exit, out }).toMatchObject({ exit: 0 });
    const { out: report } = await load;
    expect(Number(/Queries sent:\s+(\d+)/.exec(report)?.[1])).toBeGreaterThan(100);
    expect(/Queries lost:\s+(\d+)/.exec(report)?.[1]).toBe('0');
    expect(machine.run('dpkg-query', '--show', '--showformat=${Version} ${Status}', 'waxseal').out).toBe(`${NEXT} install ok installed`);
    expect(isActive('waxseal')).toBe('active');
  });

  test('removal keeps data, keys and configuration; the next installation has them', () => {
    const { exit, out } = machine.run('dpkg', '--remove', 'waxseal');
    expect({ exit, out }).toMatchObject({ exit: 0 });
    expect(out).toContain('kept /var/lib/waxseal (zones and sealed keys) and /etc/waxseal');
    expect([isActive('waxseal'), isActive('waxseal-dns.socket')]).toEqual(['inactive', 'inactive']);
    expect(machine.run('sh', '-c', 'ls /usr/lib/waxseal /usr/bin/waxseal /usr/share/doc/waxseal').out).toBe('');
    expect(machine.run('ls', '/etc/waxseal', '/var/lib/waxseal').out.split('\n')).toEqual(
      expect.arrayContaining(['kek', 'waxseal.toml', 'data']),
    );
    const again = install(debs.next);
    expect(again.out).not.toContain('made the key-encryption key');
    expect(isActive('waxseal')).toBe('active');
    expect(soa()).toContain(ZONE);
  });

  test('purge says what it removes, and leaves what is not ours', () => {
    machine.run('sh', '-c', 'mkdir -p /var/lib/waxseal/backups/one; echo own > /etc/waxseal/notes');
    const { exit, out } = machine.run('dpkg', '--purge', 'waxseal');
    expect({ exit, out }).toMatchObject({ exit: 0 });
    expect(out).toContain('purge removes the store /var/lib/waxseal/data with all zones and keys');
    expect(out).toContain('kept what else is in /var/lib/waxseal: backups');
    expect(out).toContain('kept what else is in /etc/waxseal: notes');
    expect(machine.run('sh', '-c', 'ls /var/lib/waxseal /etc/waxseal').out).toBe('/etc/waxseal:\nnotes\n\n/var/lib/waxseal:\nbackups\n');
    expect(machine.run('sh', '-c', 'find /etc/systemd /usr/lib/systemd -name "waxseal*" -not -path "*.socket.d*"').out).toBe('');
  });

  test('versions sort in Debian as they do in npm', async () => {
    const order = ['1.0.0-alpha.1', '1.0.0-rc.1', '1.0.0-rc.1-build', '1.0.0', '1.0.1'].map(debianVersion);
    const pairs = order.slice(1).map((later, at) => ['--compare-versions', order[at]!, 'lt', later]);
    const codes = await Promise.all(pairs.map(async (words) => (await runTool('dpkg', words)).code));
    expect(codes).toEqual([0, 0, 0, 0]);
  });
});

describe('units', () => {
  const UNITS = join(ROOT, 'packaging/systemd');
  const unit = join(UNITS, 'waxseal.service');

  test('the service is closed to what it does not need: systemd-analyze security gives at most 2.0', async () => {
    const { code, stdout } = await runTool('systemd-analyze', ['--offline=true', '--threshold=20', 'security', unit]);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(Number(/exposure level for waxseal\.service: (\d+\.\d)/.exec(stdout)?.[1])).toBeLessThanOrEqual(2);
  });

  test('systemd understands every line', () => {
    const folderOf = mkdtempSync(join(tmpdir(), 'waxseal-units-'));
    onTestFinished(() => rmSync(folderOf, { recursive: true, force: true }));
    // The program where it is not installed.
    const names = readdirSync(UNITS).filter((name) => /\.(?:service|socket)$/.test(name));
    for (const name of names)
      writeFileSync(join(folderOf, name), readFileSync(join(UNITS, name), 'utf8').replace('/usr/bin/waxseal', '/bin/true'));
    const { status, stdout, stderr } = spawnSync(
      toolPath('systemd-analyze'),
      ['--man=no', '--recursive-errors=one', 'verify', ...names.map((name) => join(folderOf, name))],
      { encoding: 'utf8' },
    );
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
    expect(names).toEqual(['waxseal-admin.socket', 'waxseal-dns.socket', 'waxseal-https.socket', 'waxseal-tls.socket', 'waxseal.service']);
  });
});
