/**
 * dig, kdig, drill, delv and the zone checkers as functions: what they are asked, a time limit, what they said.
 * They judge from outside; none of our own code is used to read their answers.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Endpoint } from './exchange.ts';
import { type ToolOutcome, runTool } from './tools.ts';

/** What dig shows of an answer. */
export interface DigAnswer {
  /** `NOERROR`, `NXDOMAIN`, …; empty when there was no answer. */
  readonly status: string;
  /** Lower case, as dig prints them: `qr aa rd`. */
  readonly flags: readonly string[];
  /** Lines of each section, blanks squeezed to one. */
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
  /** Everything, for assertions on EDNS, EDE, warnings. */
  readonly text: string;
}

const LIMITS = ['+time=2', '+tries=2'];

function readDig(text: string): DigAnswer {
  const section = (name: string) => {
    const lines = text.split('\n');
    const start = lines.findIndex((line) => line.startsWith(`;; ${name} SECTION`));
    if (start < 0) return [];
    const end = lines.findIndex((line, at) => at > start && (line === '' || line.startsWith(';;')));
    return lines
      .slice(start + 1, end < 0 ? undefined : end)
      .filter((line) => !line.startsWith(';'))
      .map((line) => line.replaceAll(/\s+/g, ' ').trim());
  };
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? '',
    flags: /flags: ([^;]*);/i.exec(text)?.[1]?.trim().toLowerCase().split(' ') ?? [],
    answer: section('ANSWER'),
    authority: section('AUTHORITY'),
    additional: section('ADDITIONAL'),
    text,
  };
}

/** `dig @server options…`: `['example.test', 'MX', '+dnssec', '+tcp']`. */
export async function dig(server: Endpoint, question: readonly string[]): Promise<DigAnswer> {
  const { stdout } = await runTool('dig', [`@${server.address}`, '-p', String(server.port), '+norecurse', ...LIMITS, ...question]);
  return readDig(stdout);
}

/** `kdig @server options…`; the second opinion on the same wire. */
export async function kdig(server: Endpoint, question: readonly string[]): Promise<DigAnswer> {
  const { stdout } = await runTool('kdig', [`@${server.address}`, '-p', String(server.port), '+norec', '+time=2', '+retry=1', ...question]);
  return readDig(stdout);
}

/** `drill -S`-style chase is not possible on loopback without a root: plain drill with `options`. */
export async function drill(server: Endpoint, question: readonly string[]): Promise<ToolOutcome> {
  return runTool('drill', ['-p', String(server.port), ...question.slice(0, 1), `@${server.address}`, ...question.slice(1)]);
}

/**
 * Validates one question with delv, with the zone's own key-signing DS as the only trust anchor. `anchors` are DS lines in zone-file form
 * (`example.test. 3600 IN DS 12345 13 2 ABCD…`). `isValid`: the answer, positive or negative, is fully validated; an insecure one is not.
 */
export async function delv(
  server: Endpoint,
  zone: string,
  anchors: readonly string[],
  name: string,
  type: string,
): Promise<{ isValid: boolean; text: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'waxseal-delv-'));
  try {
    const file = join(directory, 'anchors');
    const entries = anchors.map((line) => {
      const [tag, algorithm, digestType, ...digest] = line
        .trim()
        .split(/\s+/)
        .slice(line.trim().split(/\s+/).indexOf('DS') + 1);
      return `  "${zone}" static-ds ${tag} ${algorithm} ${digestType} "${digest.join('')}";`;
    });
    writeFileSync(file, `trust-anchors {\n${entries.join('\n')}\n};\n`);
    const { stdout, stderr } = await runTool('delv', [
      ...[`@${server.address}`, '-p', String(server.port)],
      ...['-a', file, `+root=${zone}`],
      ...['+multiline', '+nocrypto', '-q', name, '-t', type],
    ]);
    const text = `${stdout}${stderr}`;
    // delv calls every validated negative answer "resolution failed: ncache …"; the first line is what counts.
    return { isValid: /^; (negative response, )?fully validated/.test(text), text };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes `text` to a file and runs a checker on it; `{file}` in the arguments stands for the file. */
async function check(program: string, argumentList: readonly string[], text: string): Promise<ToolOutcome> {
  const directory = mkdtempSync(join(tmpdir(), 'waxseal-check-'));
  try {
    const file = join(directory, 'zone');
    writeFileSync(file, text, 'latin1');
    return await runTool(
      program,
      argumentList.map((argument) => (argument === '{file}' ? file : argument)),
      { timeoutMs: 60_000, cwd: directory },
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** BIND's verdict on a zone file: exit code 0 when it would load it. */
export const namedCheckzone = (zone: string, text: string): Promise<ToolOutcome> =>
  check('named-checkzone', ['-i', 'local', zone, '{file}'], text);

/** BIND's canonical text of a zone file, on stdout. */
export const namedCompilezone = (zone: string, text: string): Promise<ToolOutcome> =>
  check('named-compilezone', ['-i', 'none', '-s', 'full', '-o', '-', zone, '{file}'], text);

/** ldns reads the file and prints it in canonical order. */
export const ldnsReadZone = (text: string): Promise<ToolOutcome> => check('ldns-read-zone', ['-c', '{file}'], text);

/** ldns checks every signature and the NSEC chain of a signed zone. */
export const ldnsVerifyZone = (text: string): Promise<ToolOutcome> => check('ldns-verify-zone', ['-V', '2', '{file}'], text);

/** BIND does the same with an independent verifier. `-z`: a CSK may sign alone. */
export const dnssecVerify = (zone: string, text: string): Promise<ToolOutcome> =>
  check('dnssec-verify', ['-z', '-o', zone, '{file}'], text);
