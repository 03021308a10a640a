/**
 * `npm run build`: dist/ for the published package, because Node does not strip types below node_modules. Types are blanked out by Node
 * itself, so line and column of a stack trace are those of src/; imports get the ending .js, and dist/package.json maps the folders.
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { spawnSync } from 'node:child_process';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { licenceTexts, softwareBill } from './third-party.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'src');
const TARGET = join(ROOT, 'dist');
/** The specifier of an import, export or import() of one of our own modules. */
const OWN_MODULE = /(?<=\b(?:from|import|resolve)\s*\(?\s*)(['"])((?:\.{1,2}\/|#)[^'"]+)\.ts\1/g;

rmSync(TARGET, { recursive: true, force: true });
for (const file of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.ts')) continue;
  const code = stripTypeScriptTypes(readFileSync(join(SOURCE, file), 'utf8')).replace(OWN_MODULE, '$1$2.js$1');
  const target = join(TARGET, file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code, { mode: file === 'main.ts' ? 0o755 : 0o644 });
}
// What the package's `waxseal` is: read by any Node, however old.
for (const file of ['waxseal.cjs', 'start.cjs']) copyFileSync(join(ROOT, 'packaging', 'npm', file), join(TARGET, file));
chmodSync(join(TARGET, 'waxseal.cjs'), 0o755);
// The manual is made of the command line as it is.
const manual = spawnSync(process.execPath, [join(SOURCE, 'main.ts'), 'manual'], { encoding: 'utf8' });
if (manual.status !== 0) throw new Error(`no manual: ${manual.stderr}`);
writeFileSync(join(TARGET, 'waxseal.1'), manual.stdout);
const { imports, name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const mapped = Object.fromEntries(
  Object.entries(imports).map(([folder, path]) => [folder.replace(/\.ts$/, '.js'), `./${relative('src', path).replace(/\.ts$/, '.js')}`]),
);
writeFileSync(join(TARGET, 'package.json'), `${JSON.stringify({ name, version, type: 'module', imports: mapped }, undefined, 2)}\n`);
writeFileSync(join(TARGET, 'THIRD-PARTY-LICENSES.txt'), licenceTexts(ROOT));
writeFileSync(join(TARGET, 'sbom.cdx.json'), softwareBill(ROOT));
process.stdout.write(`built dist/ (waxseal ${version})\n`);
