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

/** Plain drill with `options`. */
export async function drill(server: Endpoint, question: readonly string[]): Promise<ToolOutcome> {
  return runTool('drill', ['-p', String(server.port), ...question.slice(0, 1), `@${server.address}`, ...question.slice(1)]);
}

/**
 * Validates one question with delv, with the zone's own key as the only trust anchor. `anchors` are DS or DNSKEY lines in zone-file form
 * (`example.test. 3600 IN DS 12345 13 2 ABCD…`). `isValid`: the answer, positive or negative, is fully validated; an insecure one is not.
 */
export async function delv(
  server: Endpoint,
  zone: string,
  anchors: readonly string[],
  name: string,
  type: string,
  options: readonly string[] = [],
): Promise<{ isValid: boolean; text: string }> {
  return withFile(`trust-anchors {\n${anchors.map((line) => trustAnchor(zone, line)).join('')}};\n`, async (file) => {
    const { stdout, stderr } = await runTool('delv', [
      ...[`@${server.address}`, '-p', String(server.port)],
      ...['-a', file, `+root=${zone}`],
      ...['+multiline', '+nocrypto', ...options, '-q', name, '-t', type],
    ]);
    const text = `${stdout}${stderr}`;
    // delv calls every validated negative answer "resolution failed: ncache …"; the first line is what counts.
    return { isValid: /^; (negative response, )?fully validated/.test(text), text };
  });
}

/** A DS or DNSKEY line as delv's anchor file has it. */
function trustAnchor(zone: string, line: string): string {
  const words = line.trim().split(/\s+/);
  const at = words.findIndex((word) => word === 'DS' || word === 'DNSKEY');
  const [first, second, third, ...rest] = words.slice(at + 1);
  return `  "${zone}" ${words[at] === 'DS' ? 'static-ds' : 'static-key'} ${first} ${second} ${third} "${rest.join('')}";\n`;
}

/** Follows the signatures of an answer up to one of `keys` (DNSKEY lines) with drill: `-S`, "chase". */
export async function drillChase(
  server: Endpoint,
  keys: readonly string[],
  name: string,
  type: string,
): Promise<{ isValid: boolean; text: string }> {
  return withFile(`${keys.join('\n')}\n`, async (file) => {
    const { code, stdout, stderr } = await runTool('drill', [
      '-p',
      String(server.port),
      '-S',
      '-k',
      file,
      name,
      `@${server.address}`,
      type,
    ]);
    return { isValid: code === 0 && stdout.includes(';; Chase successful'), text: `${stdout}${stderr}` };
  });
}

async function withFile<T>(text: string, use: (file: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'waxseal-anchors-'));
  try {
    const file = join(directory, 'anchors');
    writeFileSync(file, text);
    return await use(file);
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
