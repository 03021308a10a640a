/**
 * The npm package outside the repository: installed by npm into an empty folder, it serves; its documents name nothing that it lacks; it has
 * the licences of all that it runs with, and their list; an old Node is told which one is needed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript5';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { nameOf, productionPackages } from '../../scripts/production-packages.ts';
import { thirdParties } from '../../scripts/third-party.ts';
import { exchangeUdp } from '../support/exchange.ts';
import { installPackage } from '../support/installed-package.ts';
import { startServer } from '../support/running-server.ts';
import { buildQuery, parseMessage } from '../support/wire.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'waxseal-package-'));
let installed = '';
beforeAll(() => void (installed = installPackage(folder)));
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
