/**
 * The npm package as users get it: packed by npm, and installed by npm into an empty folder, without a registry. The packages that it needs
 * lie there already, as package-lock.json has them.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { copyProductionPackages } from '../../scripts/production-packages.ts';

const ROOT = join(import.meta.dirname, '../..');
const NPM_MS = 120_000;

/** npm, with the Node of this process as its own. */
export function npm(words: readonly string[], cwd: string): string {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };
  const { status, stdout, stderr } = spawnSync('npm', words, { cwd, encoding: 'utf8', timeout: NPM_MS, env });
  if (status !== 0) throw new Error(`npm ${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** Packs into `folder` and installs it in `folder`/home; where it stands there. */
export function installPackage(folder: string): string {
  const tarball = packPackage(folder);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  copyProductionPackages(ROOT, home, { links: true });
  // An empty cache: what is not in the folder would be missing.
  npm(['install', '--offline', `--cache=${join(folder, 'cache')}`, '--ignore-scripts', '--no-audit', '--no-fund', tarball], home);
  return join(home, 'node_modules', 'waxseal');
}

/** The tarball. */
export function packPackage(folder: string): string {
  npm(['pack', '--silent', `--pack-destination=${folder}`], ROOT);
  const [name] = readdirSync(folder).filter((each) => each.endsWith('.tgz'));
  if (name === undefined) throw new Error('npm pack made no package');
  return join(folder, name);
}
