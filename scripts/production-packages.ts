/**
 * The packages that the program runs with, as package-lock.json has them, and a copy of them from node_modules: for the Debian package and for
 * an installation without a registry.
 * Not here: their licences (third-party.ts).
 */
import { cpSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** An entry of package-lock.json. */
export interface LockedPackage {
  /** `node_modules/NAME`, or below another one. */
  readonly path: string;
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Files of packages that no program reads, by name or folder. */
const NOT_RUN = /\.(?:[cm]?ts|map|md|markdown|ya?ml|flow|c|cc|cpp|h|hpp|S|gypi?)$|\/(?:tests?|__tests__|benchmarks?|\.[^/]+)\/$/;

export function productionPackages(root: string): readonly LockedPackage[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Omit<LockedPackage, 'path'>>;
  };
  return Object.entries(lock.packages).flatMap(([path, entry]) => (path === '' || entry.dev === true ? [] : [{ path, ...entry }]));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/**
 * Copies those that are installed in `root` into `folder`/node_modules, with their links in .bin. Throws for one that is missing or of
 * another version; builds for other kinds of machines may be missing. `links`: hard links, for a folder that no program changes. `isRunOnly`: without
 * what no program reads: sources, types, tests, documents.
 */
export function copyProductionPackages(root: string, folder: string, { links = false, isRunOnly = false } = {}): void {
  const isWanted = (file: string) => !isRunOnly || !NOT_RUN.test(file);
  for (const { path, version, optional } of productionPackages(root)) {
    const from = join(root, path);
    if (!existsSync(from) && optional === true) continue;
    const { version: found } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { version: string };
    if (found !== version) throw new Error(`${path} is ${found}, and package-lock.json has ${version}: run npm install`);
    // Those inside others come with them.
    if (path.lastIndexOf('node_modules/') === 0) copyTree(from, join(folder, path), { links, isWanted });
  }
  const bin = join(root, 'node_modules', '.bin');
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  for (const name of readdirSync(bin)) {
    const target = readlinkSync(join(bin, name));
    const at = join(folder, 'node_modules', '.bin', name);
    if (existsSync(join(dirname(at), target))) symlinkSync(target, at);
  }
}

interface HowToCopy {
  readonly links: boolean;
  /** By a path that ends in `/` for a folder. */
  readonly isWanted: (path: string) => boolean;
}

function copyTree(from: string, to: string, how: HowToCopy): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (!how.isWanted(entry.isDirectory() ? `${source}/` : source)) continue;
    if (entry.isDirectory()) copyTree(source, target, how);
    else if (how.links) linkOrCopy(source, target);
    else cpSync(source, target);
  }
}

/** Another file system has no hard links to this one. */
function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    cpSync(source, target);
  }
}
