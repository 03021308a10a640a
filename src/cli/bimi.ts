/** `waxseal bimi`: whether a logo will be shown, and logos that the server hosts. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { inFile } from '#base/place.ts';
import { type Problem, placeWithin } from '#base/problem.ts';
import { checkEvidence, hasPrivateKey } from '#mail/bimi/evidence.ts';
import { checkBimiSvg } from '#mail/bimi/svg.ts';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { CommandFailure, failure, formatWarning, problemDocument, reasonOf } from './failure.ts';
import { type ChangeOptions, type OutputOptions, type ReadOptions } from './options.ts';
import { changeCommand, localCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLine, formatLines, formatTable } from './terminal.ts';

interface FileDocument {
  readonly url: string;
  readonly sizeBytes: number;
}

interface UploadDocument {
  readonly selector: string;
  readonly title: string;
  readonly uploadedAt: string;
  readonly logo: FileDocument;
  readonly evidence?: FileDocument & { readonly notAfter: string };
  readonly stage?: string;
}

interface ListDocument {
  readonly zone: string;
  readonly uploads: readonly UploadDocument[];
  readonly served: readonly {
    readonly object: string;
    readonly selector: string;
    readonly stage: string;
    readonly since: string;
    readonly logoUrl: string;
  }[];
  readonly lines: readonly string[];
}

interface CheckOptions extends OutputOptions {
  readonly evidence?: string;
  readonly domain?: string;
  readonly selector?: string;
}

interface UploadOptions extends ChangeOptions {
  readonly evidence?: string;
  readonly selector?: string;
}

const DEFAULT_SELECTOR = 'default';

export function defineBimi(noun: Command, terminal: Terminal): void {
  defineCheck(noun, terminal);
  defineUploads(noun, terminal);
  defineReads(noun, terminal);
}

function defineCheck(noun: Command, terminal: Terminal): void {
  localCommand(
    noun
      .command('check <file>')
      .description('whether an SVG file is SVG Tiny Portable/Secure, as BIMI wants it; exit code 6 if not')
      .option('--evidence <file>', 'PEM of a mark certificate with its issuers: whether it is for this logo')
      .option('--domain <name>', 'with --evidence: whether it is for this domain')
      .option('--selector <name>', 'with --evidence: the BIMI selector, default "default"'),
    'waxseal bimi check logo.svg --evidence vmc.pem --domain example.com',
  ).action((file: string, options: CheckOptions) => {
    const logo = readOctets(file, terminal);
    const svg = checkBimiSvg(logo);
    const svgProblems = placeWithin(svg.ok ? svg.warnings : svg.problems, inFile(file));
    const problems = [...svgProblems, ...evidenceProblems(logo, options, terminal)];
    const isGood = problems.every(({ severity }) => severity === 'warning');
    if (options.json === true) terminal.out(formatJson({ file, ok: isGood, problems: problems.map(problemDocument) }));
    else if (isGood) terminal.out(formatLine(`${file}: ok`));
    if (options.json !== true) for (const each of problems) terminal.err(formatWarning(each));
    if (!isGood) throw new CommandFailure(failure('CLI_CHECK', `${file} would not be shown`).problems, { exit: 6 });
  });
}

function evidenceProblems(logo: Uint8Array, options: CheckOptions, terminal: Terminal): readonly Problem[] {
  const { evidence: file, domain, selector = DEFAULT_SELECTOR } = options;
  if (file === undefined) {
    if ((domain ?? options.selector) !== undefined)
      throw failure('CLI_USAGE', '--domain and --selector are for --evidence', 'add --evidence');
    return [];
  }
  const name = domain?.toLowerCase().replace(/\.$/, '');
  const expected = { logo, selector, nowMs: Date.now(), ...(name === undefined ? {} : { domain: name }) };
  const checked = checkEvidence(readText(file, terminal), expected);
  return placeWithin(checked.ok ? checked.warnings : checked.problems, inFile(file));
}

function defineUploads(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun
      .command('upload <zone> <logo>')
      .description('have a logo hosted, with its evidence; served while the mail policy says bimi.hosted = true')
      .option('--evidence <file>', 'PEM of a mark certificate with its issuers')
      .option('--selector <name>', 'BIMI selector, default "default"'),
    'waxseal bimi upload example.com logo.svg --evidence vmc.pem',
  ).action(async (zone: string, file: string, options: UploadOptions) => {
    const logo = readOctets(file, terminal);
    // What is no UTF-8 would be changed on its way; the check says what is wrong with it.
    const checked = checkBimiSvg(logo);
    if (!checked.ok) throw new CommandFailure(placeWithin(checked.problems, inFile(file)), { unchanged: true });
    const json = {
      logo: new TextDecoder('utf-8', { ignoreBOM: true }).decode(logo),
      evidence: options.evidence === undefined ? undefined : readEvidence(options.evidence, terminal),
    };
    const path = ['zones', zone, 'bimi', options.selector ?? DEFAULT_SELECTOR];
    await runChange({ method: 'PUT', path, json }, options, terminal);
  });

  changeCommand(
    noun
      .command('remove <zone> [selector]')
      .description('remove a logo and its evidence; they are served until no reader of the record can need them'),
    'waxseal bimi remove example.com default',
  ).action(async (zone: string, selector: string | undefined, options: ChangeOptions) => {
    const name = selector ?? DEFAULT_SELECTOR;
    await confirm(`remove the BIMI logo of ${zone} for the selector ${name}`, options, terminal);
    await runChange({ method: 'DELETE', path: ['zones', zone, 'bimi', name] }, options, terminal);
  });
}

function defineReads(noun: Command, terminal: Terminal): void {
  readCommand(
    noun.command('list <zone>').description('hosted logos, and what each waits for'),
    'waxseal bimi list example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const server = await findServer(options, terminal);
    const document = await callApi<ListDocument>(server, { path: ['zones', zone, 'bimi'] });
    terminal.out(options.json === true ? formatJson(document) : formatList(document));
  });

  readCommand(
    noun.command('show <zone> [selector]').description('a hosted logo; --json has its SVG and the PEM of its evidence'),
    'waxseal bimi show example.com default',
  ).action(async (zone: string, selector: string | undefined, options: ReadOptions) => {
    const server = await findServer(options, terminal);
    const path = ['zones', zone, 'bimi', selector ?? DEFAULT_SELECTOR];
    const document = await callApi<UploadDocument>(server, { path });
    terminal.out(options.json === true ? formatJson(document) : formatOne(document));
  });
}

function formatList({ uploads, served, lines }: ListDocument): string {
  const uploaded = uploads.map(({ selector, stage, evidence, logo }) => [
    selector,
    stage ?? 'not served',
    evidence === undefined ? '-' : evidence.notAfter,
    logo.url,
  ]);
  const urls = new Set(uploads.map(({ logo }) => logo.url));
  const old = served.flatMap(({ selector, stage, logoUrl }) =>
    urls.has(logoUrl) ? [] : [[selector, stage, '-', logoUrl]],
  );
  const table = formatTable(['SELECTOR', 'STAGE', 'EVIDENCE UNTIL', 'LOGO'], [...uploaded, ...old]);
  return `${table}${formatLines(lines)}`;
}

function formatOne({ selector, title, uploadedAt, logo, evidence, stage }: UploadDocument): string {
  const file = ({ url, sizeBytes }: FileDocument) => `${url} (${sizeBytes} octets)`;
  return formatFields([
    ['selector', selector],
    ['title', title],
    ['uploaded', uploadedAt],
    ['stage', stage ?? 'not served: the mail policy does not say bimi.hosted = true for this selector'],
    ['logo', file(logo)],
    ['evidence', evidence === undefined ? 'none' : `${file(evidence)}, until ${evidence.notAfter}`],
  ]);
}

function readOctets(file: string, terminal: Terminal): Uint8Array {
  try {
    return new Uint8Array(readFileSync(resolve(terminal.workingDirectory, file)));
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
}

function readText(file: string, terminal: Terminal): string {
  return Buffer.from(readOctets(file, terminal)).toString('utf8');
}

/** A private key does not leave this machine by mistake. */
function readEvidence(file: string, terminal: Terminal): string {
  const text = readText(file, terminal);
  if (hasPrivateKey(text))
    throw new CommandFailure(
      failure('BIMI_EVIDENCE_KEY', `${file} has a private key in it, and was not sent`, 'give the certificates alone')
        .problems,
      { unchanged: true },
    );
  return text;
}
