/** `waxseal rrset`: the records of a zone, by RRset. */
import type { Command } from 'commander';
import { parseDuration } from '#base/units.ts';
import { callApi, callList } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { failure } from './failure.ts';
import { type BelowOptions, belowOf, ignoreBelowOption } from './options.ts';
import { type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatTable } from './terminal.ts';

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
    noun
      .command('set <zone> <name> <type> [ttl] [rdata...]')
      .usage('[options] <zone> <name> <type> <ttl> <rdata...>')
      .description('create or replace an RRset; each RDATA is one record'),
    'waxseal rrset set example.com @ MX 1h "10 mail" "20 backup.example.net."',
  )
    .addOption(ignoreBelowOption())
    .addHelpText('after', SET_HELP)
    .action(async (...given: [string, string, string, string | undefined, readonly string[], BelowOptions]) => {
      const [zone, name, type, ttl, rdata, options] = given;
      const json = { ttl: readTtl(ttl, rdata), records: rdata };
      const path = ['zones', zone, 'rrsets', name, type];
      const request = { method: 'PUT', path, json, query: belowOf(options) } as const;
      await runChange(request, options, terminal);
    });

  const remove = noun.command('delete <zone> <name> <type>').description('delete an RRset');
  changeCommand(remove, 'waxseal rrset delete example.com www A --yes')
    .addOption(ignoreBelowOption())
    .action(async (zone: string, name: string, type: string, options: BelowOptions) => {
      await confirm(`delete ${name} ${type} from ${zone}`, options, terminal);
      const path = ['zones', zone, 'rrsets', name, type];
      const request = { method: 'DELETE', path, query: belowOf(options) } as const;
      await runChange(request, options, terminal);
    });
}

function formatRrsets(rrsets: readonly RrsetDocument[]): string {
  const rows = rrsets.flatMap(({ name, type, ttl, records, manager }) =>
    records.map((record) => [name, String(ttl), type, manager === 'manual' ? '' : manager, record]),
  );
  return formatTable(['NAME', 'TTL', 'TYPE', 'MANAGER', 'DATA'], rows);
}

const SET_FORM = 'waxseal rrset set ZONE NAME TYPE TTL RDATA…, the TTL as in 3600 or 1h30m';

/** Seconds of a TTL, `3600` or `1h30m`, that stands before at least one record. */
function readTtl(text: string | undefined, rdata: readonly string[]): number {
  if (text === undefined) throw failure('CLI_USAGE', 'the TTL and the record data are missing', SET_FORM);
  const durationMs = /^[0-9]{1,10}$/.test(text) ? Number(text) * 1000 : parseDuration(text.toLowerCase());
  if (durationMs === undefined || durationMs % 1000 !== 0)
    throw failure('CLI_USAGE', `the TTL is missing: ${JSON.stringify(text)} stands where it belongs`, SET_FORM);
  if (rdata.length === 0) throw failure('CLI_USAGE', 'the record data is missing', SET_FORM);
  return durationMs / 1000;
}

const SET_HELP = `
Each RDATA is the data of one record, in shell quotes when it has blanks; nothing in it is a comment.
  TXT, SPF   an unquoted text is one text; long texts are split for you
             waxseal rrset set example.com _dmarc TXT 1h "v=DMARC1; p=reject"
  others     a value with blanks or a semicolon is in double quotes
             waxseal rrset set example.com @ CAA 1h '0 issue "ca.example; validationmethods=dns-01"'
  names      www is in the zone, www.example.net. with its last dot is not;
             www.example.net without it is rejected`;
