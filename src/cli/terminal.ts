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
  /** The line that the user types; empty at the end of input. */
  prompt(question: string): Promise<string>;
  /** A line that is written anew, at a terminal; absent: the output goes elsewhere. */
  readonly statusLine?: StatusLine;
  /** Calls `stopped` at Ctrl-C, then ends the command, until the function is called that it returns; absent: no signals. */
  onInterrupt?(stopped: () => void): () => void;
}

export interface StatusLine {
  /** In place of the last text; cut at the width of the terminal. Empty: the line is free again. */
  show(text: string): void;
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
  ask: async (question) => /^y(?:es)?$/i.test((await typedLine(`${question} [y/N] `)).trim()),
  prompt: typedLine,
  ...(hasStatusLine() ? { statusLine: { show: showStatus } } : {}),
  onInterrupt: (stopped) => {
    const end = (): void => {
      stopped();
      process.exit(EXIT_INTERRUPTED);
    };
    process.once('SIGINT', end);
    return () => void process.off('SIGINT', end);
  },
};

/** Where the output is read by a program, or the cursor cannot be moved, there is none. */
function hasStatusLine(): boolean {
  return process.stdout.isTTY && process.stderr.isTTY && process.env['TERM'] !== 'dumb';
}

/** ECMA-48 §8.3.41 (EL): from the cursor to the end of the line. */
const CLEAR_LINE = '\u001b[K';

function showStatus(text: string): void {
  // A full line would continue below, where it is not written over.
  const width = Math.max(0, (process.stderr.columns || 80) - 1);
  process.stderr.write(`\r${showHidden(text).slice(0, width)}${CLEAR_LINE}`);
}

async function typedLine(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C ends the command, as it ends one that does not ask. The end of input is an empty line.
  lines.once('SIGINT', () => {
    process.stderr.write('\n');
    process.exit(EXIT_INTERRUPTED);
  });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  const answer = await Promise.race([lines.question(question), ended]).catch(() => '');
  lines.close();
  return answer;
}

/** Columns of the terminal; undefined when the output goes elsewhere: programs that read it need whole rows. */
function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** Narrower no column becomes, unless it is so by itself. */
const COLUMN_LEAST = 12;

/**
 * Rows below a heading, columns as wide as they must be, two blanks between. A cell stays in its row, whatever its
 * text; at a terminal that is too narrow the widest columns continue on lines of their own below.
 */
export function formatTable(
  heading: readonly string[],
  cells: readonly (readonly string[])[],
  width: number | undefined = terminalWidth(),
): string {
  const rows = [heading, ...cells.map((row) => row.map((cell) => showHidden(cell)))];
  const widths = heading.map((_title, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  for (let over = excess(widths, width); over > 0; over = excess(widths, width)) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= COLUMN_LEAST) break;
    widths[widest] = Math.max(COLUMN_LEAST, widths[widest]! - over, secondOf(widths, widest));
    if (excess(widths, width) === over) widths[widest] -= 1;
  }
  return rows.flatMap((row) => rowLines(row, widths)).join('');
}

/** By how much the columns are wider than the terminal. */
function excess(widths: readonly number[], width: number | undefined): number {
  return width === undefined ? 0 : widths.reduce((sum, each) => sum + each, 2 * (widths.length - 1)) - width;
}

/** The width of the widest of the other columns. */
function secondOf(widths: readonly number[], widest: number): number {
  return Math.max(0, ...widths.filter((_each, column) => column !== widest));
}

function rowLines(row: readonly string[], widths: readonly number[]): readonly string[] {
  const parts = row.map((cell, column) => broken(cell, widths[column]!));
  const height = Math.max(...parts.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) => {
    const texts = parts.map((lines, column) => (lines[line] ?? '').padEnd(widths[column]!));
    return `${texts.join('  ').trimEnd()}\n`;
  });
}

/** A text in pieces of at most `width` characters, broken at blanks where there are some. */
function broken(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width);
    const at = blank > 0 ? blank : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
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

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
