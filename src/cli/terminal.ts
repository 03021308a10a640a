/** What commands read from and write to; given to them so that nothing but program.ts knows the process. */
import { createInterface } from 'node:readline/promises';
import { EXIT_INTERRUPTED } from '#base/exit.ts';
import { showHidden, showHiddenInJson } from '#base/visible.ts';

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly workingDirectory: string;
  /** Results: text for people, or the one JSON document. */
  out(text: string): void;
  /** Everything else: warnings, questions, errors. */
  err(text: string): void;
  /** False when no user can be asked. */
  readonly interactive: boolean;
  /** True for "y" and "yes". */
  ask(question: string): Promise<boolean>;
}

// `waxseal … | head`: the reader has had enough, and that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

export const processTerminal: Terminal = {
  environment: process.env,
  workingDirectory: process.cwd(),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  interactive: process.stdin.isTTY,
  ask: async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    // Ctrl-C ends the command, as it ends one that does not ask. The end of input is no.
    lines.once('SIGINT', () => {
      process.stderr.write('\n');
      process.exit(EXIT_INTERRUPTED);
    });
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(`${question} [y/N] `), ended]).catch(() => '');
    lines.close();
    return /^y(?:es)?$/i.test(answer.trim());
  },
};

/** Rows below a heading, columns as wide as they must be, two blanks between. A cell stays in its row, whatever its text. */
export function formatTable(heading: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map((cell) => showHidden(cell)));
  const widths = heading.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const rowText = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [heading, ...rows].map((row) => `${rowText(row)}\n`).join('');
}

/** `name   value` lines, values in one column. */
export function formatFields(fields: readonly (readonly [string, string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${showHidden(value)}\n`).join('');
}

/** A text on a line of its own. Text from zone data and servers must not end the line, move the cursor or change colours. */
export function formatLine(text: string): string {
  return `${showHidden(text)}\n`;
}

/** Each text on a line of its own. */
export function formatLines(texts: readonly string[]): string {
  return texts.map(formatLine).join('');
}

/** A text of several lines, such as a file or a drawing. */
export function formatText(text: string): string {
  return showHidden(text, '\n\t');
}

/** The document of `--json`: one, indented, with a line end. */
export function formatJson(value: unknown): string {
  return `${showHiddenInJson(JSON.stringify(value, undefined, 2))}\n`;
}
