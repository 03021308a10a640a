/** npm as a program: the one that runs this, else the one on the PATH, with the Node of this process as its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { tmpdir } from 'node:os';

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const NPM_MS = 300_000;

/** What it writes on stdout. Throws with what it says when it fails. */
export function runNpm(words: readonly string[], cwd: string): string {
  const npm = process.env['npm_execpath'];
  const [program, before] = npm?.endsWith('.js') === true ? [process.execPath, [npm]] : ['npm', []];
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };
  const options = { cwd, env, encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX, timeout: NPM_MS } as const;
  const { status, stdout, stderr } = spawnSync(program, [...before, ...words], options);
  if (status !== 0) throw new Error(`npm ${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** The tarball of the package in `root`, built and packed into a new folder in `parent`. */
export function packPackage(root: string, parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'waxseal-pack-'));
  runNpm(['pack', '--silent', `--pack-destination=${folder}`], root);
  const [name] = readdirSync(folder);
  if (name === undefined) throw new Error('npm pack made no package');
  return join(folder, name);
}
