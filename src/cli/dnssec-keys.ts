/** `waxseal dnssec key …` and `dnssec foreign`: keys that a zone brings, takes along, and shares with others. */
import type { Command } from 'commander';
import { nameOf } from '#dns/name.ts';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { defineExport } from './dnssec-key-export.ts';
import { readKeyFiles } from './dnssec-key-files.ts';
import { failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { readTtl } from './number-options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatTable } from './terminal.ts';

interface KeysDocument {
  readonly zone: string;
  readonly keys: readonly {
    readonly id: string;
    readonly keyTag: number;
    readonly algorithm: number;
    readonly role: string;
    readonly flags: number;
    readonly state: string;
    readonly createdAt: string;
  }[];
  readonly foreignKeys: readonly { readonly keyTag: number; readonly announced: boolean; readonly addedAt: string }[];
}

type ImportOptions = ChangeOptions & {
  readonly policy?: string;
  readonly replace?: boolean;
  readonly ignoreTimes?: boolean;
  readonly ignoreParent?: boolean;
  readonly dnskeyTtl?: string;
  readonly passphraseFile?: string;
  readonly recipientKey?: string;
};

export function defineKeys(noun: Command, terminal: Terminal): void {
  const key = noun.command('key').description('keys: list, import, export').helpOption('-h, --help', 'show this help');

  readCommand(
    key.command('list <zone>').description('the keys of a zone, and those of others in it'),
    'waxseal dnssec key list example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const document = await callApi<KeysDocument>(await findServer(options, terminal), {
      path: ['zones', zone, 'dnssec'],
    });
    const { keys, foreignKeys } = document;
    terminal.out(options.json === true ? formatJson({ zone: document.zone, keys, foreignKeys }) : formatKeys(document));
  });

  changeCommand(
    key
      .command('import <zone> <files...>')
      .description(
        'sign a zone with keys that it brings: files of BIND, PowerDNS, Knot (PEM), key export; DNSKEY records',
      )
      .option('--policy <take|keep>', 'the key policy becomes that of the keys, or stays and rollovers lead to it')
      .option('--replace', 'the keys that the zone has go at once: no resolver has seen them')
      .option('--ignore-times', 'use keys that by their files are not in use now')
      .option('--ignore-parent', 'whatever DS records the parent has')
      .option('--dnskey-ttl <seconds>', 'TTL of the DNSKEY RRset at the server before')
      .option('--passphrase-file <file>', 'opens an export that is sealed with a passphrase')
      .option('--recipient-key <file>', 'private key, opens an export that is sealed to it'),
    'waxseal dnssec key import example.com Kexample.com.+013+12345.private ksk:pdns.key dnskeys.txt',
  ).action(async (zone: string, files: readonly string[], options: ImportOptions) => {
    const { keys, published } = readKeyFiles(zoneNameOf(zone), files, options, terminal.workingDirectory);
    if (keys.length === 0)
      throw failure(
        'CLI_USAGE',
        'none of the files has a private key',
        `to publish DNSKEY records of others: waxseal dnssec foreign ${zone} --add FILE`,
      );
    const json = {
      keys,
      published,
      policy: options.policy,
      replace: options.replace,
      ignoreTimes: options.ignoreTimes,
      ignoreParent: options.ignoreParent,
      dnskeyTtl: readTtl('--dnskey-ttl', options.dnskeyTtl),
    };
    if (options.replace === true) await confirm(`take away the keys that ${zone} is signed with`, options, terminal);
    await runChange({ method: 'POST', path: ['zones', zone, 'dnssec', 'keys'], json }, options, terminal);
  });

  defineExport(key, terminal);

  defineForeign(noun, terminal);
}

function defineForeign(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun
      .command('foreign <zone>')
      .description('DNSKEY records of others who sign the zone too: put them beside ours, or take them away')
      .option('--add <file...>', 'files with DNSKEY records')
      .option('--announce', 'ask the parent for them too (CDS, CDNSKEY)')
      .option('--remove <tag...>', 'key tags'),
    'waxseal dnssec foreign example.com --add other-provider.txt --announce',
  ).action(
    async (
      zone: string,
      options: ChangeOptions & {
        readonly add?: readonly string[];
        readonly announce?: boolean;
        readonly remove?: readonly string[];
      },
    ) => {
      const { add = [], announce, remove = [] } = options;
      const { keys, published } = readKeyFiles(zoneNameOf(zone), add, {}, terminal.workingDirectory);
      if (keys.length > 0)
        throw failure(
          'CLI_USAGE',
          'a file has a private key: others keep theirs',
          `waxseal dnssec key import ${zone} FILE`,
        );
      const json = { add: published, announce, remove: remove.map(Number) };
      if (remove.length > 0)
        await confirm(`take the keys ${remove.join(', ')} of others out of ${zone}`, options, terminal);
      await runChange({ method: 'POST', path: ['zones', zone, 'dnssec', 'foreign'], json }, options, terminal);
    },
  );
}

/** A zone's name as it was typed; the server says what is wrong with it. */
function zoneNameOf(text: string) {
  return nameOf(text.endsWith('.') ? text : `${text}.`);
}

function formatKeys({ zone, keys, foreignKeys }: KeysDocument): string {
  if (keys.length === 0) return formatLine(`${zone} is not signed`);
  const rows = keys.map(({ keyTag, algorithm, role, flags, state, createdAt }) => [
    String(keyTag),
    String(algorithm),
    role.toUpperCase(),
    String(flags),
    state,
    createdAt,
  ]);
  const table = formatTable(['KEY TAG', 'ALGORITHM', 'ROLE', 'FLAGS', 'STATE', 'CREATED'], rows);
  if (foreignKeys.length === 0) return table;
  const others = foreignKeys.map(({ keyTag, announced, addedAt }) => [
    String(keyTag),
    announced ? 'yes' : 'no',
    addedAt,
  ]);
  return `${table}\nKeys of others, published beside them:\n${formatTable(['KEY TAG', 'IN CDS', 'ADDED'], others)}`;
}
