/** `waxseal rrset`: the records of a zone, by RRset. */
import type { Command } from 'commander';
import { CHARACTER_STRING_BYTES_MAX } from '#base/limits/limits.ts';
import { parseDuration } from '#base/units.ts';
import { callApi, callList } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { failure } from './failure.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatTable, plain } from './terminal.ts';

interface RrsetDocument {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly string[];
  readonly manager: string;
}

export function defineRrset(noun: Command, terminal: Terminal): void {
  readCommand(noun.command('list <zone>').description('list the RRsets of a zone'), 'waxseal rrset list example.com --type MX')
    .option('--name <name>', 'only this name')
    .option('--type <type>', 'only this type')
    .option('--signed', 'NSEC and signatures too')
    .action(async (zone: string, options: ReadOptions & { name?: string; type?: string; signed?: boolean }) => {
      const query = { name: options.name, type: options.type, ...(options.signed === true ? { signed: '1' } : {}) };
      const address = await findServer(options, terminal);
      const rrsets = await callList<RrsetDocument>(address, { path: ['zones', zone, 'rrsets'], query }, 'rrsets');
      terminal.out(options.json === true ? formatJson({ zone, rrsets }) : formatRrsets(rrsets));
    });

  readCommand(noun.command('get <zone> <name> <type>').description('show one RRset'), 'waxseal rrset get example.com www A').action(
    async (zone: string, name: string, type: string, options: ReadOptions) => {
      const rrset = await callApi<RrsetDocument>(await findServer(options, terminal), { path: ['zones', zone, 'rrsets', name, type] });
      terminal.out(options.json === true ? formatJson(rrset) : formatRrsets([rrset]));
    },
  );

  changeCommand(
    noun.command('set <zone> <name> <type> <ttl> <rdata...>').description('create or replace an RRset; each RDATA is one record'),
    'waxseal rrset set example.com @ MX 1h "10 mail" "20 backup.example.net."',
  ).action(async (zone: string, name: string, type: string, ttl: string, rdata: readonly string[], options: ChangeOptions) => {
    const records = isText(type) ? rdata.map(quoteText) : rdata;
    const json = { ttl: readTtl(ttl), records };
    await runChange({ method: 'PUT', path: ['zones', zone, 'rrsets', name, type], json }, options, terminal);
  });

  changeCommand(
    noun.command('delete <zone> <name> <type>').description('delete an RRset'),
    'waxseal rrset delete example.com www A --yes',
  ).action(async (zone: string, name: string, type: string, options: ChangeOptions) => {
    await confirm(`delete ${name} ${type} from ${zone}`, options, terminal);
    await runChange({ method: 'DELETE', path: ['zones', zone, 'rrsets', name, type] }, options, terminal);
  });
}

function formatRrsets(rrsets: readonly RrsetDocument[]): string {
  const rows = rrsets.flatMap(({ name, type, ttl, records, manager }) =>
    records.map((record) => [name, String(ttl), type, manager === 'manual' ? '' : manager, record]),
  );
  return plain(formatTable(['NAME', 'TTL', 'TYPE', 'MANAGER', 'DATA'], rows));
}

/** Whole seconds, or `1h30m`. */
function readTtl(text: string): number {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  const durationMs = parseDuration(text.toLowerCase());
  if (durationMs !== undefined && durationMs % 1000 === 0) return durationMs / 1000;
  throw failure('CLI_USAGE', `TTL ${JSON.stringify(text)} is neither seconds nor a duration`, 'as in 3600 or 1h30m');
}

function isText(type: string): boolean {
  return ['TXT', 'SPF'].includes(type.toUpperCase());
}

/**
 * The text of a TXT record as it was typed, in the form of a zone file: the shell has taken the quotes off already, and a bare `;`
 * would begin a comment. What begins with a quote or `\#` is in that form already.
 */
function quoteText(text: string): string {
  if (text.startsWith('"') || text.startsWith(String.raw`\#`)) return text;
  const octets = Buffer.from(text);
  const strings: string[] = [];
  for (let at = 0; at < octets.length || at === 0; at += CHARACTER_STRING_BYTES_MAX) {
    let quoted = '';
    for (const octet of octets.subarray(at, at + CHARACTER_STRING_BYTES_MAX)) {
      const character = String.fromCharCode(octet);
      if (octet < 0x20 || octet > 0x7e) quoted += `\\${String(octet).padStart(3, '0')}`;
      else quoted += character === '"' || character === '\\' ? `\\${character}` : character;
    }
    strings.push(`"${quoted}"`);
  }
  return strings.join(' ');
}
