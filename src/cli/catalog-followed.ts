/** `waxseal catalog`, of catalogs of other servers: follow one, say what becomes of its members, show, confirm. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatFields } from './terminal.ts';
import { type PrimaryOptions, primariesOf, primaryOptions } from './zone-primaries.ts';

interface TemplateDocument {
  readonly group?: string;
  readonly primaries: readonly { readonly address: string; readonly port: number; readonly key?: string }[];
  readonly sign: boolean;
}

interface FollowedDocument {
  readonly name: string;
  readonly serial: number;
  readonly state: string;
  readonly templates: readonly TemplateDocument[];
  readonly membersMax: number;
  readonly members: number;
  readonly broken?: string;
  readonly clashes: readonly { readonly zone: string; readonly why: string }[];
  readonly clashCount: number;
  readonly held: readonly string[];
  readonly heldCount: number;
  readonly failure?: string;
}

interface FollowOptions extends ChangeOptions, PrimaryOptions {
  readonly membersMax?: string;
}

interface SettingsOptions extends FollowOptions {
  readonly group?: string;
  readonly sign?: boolean;
  readonly reset?: boolean;
}

export function defineFollowedCatalogs(noun: Command, terminal: Terminal): void {
  const follow = changeCommand(
    noun.command('follow <catalog>').description('follow a catalog of another server: its members become zones here'),
    'waxseal catalog follow catalog.example.com --primary 192.0.2.1 --tsig ns2.example.com',
  );
  primaryOptions(follow)
    .requiredOption('--primary <address...>', 'where it comes from, ADDRESS or ADDRESS#PORT; its members too')
    .option('--tsig <key>', 'the TSIG key that the primaries have')
    .option('--members-max <number>', 'ignore the catalog when it has more members than this')
    .action(async (name: string, { membersMax, ...options }: FollowOptions) => {
      const primaries = primariesOf(options);
      const json = { name, primaries, ...countOf(membersMax) };
      await runChange({ method: 'POST', path: ['catalogs'], json }, options, terminal);
    });

  const settings = changeCommand(
    noun.command('settings <catalog>').description('say what becomes of the members of a followed catalog'),
    'waxseal catalog settings catalog.example.com --group unsigned --sign',
  );
  primaryOptions(settings)
    .option('--group <name>', 'for members of this group; without it for all that no other setting is for')
    .option('--primary <address...>', 'where they come from; without it from the primaries of the catalog')
    .option('--tsig <key>', 'the TSIG key that these primaries have')
    .option('--sign', 'they come unsigned, and are signed here')
    .option('--reset', 'forget what was said for this group')
    .option('--members-max <number>', 'ignore the catalog when it has more members than this')
    .action(async (name: string, options: SettingsOptions) => setTemplate(name, options, terminal));

  readCommand(
    noun.command('show <catalog>').description('a followed catalog: its state, what is made of its members'),
    'waxseal catalog show catalog.example.com',
  ).action(async (name: string, options: ReadOptions) => {
    const document = await readFollowed(name, options, terminal);
    terminal.out(options.json === true ? formatJson(document) : formatFields(fieldsOf(document)));
  });

  changeCommand(
    noun.command('confirm <catalog>').description('let members go that a followed catalog does not have any more'),
    'waxseal catalog confirm catalog.example.com',
  ).action(async (name: string, options: ChangeOptions) => {
    const { held, heldCount, serial } = await readFollowed(name, options, terminal);
    if (heldCount === 0) throw failure('CLI_USAGE', `no member of ${name} waits to be removed`);
    const more = heldCount > held.length ? ` and ${heldCount - held.length} more` : '';
    await confirm(`remove ${heldCount} zones here: ${held.join(', ')}${more}`, options, terminal);
    const json = { removals: heldCount, serial };
    await runChange({ method: 'POST', path: ['catalogs', name, 'confirm'], json }, options, terminal);
  });
}

/** The settings are read and written as a whole; `--group` says which part is meant. */
async function setTemplate(name: string, options: SettingsOptions, terminal: Terminal): Promise<void> {
  const { group, primary, sign, reset, membersMax, ...change } = options;
  const { templates, membersMax: countBefore } = await readFollowed(name, options, terminal);
  const isOnlyCount = primary === undefined && sign === undefined && reset === undefined && group === undefined;
  if (isOnlyCount && membersMax === undefined)
    throw failure('CLI_USAGE', 'nothing to set', 'give --primary, --sign, --reset or --members-max');
  const primaries = primariesOf(options) ?? [];
  const own = { ...(group === undefined ? {} : { group }), primaries, sign: sign === true };
  const others = isOnlyCount ? templates : templates.filter((each) => each.group !== group);
  const json = {
    templates: reset === true || isOnlyCount ? others : [...others, own],
    membersMax: countBefore,
    ...countOf(membersMax),
  };
  await runChange({ method: 'PUT', path: ['catalogs', name, 'settings'], json }, change, terminal);
}

function countOf(text: string | undefined): { readonly membersMax?: number } {
  if (text === undefined) return {};
  if (!/^\d{1,7}$/.test(text)) throw failure('CLI_USAGE', `--members-max ${JSON.stringify(text)} is no number`);
  return { membersMax: Number(text) };
}

async function readFollowed(name: string, options: ReadOptions, terminal: Terminal): Promise<FollowedDocument> {
  const server = await findServer(options, terminal);
  return callApi<FollowedDocument>(server, { path: ['catalogs', name] });
}

function fieldsOf(document: FollowedDocument): readonly (readonly [string, string])[] {
  const { name, serial, state, templates, membersMax, members, broken, clashes, clashCount, held, heldCount } =
    document;
  const more = (count: number, shown: number) => (count > shown ? [['', `and ${count - shown} more`] as const] : []);
  return [
    ['catalog', name],
    ['serial', String(serial)],
    ['state', broken === undefined ? state : `${state}: it ${broken}`],
    ['members here', `${members}, at most ${membersMax}`],
    ...templates.map(({ group, primaries, sign }) => {
      const from =
        primaries.map(({ address, port }) => `${address}#${port}`).join(', ') || 'the primaries of the catalog';
      return [
        group === undefined ? 'all others' : `group ${group}`,
        `from ${from}${sign ? ', signed here' : ''}`,
      ] as const;
    }),
    ...clashes.map(({ zone, why }) => ['clash', `${zone} ${why}`] as const),
    ...more(clashCount, clashes.length),
    ...held.map((zone) => ['kept', `${zone}, which the catalog does not have any more`] as const),
    ...more(heldCount, held.length),
    ...(document.failure === undefined ? [] : [['failure', document.failure] as const]),
  ];
}
