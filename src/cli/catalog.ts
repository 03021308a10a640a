/**
 * `waxseal catalog`: zones that tell other servers which zones to serve (RFC 9432).
 * Not here: catalogs of other servers (catalog-followed.ts).
 */
import type { Command } from 'commander';
import { callApi, callList } from './api-client.ts';
import { defineFollowedCatalogs } from './catalog-followed.ts';
import { confirm, runChange } from './change.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatTable } from './terminal.ts';

interface CatalogDocument {
  readonly name: string;
  readonly followed: boolean;
  readonly serial: number;
  readonly changedAt: string;
}

interface MemberDocument {
  readonly zone: string;
  readonly label: string;
  readonly groups: readonly string[];
  readonly coo?: string;
}

interface AddOptions extends ChangeOptions {
  readonly group?: readonly string[];
  readonly coo?: string | false;
}

export function defineCatalog(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun.command('create <catalog>').description('create a catalog without members'),
    'waxseal catalog create catalog.example.com',
  ).action(async (name: string, options: ChangeOptions) => {
    await runChange({ method: 'POST', path: ['catalogs'], json: { name } }, options, terminal);
  });

  const list = noun.command('list [catalog]').description('catalogs, or the members of one');
  readCommand(list, 'waxseal catalog list catalog.example.com').action(
    async (name: string | undefined, options: ReadOptions) => {
      await (name === undefined ? listCatalogs(options, terminal) : listMembers(name, options, terminal));
    },
  );

  changeCommand(
    noun
      .command('add <catalog> <zone>')
      .description('make a zone a member: servers that follow the catalog serve it; a member gets these groups'),
    'waxseal catalog add catalog.example.com example.com --group signed',
  )
    .option('--group <name...>', 'a group, for the configuration of the servers that follow the catalog')
    .option('--coo <catalog>', 'the catalog, of any server, that the zone is to belong to from now on')
    .option('--no-coo', 'it stays in this one')
    .action(async (catalog: string, zone: string, options: AddOptions) => {
      const { group = [], coo } = options;
      const json = { groups: group, ...(typeof coo === 'string' ? { coo } : coo === false ? { coo: null } : {}) };
      await runChange({ method: 'PUT', path: ['catalogs', catalog, 'members', zone], json }, options, terminal);
    });

  changeCommand(
    noun
      .command('move <zone> <from> <to>')
      .description('move a zone to another catalog here; servers that follow both keep it as it is'),
    'waxseal catalog move example.com catalog.example.com other.example.com',
  ).action(async (zone: string, from: string, to: string, options: ChangeOptions) => {
    const path = ['catalogs', from, 'members', zone, 'move'];
    await runChange({ method: 'POST', path, json: { to } }, options, terminal);
  });

  defineFollowedCatalogs(noun, terminal);

  changeCommand(
    noun.command('remove <catalog> <zone>').description('take a zone out of a catalog'),
    'waxseal catalog remove catalog.example.com example.com',
  ).action(async (catalog: string, zone: string, options: ChangeOptions) => {
    const consequence = 'servers that follow the catalog stop serving the zone';
    await confirm(`take ${zone} out of ${catalog}: ${consequence}`, options, terminal);
    await runChange({ method: 'DELETE', path: ['catalogs', catalog, 'members', zone] }, options, terminal);
  });
}

async function listCatalogs(options: ReadOptions, terminal: Terminal): Promise<void> {
  const server = await findServer(options, terminal);
  const document = await callApi<{ readonly catalogs: readonly CatalogDocument[] }>(server, { path: ['catalogs'] });
  const rows = document.catalogs.map(({ name, followed, serial, changedAt }) => {
    return [name, followed ? 'followed' : 'kept here', String(serial), changedAt];
  });
  const head = ['CATALOG', 'ROLE', 'SERIAL', 'CHANGED'];
  terminal.out(options.json === true ? formatJson(document) : formatTable(head, rows));
}

async function listMembers(name: string, options: ReadOptions, terminal: Terminal): Promise<void> {
  const server = await findServer(options, terminal);
  const members = await callList<MemberDocument>(server, { path: ['catalogs', name, 'members'] }, 'members');
  const rows = members
    .toSorted((a, b) => (a.zone < b.zone ? -1 : 1))
    .map(({ zone, groups, coo, label }) => [zone, groups.join(', ') || '-', coo ?? '-', label]);
  const head = ['ZONE', 'GROUPS', 'GOES TO', 'LABEL'];
  terminal.out(options.json === true ? formatJson({ members }) : formatTable(head, rows));
}
