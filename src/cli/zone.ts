/** `waxseal zone`: zones as a whole. */
import { writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { callApi, callList, openAnswer, untilItsEnd, wholeBody } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { CommandFailure, failure, formatWarning, problemDocument, reasonOf } from './failure.ts';
import { type ChangeOptions, type OutputOptions, type ReadOptions, changeCommand, localCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type PrimaryOptions, type SecondaryDocument } from './zone-primaries.ts';
import { primariesOf, primaryOptions, secondaryFields } from './zone-primaries.ts';
import { defineHistory, diffVersions, isVersion } from './zone-history.ts';
import { type Terminal, formatFields, formatJson, formatLines, formatTable } from './terminal.ts';
import { defineCheckDelegation } from './zone-delegation.ts';
import { defineRole } from './zone-role.ts';

interface ZoneDocument {
  readonly name: string;
  readonly dnssec: string;
  readonly serial: number;
  readonly revision: number;
  readonly nodeCount: number;
  readonly createdAt: string;
  readonly changedAt: string;
  readonly secondary?: SecondaryDocument;
}

/** What is done about the zone above a new one on the same server. */
interface ParentOptions {
  readonly delegate?: boolean;
  readonly ignoreParent?: boolean;
}

interface AddOptions extends ChangeOptions, ParentOptions, PrimaryOptions {
  readonly sign?: boolean;
  readonly dnssec: boolean;
  readonly denial?: string;
  readonly nameserver?: readonly string[];
  readonly contact?: string;
}

interface ImportOptions extends ChangeOptions, ParentOptions {
  readonly dnssec: boolean;
  readonly denial?: string;
  readonly presigned?: boolean;
}

interface DiffOptions extends ReadOptions {
  readonly dnssec: boolean;
}

interface ExportOptions extends ReadOptions {
  readonly signed?: boolean;
  readonly output?: string;
}

export function defineZone(noun: Command, terminal: Terminal): void {
  defineLife(noun, terminal);
  defineLooks(noun, terminal);
  defineFiles(noun, terminal);
  defineHistory(noun, terminal);
}

/** Zones come, go and come back. */
function defineLife(noun: Command, terminal: Terminal): void {
  const add = changeCommand(
    noun.command('add <zone>').description('create a zone with a default SOA and NS set, or one from a primary'),
    'waxseal zone add example.com',
  );
  primaryOptions(add)
    .option('--no-dnssec', 'do not sign it')
    .addOption(denialOption('what proves what is not there (default: nsec)'))
    .option('--nameserver <name...>', 'its NS records (default: ns1.<zone>)')
    .option('--contact <name>', 'RNAME of its SOA (default: hostmaster.<zone>)')
    .option('--primary <address#port...>', 'it comes from there by transfer')
    .option('--tsig <key>', 'with --primary: the TSIG key for it (bring it: waxseal tsig import)')
    .option('--sign', 'with --primary: it comes unsigned, and is signed here')
    .addOption(delegateOption())
    .addOption(ignoreParentOption())
    .action(async (zone: string, options: AddOptions) => {
      const { nameserver: nameservers, contact } = options;
      const { denial } = options;
      const primaries = primariesOf(options);
      const parent = parentOf(options);
      const dnssec = options.dnssec ? 'on' : 'off';
      const own = { denial, nameservers, contact, parent };
      const signing = primaries === undefined || !options.dnssec ? { dnssec } : { primaries };
      const json = { name: zone, ...own, ...signing, primaries, sign: options.sign };
      await runChange({ method: 'POST', path: ['zones'], json }, options, terminal);
    });

  const primaries = changeCommand(
    noun.command('primaries <zone>').description('have a zone that comes from a primary come from others'),
    'waxseal zone primaries example.com --primary 192.0.2.1 192.0.2.2#5300 --tsig secondary.example.com',
  );
  primaryOptions(primaries)
    .requiredOption('--primary <address#port...>', 'asked in this order')
    .option('--tsig <key>', 'the TSIG key for them')
    .action(async (zone: string, options: ChangeOptions & PrimaryOptions) => {
      const json = { primaries: primariesOf(options) };
      await runChange({ method: 'PUT', path: ['zones', zone, 'primaries'], json }, options, terminal);
    });

  defineRole(noun, terminal);

  changeCommand(
    noun.command('remove <zone>').description('remove a zone; its records, DNSSEC key and serial are kept for 30 days'),
    'waxseal zone remove example.com --yes',
  ).action(async (zone: string, options: ChangeOptions) => {
    await confirm(`remove the zone ${zone} with its records, mail policy, keys and journal`, options, terminal);
    await runChange({ method: 'DELETE', path: ['zones', zone] }, options, terminal, { verb: 'removed' });
  });

  changeCommand(
    noun.command('restore <zone>').description('bring a removed zone back: records, DNSSEC key, and a newer serial'),
    'waxseal zone restore example.com',
  )
    .addOption(delegateOption())
    .addOption(ignoreParentOption())
    .action(async (zone: string, options: ChangeOptions & ParentOptions) => {
      const parent = parentOf(options);
      const query = parent === undefined ? {} : { parent };
      await runChange({ method: 'POST', path: ['zones', zone, 'restore'], query }, options, terminal);
    });
}

function defineLooks(noun: Command, terminal: Terminal): void {
  readCommand(noun.command('list').description('list the zones'), 'waxseal zone list --json').action(async (options: ReadOptions) => {
    const zones = await callList<ZoneDocument>(await findServer(options, terminal), { path: ['zones'] }, 'zones');
    const rows = zones.map(({ name, dnssec, serial, nodeCount, changedAt }) => [
      name,
      dnssec,
      String(serial),
      String(nodeCount),
      changedAt,
    ]);
    terminal.out(options.json === true ? formatJson({ zones }) : formatTable(['ZONE', 'DNSSEC', 'SERIAL', 'NAMES', 'CHANGED'], rows));
  });

  readCommand(noun.command('show <zone>').description('show one zone'), 'waxseal zone show example.com').action(
    async (zone: string, options: ReadOptions) => {
      const document = await callApi<ZoneDocument>(await findServer(options, terminal), { path: ['zones', zone] });
      const { name, dnssec, serial, revision, nodeCount, createdAt, changedAt } = document;
      const fields = [
        ['zone', name],
        ['DNSSEC', dnssec],
        ['serial', String(serial)],
        ['revision', String(revision)],
        ['names', String(nodeCount)],
        ['created', createdAt],
        ['changed', changedAt],
        ...secondaryFields(document.secondary),
      ] as const;
      terminal.out(options.json === true ? formatJson(document) : formatFields(fields));
    },
  );
}

/** Zones as files. */
function defineFiles(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun.command('import <zone> <file>').description('create a zone from a zone file, or replace all its records; - is standard input'),
    'waxseal zone import example.com example.com.zone',
  )
    .option('--no-dnssec', 'do not sign it, when it is created')
    .addOption(denialOption('what proves what is not there, when it is created (default: nsec)'))
    .option('--presigned', 'it is signed already: serve it with the signatures of the file')
    .addOption(delegateOption())
    .addOption(ignoreParentOption())
    .action((zone: string, file: string, options: ImportOptions) => sendFile(zone, file, options, terminal));

  readCommand(
    noun
      .command('diff <zone> <from> [to]')
      .description('compare two versions (serials, or revisions as in r1234), or the zone with a zone file'),
    'waxseal zone diff example.com 2026113001 2026113004',
  )
    .option('--no-dnssec', 'with a file: as in import')
    .action((zone: string, from: string, to: string | undefined, options: DiffOptions) =>
      to === undefined && !isVersion(from)
        ? sendFile(zone, from, { ...options, dryRun: true, wait: false }, terminal)
        : diffVersions(zone, [from, to], options, terminal),
    );

  readCommand(
    noun.command('export <zone>').description('print a zone as a zone file'),
    'waxseal zone export example.com --signed > example.com.zone',
  )
    .option('--signed', 'everything that is served: DNSKEY, RRSIG, NSEC too')
    .option('--output <file>', 'write it there')
    .action((zone: string, options: ExportOptions) => exportZone(zone, options, terminal));

  defineCheckDelegation(noun, terminal);

  localCommand(
    noun.command('check <zone> <file>').description('check a zone file; needs no server, exit code 6 if it has errors'),
    'waxseal zone check example.com example.com.zone',
  )
    .option('--no-dnssec', 'as a zone that waxseal does not sign')
    .action((zone: string, file: string, options: OutputOptions & { readonly dnssec: boolean }) =>
      checkFile(zone, file, options, terminal),
    );
}

function denialOption(text: string): Option {
  return new Option('--denial <nsec|nsec3>', text).choices(['nsec', 'nsec3']);
}

function delegateOption(): Option {
  return new Option('--delegate', 'put its NS, glue and DS into the zone above it on this server').conflicts('ignoreParent');
}

function ignoreParentOption(): Option {
  return new Option('--ignore-parent', 'make it although the zone above or below it on this server does not fit');
}

function parentOf({ delegate, ignoreParent }: ParentOptions): 'delegate' | 'ignore' | undefined {
  return delegate === true ? 'delegate' : ignoreParent === true ? 'ignore' : undefined;
}

async function sendFile(zone: string, file: string, options: ImportOptions, terminal: Terminal): Promise<void> {
  const { flattenZoneText, readZoneText } = await import('./zone-text.ts');
  const { workingDirectory } = terminal;
  const given = readZoneText(file, workingDirectory);
  if (options.presigned === true && /^\s*\$include\b/im.test(given))
    throw failure('CLI_USAGE', `${file} includes other files: a pre-signed zone is one file`);
  const text = flattenZoneText(zone, given, { file, workingDirectory, signed: options.dnssec });
  if (!text.ok) throw new CommandFailure(text.problems, { unchanged: true });
  for (const each of text.warnings) terminal.err(formatWarning(each));
  const parent = parentOf(options);
  const query = {
    file: basename(file),
    dnssec: options.presigned === true ? 'presigned' : options.dnssec ? 'on' : 'off',
    ...(options.denial === undefined ? {} : { denial: options.denial }),
    ...(parent === undefined ? {} : { parent }),
    ...(parent === 'ignore' ? { below: 'ignore' } : {}),
  };
  const zoneFile = Buffer.from(text.value, 'latin1');
  const request = { method: 'PUT', path: ['zones', zone, 'zonefile'], query, zoneFile } as const;
  const { duringImport } = await import('./import-progress.ts');
  await runChange(request, options, terminal, { during: duringImport({ zone, text: text.value }, options, terminal) });
}

/** Text goes out as it comes in; a large zone is never whole in memory here, unless it has to become one JSON string. */
async function exportZone(zone: string, options: ExportOptions, terminal: Terminal): Promise<void> {
  const query = options.signed === true ? { signed: '1' } : {};
  const { body } = await openAnswer(await findServer(options, terminal), { path: ['zones', zone, 'zonefile'], query });
  if (options.json !== true && options.output === undefined) {
    for await (const part of untilItsEnd(body)) terminal.out(part.toString('latin1'));
    return;
  }
  const zonefile = (await wholeBody(body)).toString('latin1');
  if (options.output !== undefined) {
    try {
      writeFileSync(resolve(terminal.workingDirectory, options.output), zonefile, 'latin1');
    } catch (error) {
      throw failure('CLI_FILE', `${options.output} cannot be written: ${reasonOf(error)}`);
    }
  }
  if (options.json === true) terminal.out(formatJson({ zone, zonefile }));
}

async function checkFile(
  zone: string,
  file: string,
  options: OutputOptions & { readonly dnssec: boolean },
  terminal: Terminal,
): Promise<void> {
  const { checkZoneText, readZoneText } = await import('./zone-text.ts');
  const { formatProblem, hasErrors } = await import('#base/problem.ts');
  const { workingDirectory } = terminal;
  const problems = checkZoneText(zone, readZoneText(file, workingDirectory), { file, workingDirectory, signed: options.dnssec });
  const bad = hasErrors(problems);
  if (options.json === true) terminal.out(formatJson({ zone, file, ok: !bad, problems: problems.map(problemDocument) }));
  else terminal.out(formatLines([...problems.map(formatProblem), `${file}: ${bad ? 'not a good zone' : 'ok'}`]));
  if (bad) process.exitCode = 6;
}
