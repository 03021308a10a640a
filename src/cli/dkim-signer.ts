/** `waxseal dkim signer`: who signs mail, and how it gets its keys. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Argument, type Command, Option } from 'commander';
import { callApi } from './api-client.ts';
import { confirm } from './change.ts';
import { type AnswerProblem, CommandFailure } from './failure.ts';
import { answerProblemOf, failure, formatAnswerWarning, reasonOf } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { type ServerAddress, findServer, localConfig } from './server-address.ts';
import { type Terminal, formatFields, formatJson, formatLine, formatTable } from './terminal.ts';

interface ExportDocument {
  readonly state: string;
  readonly version?: string;
  readonly exportedAt?: string;
  readonly failure?: string;
  readonly nextTryAt?: string;
}

interface SignerDocument {
  readonly name: string;
  readonly delivery: 'fetch' | 'files' | 'own-key';
  readonly domains: readonly string[];
  readonly allow: readonly string[];
  readonly files?: { readonly form: string; readonly folder: string; readonly command: readonly string[] };
  readonly tokens: readonly string[];
  readonly fetchedAt?: string;
  readonly export?: ExportDocument;
}

interface AddOptions extends ChangeOptions {
  readonly domain: readonly string[];
  readonly allow?: readonly string[];
  readonly files?: string;
  readonly folder?: string;
  readonly publicKey?: string;
}

interface RemoveOptions extends ChangeOptions {
  readonly offline?: boolean;
}

interface RemovedDocument {
  readonly name: string;
  readonly removed: boolean;
  readonly dryRun: boolean;
  readonly warnings?: readonly AnswerProblem[];
}

interface PublicKeyDocument {
  readonly domain: string;
  readonly selector?: string;
  readonly warnings: readonly AnswerProblem[];
}

/** Adds the verb `signer`, with verbs of its own, to `waxseal dkim`. */
export function defineDkimSigner(dkim: Command, terminal: Terminal): void {
  const noun = dkim.command('signer').description('who signs mail: add, list, remove, export').helpOption('-h, --help', 'show this help');

  changeCommand(
    noun
      .command('add <name>')
      .description('register a signer; its token is shown once and cannot be shown again')
      .addArgument(new Argument('[command...]', 'after --: program and arguments that run after each export'))
      .requiredOption('--domain <domain...>', 'domains that it signs for')
      .option('--allow <network...>', 'networks that it may ask from (default: this machine)')
      .addOption(new Option('--files <form>', 'it reads files that are written for it').choices(['opendkim', 'exim', 'haraka']))
      .option('--folder <dir>', "where they go (default: a folder of its name beside the key-encryption key's)")
      .option('--public-key <file>', 'it makes its own keys; this is the public part of the next one'),
    'waxseal dkim signer add mx1 --domain example.com --files opendkim -- /bin/systemctl reload opendkim',
  ).action(async (name: string, command: readonly string[], options: AddOptions) => {
    const address = await findServer(options, terminal);
    if (options.files === undefined && (command.length > 0 || options.folder !== undefined))
      throw failure('CLI_USAGE', 'a folder and a command go with --files', 'see waxseal dkim signer add --help');
    const publicKey = options.publicKey === undefined ? undefined : await readKey(options.publicKey, terminal);
    const made = await addSigner(address, name, command, options, publicKey !== undefined);
    const keys = publicKey === undefined || made === undefined ? [] : await addKeys(address, name, publicKey, options);
    for (const each of [...(made?.warnings ?? []), ...keys.flatMap(({ warnings }) => warnings)]) terminal.err(formatAnswerWarning(each));
    if (options.json === true) terminal.out(formatJson({ ...made, ...(publicKey === undefined ? {} : { publicKeys: keys }) }));
    else printAdded(terminal, name, made, keys, options.dryRun === true);
  });

  readCommand(noun.command('list').description('signers, how they get keys, and when they last did'), 'waxseal dkim signer list').action(
    async (options: ReadOptions) => {
      const { signers } = await callApi<{ readonly signers: readonly SignerDocument[] }>(await findServer(options, terminal), {
        path: ['signers'],
      });
      if (options.json === true) return terminal.out(formatJson({ signers }));
      const rows = signers.map((signer) => [
        signer.name,
        signer.files === undefined ? signer.delivery : `files (${signer.files.form})`,
        signer.domains.join(','),
        signer.files === undefined ? signer.allow.join(',') : signer.files.folder,
        lastOf(signer),
      ]);
      terminal.out(formatTable(['NAME', 'KEYS BY', 'DOMAINS', 'FROM OR TO', 'LAST'], rows));
    },
  );

  changeCommand(
    noun
      .command('remove <name>')
      .description('remove a signer with its tokens; files that were exported for it stay')
      .option('--offline', 'the server is down: remove it from the store in the data directory'),
    'waxseal dkim signer remove mx1 --yes',
  ).action(async (name: string, options: RemoveOptions) => {
    await confirm(`remove the signer ${name}, so that it gets no more keys`, options, terminal);
    const removed = options.offline === true ? await removeOffline(name, options, terminal) : await removeSigner(name, options, terminal);
    if (options.json !== true) for (const each of removed.warnings ?? []) terminal.err(formatAnswerWarning(each));
    terminal.out(options.json === true ? formatJson(removed) : formatLine(`signer ${name} ${removed.removed ? 'is' : 'would be'} removed`));
  });

  changeCommand(
    noun.command('export <name>').description("write a signer's files now and run its command, also when nothing changed"),
    'waxseal dkim signer export mx1',
  ).action(async (name: string, options: ChangeOptions) => {
    const exported = await callApi<ExportDocument>(await findServer(options, terminal), {
      method: 'POST',
      path: ['signers', name, 'export'],
      query: dryRunOf(options),
    });
    if (options.json === true) return terminal.out(formatJson(exported));
    const now = exported.version === undefined ? 'none were written yet' : `${exported.state}, version ${exported.version}`;
    terminal.out(formatLine(`files of signer ${name}: ${now}`));
  });
}

async function removeSigner(name: string, options: ChangeOptions, terminal: Terminal): Promise<RemovedDocument> {
  const address = await findServer(options, terminal);
  return callApi(address, { method: 'DELETE', path: ['signers', name], query: dryRunOf(options) });
}

async function removeOffline(name: string, options: ChangeOptions, terminal: Terminal): Promise<RemovedDocument> {
  const { dryRun } = options;
  const config = await localConfig(options, terminal);
  const { removeSignerOffline } = await import('#process/remove-signer.ts');
  const removed = await removeSignerOffline(config, name, dryRun === true);
  if (!removed.ok) throw new CommandFailure(removed.problems, { unchanged: true });
  const warnings = removed.warnings.map(answerProblemOf);
  return { name, removed: dryRun !== true, dryRun: dryRun === true, warnings };
}

async function addSigner(
  address: ServerAddress,
  name: string,
  command: readonly string[],
  options: AddOptions,
  isOwnKey: boolean,
): Promise<(SignerDocument & { readonly token?: string; readonly warnings: readonly AnswerProblem[] }) | undefined> {
  const { signers } = await callApi<{ readonly signers: readonly SignerDocument[] }>(address, { path: ['signers'] });
  const known = signers.find((each) => each.name === name);
  // The next key of a signer that makes its own: there is nothing to register.
  if (isOwnKey && known?.delivery === 'own-key') return { ...known, warnings: [] };
  const folder = options.folder === undefined ? {} : { folder: options.folder };
  const json = {
    name,
    delivery: options.files !== undefined ? 'files' : isOwnKey ? 'own-key' : 'fetch',
    domains: options.domain,
    ...(options.allow === undefined ? {} : { allow: options.allow }),
    ...(options.files === undefined ? {} : { files: { form: options.files, ...folder, ...(command.length === 0 ? {} : { command }) } }),
  };
  return callApi(address, { method: 'POST', path: ['signers'], json, query: dryRunOf(options) });
}

async function addKeys(
  address: ServerAddress,
  name: string,
  publicKey: string,
  options: AddOptions,
): Promise<readonly PublicKeyDocument[]> {
  // A signer that is not registered yet has none to add to: a dry run ends here.
  if (options.dryRun === true) return [];
  const added: PublicKeyDocument[] = [];
  for (const domain of options.domain)
    added.push(await callApi(address, { method: 'POST', path: ['signers', name, 'public-keys'], json: { domain, publicKey } }));
  return added;
}

function printAdded(
  terminal: Terminal,
  name: string,
  made: (SignerDocument & { readonly token?: string }) | undefined,
  keys: readonly PublicKeyDocument[],
  dryRun: boolean,
): void {
  if (made === undefined) return;
  if (dryRun) return terminal.out(formatLine(`signer ${name} would be registered for ${made.domains.join(', ')}`));
  const fields: (readonly [string, string])[] = [
    ['signer', name],
    ['domains', made.domains.join(', ')],
    ...(made.files === undefined ? [['may ask from', made.allow.join(', ')] as const] : [['files', made.files.folder] as const]),
    ...keys.map(({ domain, selector }) => ['selector', `${selector ?? 'none'}._domainkey.${domain}`] as const),
  ];
  const told = formatFields(fields);
  if (made.token === undefined) return terminal.out(told);
  // The token alone on stdout, so that `> file` holds it and nothing else.
  terminal.err(told);
  terminal.out(`${made.token}\n`);
}

function lastOf({ fetchedAt, export: exported }: SignerDocument): string {
  if (exported === undefined) return fetchedAt ?? '-';
  return exported.failure === undefined ? `${exported.state} ${exported.exportedAt ?? ''}`.trim() : `failing: ${exported.failure}`;
}

async function readKey(file: string, terminal: Terminal): Promise<string> {
  try {
    return await readFile(resolve(terminal.workingDirectory, file), 'utf8');
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
}

function dryRunOf({ dryRun }: ChangeOptions): { readonly dryRun?: string } {
  return dryRun === true ? { dryRun: '1' } : {};
}
