/**
 * `npm run deb`: a Debian package made of the npm package, the packages that it runs with, and the pinned Node. No other program than
 * dpkg-deb, tar and npm takes part, and no registry is asked.
 *
 *   npm run deb -- [--out FOLDER] [--tarball FILE] [--version VERSION] [--maintainer "NAME <ADDRESS>"] [--compression xz|zstd|gzip|none]
 *
 * Not here: what runs when it is installed and removed (packaging/debian/), the units (packaging/systemd/).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { packPackage } from './npm.ts';
import { copyProductionPackages } from './production-packages.ts';

const ROOT = join(import.meta.dirname, '..');
const PACKAGING = join(ROOT, 'packaging');
/** Debian's names of machines. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** What Node, LMDB and koffi are linked with; the newest symbols that any of them asks for. */
const DEPENDS = 'libc6 (>= 2.34), libstdc++6 (>= 11), libgcc-s1, libatomic1';
const CONFIGURATION = '/etc/waxseal/waxseal.toml';
const SHELLS: Readonly<Record<string, string>> = {
  bash: 'usr/share/bash-completion/completions/waxseal',
  zsh: 'usr/share/zsh/vendor-completions/_waxseal',
  fish: 'usr/share/fish/vendor_completions.d/waxseal.fish',
};

export interface DebOptions {
  /** Folder for the package. */
  readonly out: string;
  /** Of `npm pack`; made when absent. */
  readonly tarball?: string | undefined;
  /** Debian's; that of the npm package when absent. Several: packages that differ in nothing else. */
  readonly versions?: readonly string[] | undefined;
  readonly maintainer?: string | undefined;
  readonly compression?: string | undefined;
}

/** The paths of the packages. */
export function buildDebs(options: DebOptions): readonly string[] {
  const { out, maintainer = 'local build <root@localhost>', compression = 'xz' } = options;
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || architecture === undefined)
    throw new Error(`a package for ${process.platform} ${process.arch} is not made: its Node, LMDB and koffi are those of this machine`);
  const work = mkdtempSync(join(tmpdir(), 'waxseal-deb-'));
  try {
    const tree = join(work, 'tree');
    const { version, description } = layOut(tree, unpack(options.tarball ?? packPackage(ROOT, work), work));
    mkdirSync(out, { recursive: true });
    return (options.versions ?? [debianVersion(version)]).map((each) => {
      writeControl(tree, { version: each, architecture, maintainer, description });
      const target = join(out, `waxseal_${each}_${architecture}.deb`);
      run('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '--build', tree, target]);
      return target;
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Debian sorts 1.0~rc.1 before 1.0, as SemVer sorts 1.0-rc.1. */
export function debianVersion(version: string): string {
  return version.replace('-', '~').replaceAll('-', '.');
}

function unpack(tarball: string, work: string): string {
  run('tar', ['-xzf', tarball, '-C', work]);
  return join(work, 'package');
}

/** Everything where Debian has it. */
function layOut(tree: string, unpacked: string): { readonly version: string; readonly description: string } {
  const home = join(tree, 'usr/lib/waxseal');
  const documents = join(tree, 'usr/share/doc/waxseal');
  for (const each of ['dist', 'package.json']) cpSync(join(unpacked, each), join(home, each), { recursive: true });
  for (const each of ['README.md', 'SECURITY.md', 'docs', 'zones', 'bench'])
    cpSync(join(unpacked, each), join(documents, each), { recursive: true });
  for (const each of ['THIRD-PARTY-LICENSES.txt', 'sbom.cdx.json']) copyFileSync(join(unpacked, 'dist', each), join(documents, each));
  writeFileSync(join(documents, 'changelog.gz'), gzipSync(readFileSync(join(unpacked, 'CHANGELOG.md')), { level: 9 }));
  copyFileSync(join(unpacked, 'CHANGELOG.md'), join(documents, 'CHANGELOG.md'));
  writeFileSync(join(documents, 'copyright'), copyright(readFileSync(join(unpacked, 'LICENSE'), 'utf8')));
  place(tree, 'usr/share/man/man1/waxseal.1.gz', gzipSync(readFileSync(join(unpacked, 'dist/waxseal.1')), { level: 9 }));
  copyProductionPackages(ROOT, home, { isRunOnly: true });
  copyNode(home, documents);
  place(tree, 'usr/bin/waxseal', readFileSync(join(PACKAGING, 'debian/waxseal.sh')), 0o755);
  place(tree, CONFIGURATION.slice(1), readFileSync(join(PACKAGING, 'debian/waxseal.toml')));
  for (const unit of readdirSync(join(PACKAGING, 'systemd')).filter((name) => /\.(?:service|socket)$/.test(name)))
    place(tree, `usr/lib/systemd/system/${unit}`, readFileSync(join(PACKAGING, 'systemd', unit)));
  place(tree, 'usr/lib/sysusers.d/waxseal.conf', readFileSync(join(PACKAGING, 'systemd/waxseal.sysusers')));
  place(tree, 'usr/lib/tmpfiles.d/waxseal.conf', readFileSync(join(PACKAGING, 'systemd/waxseal.tmpfiles')));
  for (const [shell, path] of Object.entries(SHELLS)) place(tree, path, completion(home, shell));
  return JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string; description: string };
}

function place(tree: string, path: string, content: string | Uint8Array, mode = 0o644): void {
  const target = join(tree, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, mode);
}

/** The pinned Node, with its terms. */
function copyNode(home: string, documents: string): void {
  const { resolve } = createRequire(join(ROOT, 'node_modules/node/package.json'));
  const folder = dirname(resolve(`node-linux-${process.arch}/package.json`));
  mkdirSync(join(home, 'bin'));
  copyFileSync(join(folder, 'bin/node'), join(home, 'bin/node'));
  chmodSync(join(home, 'bin/node'), 0o755);
  copyFileSync(join(folder, 'LICENSE'), join(documents, 'NODE-LICENSE.txt'));
}

function completion(home: string, shell: string): string {
  const words = [join(home, 'dist/main.js'), 'completion', shell];
  const text = run(join(home, 'bin/node'), words);
  // Running it has left compiled code there.
  rmSync(join(home, 'node_modules/.cache'), { recursive: true, force: true });
  return text;
}

function copyright(license: string): string {
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: waxseal',
    'Comment: Packages that it runs with: THIRD-PARTY-LICENSES.txt and sbom.cdx.json here. Node: NODE-LICENSE.txt.',
    '',
    'Files: *',
    `Copyright: ${/^Copyright.*$/m.exec(license)?.[0] ?? 'see below'}`,
    'License: Expat',
    ...license
      .trim()
      .split('\n')
      .map((line) => ` ${line === '' ? '.' : line}`),
    '',
  ].join('\n');
}

interface Described {
  readonly version: string;
  readonly architecture: string;
  readonly maintainer: string;
  readonly description: string;
}

function writeControl(tree: string, { version, architecture, maintainer, description }: Described): void {
  const files = filesBelow(tree);
  const kibibytes = Math.ceil(files.reduce((sum, file) => sum + statSync(join(tree, file)).size, 0) / 1024);
  const sums = files.map(
    (file) =>
      `${createHash('md5')
        .update(readFileSync(join(tree, file)))
        .digest('hex')}  ${file}`,
  );
  const control = [
    'Package: waxseal',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${kibibytes}`,
    `Depends: ${DEPENDS}`,
    'Recommends: systemd',
    'Section: net',
    'Priority: optional',
    "Description: authoritative DNS server that keeps a domain's mail trust in order",
    ` ${description}`,
    ' .',
    ' It has its own Node and needs no other.',
    '',
  ].join('\n');
  place(tree, 'DEBIAN/control', control);
  place(tree, 'DEBIAN/md5sums', `${sums.join('\n')}\n`);
  place(tree, 'DEBIAN/conffiles', `${CONFIGURATION}\n`);
  for (const script of ['postinst', 'prerm', 'postrm'])
    place(tree, `DEBIAN/${script}`, readFileSync(join(PACKAGING, 'debian', script)), 0o755);
  setModes(tree);
}

function filesBelow(tree: string): readonly string[] {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(tree.length + 1))
    .filter((file) => !file.startsWith('DEBIAN/'))
    .toSorted();
}

/** Whatever the umask of who builds it: everything may be read, and programs run. */
function setModes(tree: string): void {
  chmodSync(tree, 0o755);
  for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

function run(program: string, words: readonly string[]): string {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8', env, maxBuffer: 16 * 1024 * 1024 });
  if (error !== undefined) throw new Error(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`);
  return stdout;
}

if (import.meta.main) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { out: text, tarball: text, version: text, maintainer: text, compression: text } });
  const { version, out = ROOT } = values;
  const made = buildDebs({ ...values, out, versions: version === undefined ? undefined : [version] });
  process.stdout.write(`${made.join('\n')}\n`);
}
