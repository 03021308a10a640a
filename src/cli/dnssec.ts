/** `waxseal dnssec`: what is signed, and the DS records for the parent. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import {
  type BelowOptions,
  type ChangeOptions,
  type ReadOptions,
  belowOf,
  changeCommand,
  ignoreBelowOption,
  readCommand,
} from './options.ts';
import { failure } from './failure.ts';
import { findServer } from './server-address.ts';
import { defineChildren } from './dnssec-children.ts';
import { defineKeys } from './dnssec-keys.ts';
import { type TimelineDocument, defineRollovers, formatRollovers } from './dnssec-rollovers.ts';
import { type Terminal, formatFields, formatJson, formatLine, formatLines, formatTable } from './terminal.ts';

interface DsDocument {
  readonly keyTag: number;
  readonly algorithm: number;
  readonly digestType: number;
  readonly digest: string;
  readonly record: string;
  readonly dnskey: {
    readonly flags: number;
    readonly protocol: number;
    readonly algorithm: number;
    readonly publicKey: string;
  };
}

interface DnssecDocument {
  readonly zone: string;
  readonly dnssec: 'on' | 'off';
  readonly denial: 'nsec' | 'nsec3';
  readonly zonemd: 'off' | 'sha384' | 'sha512';
  readonly keys: readonly {
    readonly id: string;
    readonly keyTag: number;
    readonly algorithm: number;
    readonly role: string;
    readonly state: string;
    readonly createdAt: string;
  }[];
  readonly ds: readonly DsDocument[];
  readonly presigned?: { readonly endsAt: string; readonly first: string; readonly importedAt: string };
  readonly parent?: {
    readonly lookedAt?: string;
    readonly servers: readonly { readonly place: string; readonly text: string; readonly problem?: string }[];
    readonly failure?: string;
  };
  readonly notify?: { readonly at: string; readonly acknowledged: boolean; readonly text: string };
}

/** IANA "DNS Security Algorithm Numbers" and "DS RR Type Digest Algorithms", as far as we make them. */
const ALGORITHM_NAMES: Readonly<Record<number, string>> = {
  8: 'RSASHA256',
  13: 'ECDSAP256SHA256',
  14: 'ECDSAP384SHA384',
  15: 'ED25519',
  16: 'ED448',
};
const DIGEST_NAMES: Readonly<Record<number, string>> = { 2: 'SHA-256', 4: 'SHA-384' };

export function defineDnssec(noun: Command, terminal: Terminal): void {
  readCommand(
    noun.command('status <zone>').description('whether a zone is signed, and with which keys'),
    'waxseal dnssec status example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const address = await findServer(options, terminal);
    const status = await callApi<DnssecDocument>(address, { path: ['zones', zone, 'dnssec'] });
    const timeline = await callApi<TimelineDocument>(address, { path: ['zones', zone, 'dnssec', 'timeline'] });
    const { rollovers, nextRollAt } = timeline;
    const document = { ...status, rollovers, ...(nextRollAt === undefined ? {} : { nextRollAt }) };
    terminal.out(options.json === true ? formatJson(document) : `${formatStatus(status)}${formatRollovers(timeline)}`);
  });

  readCommand(
    noun.command('ds <zone>').description('the DS records for the parent zone or registrar'),
    'waxseal dnssec ds example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const document = await callApi<{ readonly zone: string; readonly ds: readonly DsDocument[] }>(
      await findServer(options, terminal),
      {
        path: ['zones', zone, 'dnssec', 'ds'],
      },
    );
    terminal.out(options.json === true ? formatJson(document) : formatDs(document.zone, document.ds));
  });

  const enable = noun.command('enable <zone>').description('sign a zone that is not signed');
  changeCommand(enable, 'waxseal dnssec enable example.com')
    .addOption(ignoreBelowOption())
    .action(async (zone: string, options: BelowOptions) => {
      const json = { dnssec: 'on' } as const;
      const request = { method: 'PATCH', path: ['zones', zone, 'dnssec'], json, query: belowOf(options) } as const;
      await runChange(request, options, terminal);
    });

  changeCommand(
    noun
      .command('set <zone>')
      .description('how a signed zone proves what is not there, and whether it has a digest of itself; one at a time')
      .option(
        '--denial <nsec|nsec3>',
        'proved by names, or by hashes of names (RFC 9276: no iterations, no salt, no opt-out)',
      )
      .option('--zonemd <off|sha384|sha512>', 'a digest of the zone, made with each change (RFC 8976)'),
    'waxseal dnssec set example.com --denial nsec3 --dry-run',
  ).action(async (zone: string, options: ChangeOptions & { readonly denial?: string; readonly zonemd?: string }) => {
    const { denial, zonemd } = options;
    if ((denial === undefined) === (zonemd === undefined))
      throw failure('CLI_USAGE', 'give --denial or --zonemd, one of them', 'waxseal dnssec set --help');
    const json = denial === undefined ? { zonemd } : { denial };
    await runChange({ method: 'PATCH', path: ['zones', zone, 'dnssec'], json }, options, terminal);
  });

  changeCommand(
    noun
      .command('disable <zone>')
      .description('stop signing a zone; needs --when-safe or --force: with a DS at the parent it would be bogus')
      .option('--when-safe', 'ask the parent for no DS (CDS), and stop when no resolver can have one any more')
      .option('--force', 'now: the DS record is gone from the parent and its TTL is over'),
    'waxseal dnssec disable example.com --when-safe',
  ).action(async (zone: string, options: ChangeOptions & { readonly force?: boolean; readonly whenSafe?: boolean }) => {
    const isWaiting = options.whenSafe === true && options.force !== true;
    if (options.force === true) await confirm(`stop signing ${zone} and forget its keys`, options, terminal);
    const json = isWaiting ? { dnssec: 'off', whenSafe: true } : { dnssec: 'off', force: options.force === true };
    await runChange({ method: 'PATCH', path: ['zones', zone, 'dnssec'], json }, options, terminal);
  });

  for (const define of [defineRollovers, defineKeys, defineChildren]) define(noun, terminal);
}

/** What each name server of the parent said last. */
function formatParent({ parent }: DnssecDocument): string {
  if (parent === undefined) return '';
  const lineOf = (ok: string, bad: string | undefined): string => (bad === undefined ? `  ✓ ${ok}` : `  ✗ ${bad}`);
  const lines = parent.servers.map(({ place, text, problem }) => lineOf(`${place}: ${text}`, problem));
  const unfound = parent.failure === undefined ? [] : [`  ✗ its name servers were not found: ${parent.failure}`];
  return `The parent, looked at ${parent.lookedAt ?? ''}:\n${formatLines([...lines, ...unfound])}`;
}

/** The last message to the parent that the keys are others. */
function formatNotify({ notify }: DnssecDocument): string {
  if (notify === undefined) return '';
  return formatLine(`NOTIFY(CDS) to the parent, ${notify.at}: ${notify.text}`);
}

function formatStatus(document: DnssecDocument): string {
  const { zone, dnssec, presigned, denial, zonemd, keys, ds } = document;
  if (dnssec === 'off') return formatLine(`${zone} is not signed`);
  if (presigned !== undefined)
    return formatLines([
      `${zone} is pre-signed: served with the signatures of its file`,
      `the first of them (${presigned.first}) ends at ${presigned.endsAt}`,
    ]);
  const rows = keys.map(({ keyTag, algorithm, role, state, createdAt }) => [
    String(keyTag),
    algorithmName(algorithm),
    role.toUpperCase(),
    state,
    createdAt,
  ]);
  const table = formatTable(['KEY TAG', 'ALGORITHM', 'ROLE', 'STATE', 'CREATED'], rows);
  const digest = zonemd === 'off' ? '' : `; ZONEMD ${zonemd}`;
  return `${formatLine(`${zone} is signed; ${denial.toUpperCase()} proves what is not there${digest}`)}\n${table}\nDS for the parent:\n${formatLines(ds.map(({ record }) => `  ${record}`))}${formatParent(document)}${formatNotify(document)}`;
}

/** Zone-file form first, for parents that one edits oneself; then field by field, as registrars' forms ask. */
function formatDs(zone: string, ds: readonly DsDocument[]): string {
  const first = ds[0];
  if (first === undefined) return formatLine(`${zone} is not signed and has no DS`);
  const forms = ds.map(({ keyTag, algorithm, digestType, digest }) =>
    formatFields([
      ['Key tag', String(keyTag)],
      ['Algorithm', algorithmName(algorithm)],
      ['Digest type', `${digestType} (${DIGEST_NAMES[digestType] ?? 'unknown'})`],
      ['Digest', digest],
    ]),
  );
  const { flags, protocol, algorithm, publicKey } = first.dnskey;
  const key = formatFields([
    ['Flags', `${flags}${flags === 257 ? ' (KSK or CSK: secure entry point)' : ''}`],
    ['Protocol', String(protocol)],
    ['Algorithm', algorithmName(algorithm)],
    ['Public key', publicKey],
  ]);
  const records = formatLines(ds.map(({ record }) => record));
  return `; zone-file form\n${records}\n; a registrar's form: one of these is enough, SHA-256 if you have to choose\n${forms.join('\n')}\n; or, where the key itself is asked for\n${key}`;
}

function algorithmName(algorithm: number): string {
  return `${algorithm} (${ALGORITHM_NAMES[algorithm] ?? 'unknown'})`;
}
