/**
 * The npm package as users get it: packed by npm, and installed by npm into an empty folder, without a registry. The packages that it needs
 * lie there already, as package-lock.json has them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packPackage, runNpm } from '../../scripts/npm.ts';
import { copyProductionPackages } from '../../scripts/production-packages.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Packs into `folder` and installs it in `folder`/home. */
export function installPackage(folder: string): { readonly tarball: string; readonly installed: string } {
  const tarball = packPackage(ROOT, folder);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  copyProductionPackages(ROOT, home, { links: true });
  // An empty cache: what is not in the folder would be missing.
  runNpm(['install', '--offline', `--cache=${join(folder, 'cache')}`, '--ignore-scripts', '--no-audit', '--no-fund', tarball], home);
  return { tarball, installed: join(home, 'node_modules', 'waxseal') };
}
