/**
 * The house rules of the source tree as one pure function from sources to violations.
 * Not here: types and formatting (tsc, oxlint and oxfmt know those better).
 */
import { posix } from 'node:path';
import { type Sources, topFolderOf, withoutComments, withoutStrings } from './architecture/sources.ts';
import { checkSubFolderImport, findUnknownSubFolders } from './architecture/sub-folders.ts';

/** Folders of src/ by floor: a file imports its own folder and folders on lower floors only. Folders on one floor never meet. */
export const FLOORS: readonly (readonly string[])[] = [
  ['base'],
  ['dns', 'config'],
  ['zone', 'lifecycle'],
  ['dnssec', 'mail', 'certificate'],
  ['store'],
  ['answer'],
  ['transfer'],
  ['control', 'server', 'policy-host'],
  ['admin'],
  ['process'],
  ['cli'],
];

/** The one file of src/ itself is above everything. */
const ROOT_FLOOR: Readonly<Record<string, number>> = { 'main.ts': FLOORS.length };

/** Packages that few folders may import: the trap-ridden ones. */
const FEW_IMPORTERS: Readonly<Record<string, readonly string[]>> = { lmdb: ['store'], koffi: ['server', 'process'], fastify: ['admin'] };

/** Files that one folder may hold; past it there is a second folder in it. */
export const FOLDER_FILES_MAX = 25;
/** One file for each thing of the outside world: a command's noun, a record type. */
const LONG_FOLDERS: readonly string[] = ['cli', 'dns/rdata'];

/** Lines a file may have; past it there are two things in it. */
export const LINES_MAX = 400;

interface Import {
  readonly specifier: string;
  readonly line: number;
}

const IMPORT = /^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;
/** Scripts started by path: `siblingModule(import.meta.url, 'worker')`, `new URL('./<worker>.ts', import.meta.url)`. */
const STARTED =
  /siblingModule\(\s*import\.meta\.(?:url|resolve\(\s*'(#[^']+)'\s*\)),\s*'([^']+)'\s*,?\s*\)|new URL\(\s*'\.\/([^']+)\.ts',\s*import\.meta\.url\s*\)/g;

function importsOf(code: string): Import[] {
  return [...code.matchAll(IMPORT)].map((match) => ({
    specifier: (match[1] ?? match[2])!,
    line: code.slice(0, match.index + match[0].length).split('\n').length,
  }));
}

function floorOf(path: string): number {
  const folder = topFolderOf(path);
  if (folder === undefined) return ROOT_FLOOR[path] ?? -1;
  return FLOORS.findIndex((folders) => folders.includes(folder));
}

/** Path below src/ that a specifier of `from` means, or undefined for a package. */
function targetOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

function checkImports(path: string, imports: readonly Import[], sources: Sources): string[] {
  const violations: string[] = [];
  const folder = topFolderOf(path);
  for (const { specifier, line } of imports) {
    const at = `${path}:${line}: imports ${specifier}`;
    const target = targetOf(path, specifier);
    if (target === undefined) {
      const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!;
      const owners = FEW_IMPORTERS[name];
      if (owners?.includes(folder ?? '') === false) violations.push(`${at}: only ${owners.join(' and ')}/ may import ${name}`);
      continue;
    }
    if (!sources.has(target)) violations.push(`${at}: there is no src/${target}`);
    const targetFolder = topFolderOf(target);
    const staysInside = targetFolder === folder;
    const isSibling = posix.dirname(target) === posix.dirname(path);
    if (specifier.startsWith('#') && isSibling) violations.push(`${at}: siblings are imported as ./file.ts`);
    if (specifier.startsWith('.') && !isSibling) violations.push(`${at}: other folders are imported as #folder/file.ts`);
    if (!staysInside && floorOf(target) >= floorOf(path))
      violations.push(`${at}: imports go down only, and folders of one floor never meet`);
    const inside = staysInside && folder !== undefined ? checkSubFolderImport(path, target) : undefined;
    if (inside !== undefined) violations.push(`${at}: ${inside}`);
  }
  return violations;
}

/** Each import cycle once, as `a → b → a`. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path);
    if (at >= 0) cycles.push(`cycle: ${[...trail.slice(at), path].join(' → ')}`);
    if (at >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

function findUnreached(entries: readonly string[], edges: ReadonlyMap<string, readonly string[]>): string[] {
  const reached = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    queue.push(...(edges.get(path) ?? []));
  }
  return [...edges.keys()].filter((path) => !reached.has(path));
}

function checkText(path: string, source: string, code: string): string[] {
  const violations: string[] = [];
  const lines = source.split('\n').length - (source.endsWith('\n') ? 1 : 0);
  if (lines > LINES_MAX) violations.push(`${path}: ${lines} lines, at most ${LINES_MAX}: look for the second thing in it`);
  if (!source.replace(/^#![^\n]*\n/, '').startsWith('/**')) violations.push(`${path}: no head comment`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(posix.basename(path))) violations.push(`${path}: file names are kebab-case`);
  if (/^\s*export\s+default\b|^\s*export\s*\{[^}]*\bdefault\b/m.test(code)) violations.push(`${path}: default export`);
  if (/@ts-(ignore|nocheck|expect-error)/.test(source)) violations.push(`${path}: switches the type checker off`);
  if (/oxlint-disable|eslint-disable/.test(source)) violations.push(`${path}: switches the linter off`);
  if (/(?::|<|\bas|\|)\s*any\b(?!\()|\bany\[\]/.test(withoutStrings(code))) violations.push(`${path}: any`);
  if (/^\s*(export\s+)?(const\s+)?enum\s/m.test(code)) violations.push(`${path}: enum (not erasable)`);
  if (/^\s*export\s+\*/m.test(code)) violations.push(`${path}: re-exports everything`);
  const statements = code.replaceAll(/^\s*(import|export)\b[^'";]*from\s*'[^']+';?/gm, '').trim();
  if (statements === '' && code.trim() !== '') violations.push(`${path}: a barrel: it only passes on what others export`);
  return violations;
}

function findFullFolders(paths: Iterable<string>): string[] {
  const counts = Map.groupBy(paths, (path) => posix.dirname(path));
  return [...counts]
    .filter(([folder, files]) => files.length > FOLDER_FILES_MAX && !LONG_FOLDERS.includes(folder))
    .map(([folder, files]) => `${folder}: ${files.length} files, at most ${FOLDER_FILES_MAX}: look for the sub-folder in it`);
}

/** Every violation of the house rules in `sources`; `entries` are the programs' first files. */
export function checkArchitecture(sources: Sources, entries: readonly string[]): string[] {
  const violations: string[] = [];
  const imported = new Map<string, string[]>();
  const edges = new Map<string, string[]>();
  for (const [path, source] of sources) {
    const code = withoutComments(source);
    const imports = importsOf(code);
    if (floorOf(path) < 0) violations.push(`${path}: this folder or root file has no floor`);
    violations.push(...checkText(path, source, code), ...checkImports(path, imports, sources));
    const targets = imports.map((each) => targetOf(path, each.specifier)).filter((target) => target !== undefined);
    const started = [...code.matchAll(STARTED)].map((match) =>
      posix.join(posix.dirname(match[1]?.slice(1) ?? path), `${(match[2] ?? match[3])!}.ts`),
    );
    for (const target of started) if (!sources.has(target)) violations.push(`${path}: starts src/${target}, which is not there`);
    imported.set(path, targets);
    edges.set(path, [...targets, ...started]);
  }
  violations.push(...findUnknownSubFolders(sources.keys()), ...findFullFolders(sources.keys()));
  violations.push(...findCycles(imported));
  for (const entry of entries) if (!sources.has(entry)) violations.push(`${entry}: entry file is missing`);
  for (const path of findUnreached(entries, edges)) violations.push(`${path}: dead: nothing reachable from ${entries.join(', ')} uses it`);
  return violations;
}
