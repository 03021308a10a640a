/**
 * What waxseal is made of beside its own code, for whoever passes it on: the licence texts of every package that it runs with, and the list
 * of them as an SBOM (CycloneDX). `npm run build` puts both into dist/. By package-lock.json, so that they are the same on every machine.
 * Not here: copying those packages (production-packages.ts).
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runNpm } from './npm.ts';
import { type LockedPackage, nameOf, productionPackages } from './production-packages.ts';

/** A package that the program runs with. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** Short name of the licence (SPDX), as the package gives it. */
  readonly license: string;
  readonly texts: readonly { readonly file: string; readonly text: string }[];
  /** The package of which it is a build for one kind of machine; it has no text of its own then. */
  readonly buildOf?: string;
}

/** Names of files with the terms of a package, or of what it has in source. */
const TERMS = /^(?:licen[cs]e|copying|copyright|notice)(?:[.-][\w.-]+)?$/i;
/** Such a file is a program, whatever its name is. */
const CODE = /\.(?:[cm]?[jt]s|json|map|html)$/i;
const RULE = '='.repeat(100);

/** Every package that the program runs with, by name; those for other kinds of machines too. */
export function thirdParties(root: string): readonly Part[] {
  const all = productionPackages(root);
  return all.map((each) => partOf(root, each, all)).toSorted((a, b) => (a.name + a.version < b.name + b.version ? -1 : 1));
}

function partOf(root: string, { path, version, license = 'not said', optional }: LockedPackage, all: readonly LockedPackage[]): Part {
  const name = nameOf(path);
  const texts = termsOf(join(root, path));
  const isBuild = optional === true && texts.length === 0;
  const origin = isBuild ? all.find((each) => each.optionalDependencies?.[name] !== undefined) : undefined;
  return { name, version, license, texts, ...(origin === undefined ? {} : { buildOf: nameOf(origin.path) }) };
}

function termsOf(folder: string): Part['texts'] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && TERMS.test(entry.name) && !CODE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((file) => !file.split('/').some((part) => part === 'node_modules' || part.startsWith('.')))
    .toSorted()
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8').trim() }));
}

/** The texts as one document. Throws for a package without any. */
export function licenceTexts(root: string): string {
  const own = readFileSync(join(root, 'LICENSE'), 'utf8');
  const mit = own.slice(own.indexOf('Permission is hereby granted')).trim();
  const head = 'waxseal runs with the packages below; each has its own terms. Those of waxseal are in LICENSE. Made by `npm run build`.\n';
  return `${[head, ...thirdParties(root).map((part) => partText(part, mit))].join(`\n${RULE}\n`)}\n`;
}

function partText({ name, version, license, texts, buildOf }: Part, mit: string): string {
  const head = `${name} ${version} (${license})\n`;
  if (buildOf !== undefined) return `${head}\nA build of ${buildOf} for one kind of machine, with the terms of ${buildOf}.\n`;
  if (texts.length > 0) return [head, ...texts.map(({ file, text }) => `--- ${file}\n\n${text}\n`)].join('\n');
  if (license !== 'MIT') throw new Error(`${name} ${version} has no text of its licence (${license}); write down where it stands`);
  return `${head}\nThe package says MIT, and has no text of it:\n\n${mit}\n`;
}

/**
 * The SBOM as npm writes it. npm leaves a package out that a tool of the development needs too, so it is asked in a folder whose package.json
 * and lock file know of no such tools.
 */
export function softwareBill(root: string): string {
  const { name, devDependencies: _, ...manifest } = readJson(join(root, 'package.json')) as Manifest;
  const lock = readJson(join(root, 'package-lock.json')) as Lock;
  const running = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  const { devDependencies: __, ...own } = lock.packages[''] ?? {};
  const parent = mkdtempSync(join(tmpdir(), 'waxseal-sbom-'));
  // npm calls what it describes as its folder is called.
  const folder = join(parent, name);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, ...manifest }));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages: { '': own, ...Object.fromEntries(running) } }));
    return runNpm(['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'], folder);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

interface Manifest {
  readonly name: string;
  readonly devDependencies?: unknown;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devDependencies?: unknown }>>;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
