/** `waxseal bimi`: whether a logo will be shown. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { inFile } from '#base/place.ts';
import { placeWithin } from '#base/problem.ts';
import { checkBimiSvg } from '#mail/bimi/svg.ts';
import { CommandFailure, failure, formatWarning, problemDocument, reasonOf } from './failure.ts';
import { type OutputOptions, localCommand } from './options.ts';
import { type Terminal, formatJson, formatLine } from './terminal.ts';

export function defineBimi(noun: Command, terminal: Terminal): void {
  localCommand(
    noun.command('check <file>').description('whether an SVG file is SVG Tiny Portable/Secure, as BIMI wants it; exit code 6 if not'),
    'waxseal bimi check logo.svg',
  ).action((file: string, options: OutputOptions) => {
    const checked = checkBimiSvg(read(file, terminal));
    const problems = checked.ok ? checked.warnings : checked.problems;
    const placed = placeWithin(problems, inFile(file));
    if (options.json === true) terminal.out(formatJson({ file, ok: checked.ok, problems: placed.map(problemDocument) }));
    else if (checked.ok) terminal.out(formatLine(`${file}: ok`));
    if (options.json !== true) for (const each of placed) terminal.err(formatWarning(each));
    if (!checked.ok) throw new CommandFailure(failure('CLI_CHECK', `${file} would not be shown`).problems, { exit: 6 });
  });
}

function read(file: string, terminal: Terminal): Uint8Array {
  try {
    return new Uint8Array(readFileSync(resolve(terminal.workingDirectory, file)));
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
}
