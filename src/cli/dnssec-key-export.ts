/**
 * `waxseal dnssec key export`: the private keys of a zone into files, sealed or in the clear. The server only sends
 * them sealed, to the recipient or to a key that is made here for this call.
 * Not here: the files (dnssec-key-files.ts).
 */
import type { Command } from 'commander';
import { generateKeyPairSync } from 'node:crypto';
import { openByKey, publicOctets, sealedAbout } from '#dnssec/key-files/sealed-keys.ts';
import type { OpenedKey, SealedKeys } from '#control/api/dnssec-keys.ts';
import { callApi } from './api-client.ts';
import { confirm } from './change.ts';
import { bindFiles, readPassphrase, readRecipient, refuseThere, sealAgain, writeNewFiles } from './dnssec-key-files.ts';
import { failure } from './failure.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatLines } from './terminal.ts';

type ExportOptions = ReadOptions & {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly output?: string;
  readonly passphraseFile?: string;
  readonly recipient?: string;
  readonly bind?: string;
};

export function defineExport(key: Command, terminal: Terminal): void {
  readCommand(
    key
      .command('export <zone>')
      .description('write the private keys of a zone into a file: sealed, or as BIND has them')
      .option('--output <file>', 'the sealed file, which must not be there')
      .option('--passphrase-file <file>', 'seal with the passphrase in its first line')
      .option('--recipient <file>', 'seal to this X25519 public key (PEM)')
      .option('--bind <folder>', 'in the clear, as .private and .key files of BIND')
      .option('--dry-run', 'show what would be written, write nothing')
      .option('--reason <text>', 'why, for the audit log')
      .option('--yes', 'do not ask'),
    'waxseal dnssec key export example.com --passphrase-file pass --output example.com.keys',
  ).action((zone: string, options: ExportOptions) => exportKeys(zone, options, terminal));
}

async function exportKeys(zone: string, options: ExportOptions, terminal: Terminal): Promise<void> {
  const { output, passphraseFile, recipient, bind, dryRun = false } = options;
  const { workingDirectory } = terminal;
  if ([passphraseFile, recipient, bind].filter((each) => each !== undefined).length !== 1)
    throw failure(
      'CLI_USAGE',
      'say how: --passphrase-file FILE or --recipient FILE (sealed), or --bind FOLDER (in the clear)',
    );
  if (bind === undefined && output === undefined) throw failure('CLI_USAGE', 'say where: --output FILE');
  if (output !== undefined) refuseThere(output, workingDirectory);
  const passphrase = passphraseFile === undefined ? undefined : readPassphrase(passphraseFile, workingDirectory);
  const own = recipient === undefined ? generateKeyPairSync('x25519') : undefined;
  const to =
    own === undefined
      ? readRecipient(recipient!, workingDirectory)
      : Buffer.from(publicOctets(own.publicKey)).toString('base64');
  if (bind !== undefined) {
    const danger = `who reads the files can sign anything as ${zone} until its keys are rolled and their DS gone`;
    const isPlain = `write the private keys of ${zone} in the clear into ${bind}: ${danger}`;
    terminal.err(formatLine(`waxseal: warning: ${isPlain.replace('write', 'this writes')}`));
    await confirm(isPlain, { ...options, wait: false }, terminal);
  }
  const request = {
    method: 'POST',
    path: ['zones', zone, 'dnssec', 'keys', 'export'],
    query: { dryRun: dryRun ? '1' : undefined },
    json: { recipient: to },
  } as const;
  const { dryRun: _dryRun, ...sealed } = await callApi<SealedKeys & { readonly dryRun: boolean }>(
    await findServer(options, terminal),
    request,
  );
  const files =
    own === undefined
      ? [{ path: output!, text: `${JSON.stringify(sealed, undefined, 2)}\n` }]
      : openedFiles(sealed, openHere(sealed, own.privateKey), { output, passphrase, bind });
  if (!dryRun) writeNewFiles(files, workingDirectory);
  const written = files.map(({ path }) => path);
  const document = { zone: sealed.zone, keyTags: sealed.keyTags, files: written, dryRun };
  terminal.out(
    options.json === true
      ? formatJson(document)
      : formatLines([
          `keys ${sealed.keyTags.join(', ')} of ${sealed.zone}: ${dryRun ? 'would be written to' : 'written to'}`,
          ...written.map((path) => `  ${path}`),
        ]),
  );
}

function openHere(sealed: SealedKeys, privateKey: Parameters<typeof openByKey>[0]): readonly OpenedKey[] {
  const octets = openByKey(privateKey, sealed, sealedAbout(sealed.zone, sealed.keyTags));
  if (octets === undefined) throw failure('CLI_SERVER', 'what the server sent does not open');
  const { keys }: { readonly keys: readonly OpenedKey[] } = JSON.parse(Buffer.from(octets).toString('utf8'));
  return keys;
}

function openedFiles(
  { zone }: SealedKeys,
  keys: readonly OpenedKey[],
  {
    output,
    passphrase,
    bind,
  }: {
    readonly output: string | undefined;
    readonly passphrase: string | undefined;
    readonly bind: string | undefined;
  },
) {
  if (bind !== undefined) return keys.flatMap((key) => bindFiles(zone, bind, key));
  return [{ path: output!, text: `${JSON.stringify(sealAgain(zone, keys, passphrase!), undefined, 2)}\n` }];
}
