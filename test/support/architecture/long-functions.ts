/** Functions that are too long, as oxlint's parser counts their lines. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { REPOSITORY } from './sources.ts';

/** Lines a function may have, its head and its comments counted: what fits one screen. */
export const FUNCTION_LINES_MAX = 70;

const RULE = {
  plugins: [],
  categories: { correctness: 'off' },
  rules: { 'max-lines-per-function': ['error', { max: FUNCTION_LINES_MAX }] },
};

interface Diagnostic {
  readonly message: string;
  readonly filename: string;
}

/** Functions below `folder` (absolute) that are longer, as `path name`, in order. */
export function findLongFunctions(folder: string): string[] {
  const temporary = mkdtempSync(join(tmpdir(), 'long-functions-'));
  try {
    const config = join(temporary, 'oxlintrc.json');
    writeFileSync(config, JSON.stringify(RULE));
    const oxlint = join(REPOSITORY, 'node_modules/oxlint/bin/oxlint');
    const { stdout, stderr } = spawnSync(process.execPath, [oxlint, '--config', config, '--format', 'json', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const { diagnostics, number_of_files: files } = JSON.parse(stdout) as { diagnostics: Diagnostic[]; number_of_files: number };
    if (files === 0) throw new Error(`oxlint looked at no file of ${folder}: ${stderr}`);
    return diagnostics
      .map(({ filename, message }) => {
        const match = /(?:function|method|constructor)(?: `(.+)`)? has too many lines/.exec(message);
        if (match === null) throw new Error(`oxlint says ${message} of ${filename}`);
        const path = relative(folder, join(folder, filename)).split(sep).join('/');
        return `${path} ${match[1] ?? '(without a name)'}`;
      })
      .toSorted()
      .map((each, at, all) => (each === all[at - 1] ? `${each} again` : each));
  } finally {
    rmSync(temporary, { recursive: true });
  }
}
