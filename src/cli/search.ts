/** `waxseal search`: records of all zones, by a part of a name or of a record. */
import type { Command } from 'commander';
import { callList } from './api-client.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatTable } from './terminal.ts';

interface FoundDocument {
  readonly zone: string;
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly records: readonly string[];
  readonly manager: string;
}

interface SearchOptions extends ReadOptions {
  readonly name?: string;
  readonly type?: string;
  readonly manager?: string;
}

export function defineSearch(noun: Command, terminal: Terminal): void {
  readCommand(noun, 'waxseal search 192.0.2.1 --type A')
    .argument(
      '[text]',
      'part of a name or of a record; with * and ? all of one. An index finds three characters or more',
    )
    .option('--name NAME', 'only names at or below this one')
    .option('--type TYPE', 'only this type')
    .option('--manager MANAGER', 'only what this manager keeps: manual, mail, dnssec, acme, alias, …')
    .action(async (text: string | undefined, options: SearchOptions) => {
      const { name, type, manager } = options;
      const given = Object.entries({ q: text, name, type, manager }).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, value] as const],
      );
      const query = Object.fromEntries(given);
      const server = await findServer(options, terminal);
      const rrsets = await callList<FoundDocument>(server, { path: ['search'], query }, 'rrsets');
      terminal.out(options.json === true ? formatJson({ rrsets }) : formatFound(rrsets));
    });
}

function formatFound(rrsets: readonly FoundDocument[]): string {
  const rows = rrsets.flatMap(({ zone, name, type, ttl, records, manager }) =>
    records.map((record) => [zone, name, String(ttl), type, manager === 'manual' ? '' : manager, record]),
  );
  return formatTable(['ZONE', 'NAME', 'TTL', 'TYPE', 'MANAGER', 'DATA'], rows);
}
