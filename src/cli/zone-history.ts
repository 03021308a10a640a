/** `waxseal zone history`, `diff` of versions and `rollback`. Not here: comparing with a zone file (zone.ts). */
import type { Command } from 'commander';
import { callApi, callList } from './api-client.ts';
import { whoText } from './audit-who.ts';
import { type ChangesetDocument, confirm, formatChanges, runChange } from './change.ts';
import { failure } from './failure.ts';
import { readCount } from './number-options.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, ignoreBelowOption, readCommand } from './options.ts';
import { type BelowOptions, belowOf } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatTable } from './terminal.ts';

interface ChangeDocument {
  readonly revision: number;
  readonly at: string;
  readonly changeset: ChangesetDocument;
  readonly actor?: { readonly kind: string; readonly id: string; readonly owner?: string };
  readonly action?: string;
  readonly reason?: string;
}

interface VersionDocument {
  readonly serial: number;
  readonly revision?: number;
  readonly at?: string;
}

interface DiffDocument {
  readonly zone: string;
  readonly from: VersionDocument;
  readonly to: VersionDocument;
  readonly changes: number;
  readonly changeset: ChangesetDocument;
}

interface RollbackOptions extends ChangeOptions, BelowOptions {
  readonly change?: boolean;
}

/** Whether the word names a version of a zone: a serial, or a revision as in r1234. A file may be `./r1234`. */
export function isVersion(word: string): boolean {
  return /^r?[0-9]{1,15}$/.test(word);
}

export function defineHistory(noun: Command, terminal: Terminal): void {
  readCommand(
    noun.command('history <zone>').description('the changes of a zone, newest first: who, when, why'),
    'waxseal zone history example.com -n 50',
  )
    .option('-n, --lines <count>', 'how many', readCount, 20)
    .action((zone: string, options: ReadOptions & { readonly lines: number }) => showHistory(zone, options, terminal));

  changeCommand(
    noun
      .command('rollback <zone> <version>')
      .description('go back to a version (serial, or revision as in r1234); what life cycles keep stays')
      .option('--change', 'undo only the change that led to this serial'),
    'waxseal zone rollback example.com 2026113002 --dry-run',
  )
    .addOption(ignoreBelowOption())
    .action((zone: string, version: string, options: RollbackOptions) => rollBack(zone, version, options, terminal));
}

async function showHistory(
  zone: string,
  options: ReadOptions & { readonly lines: number },
  terminal: Terminal,
): Promise<void> {
  const address = await findServer(options, terminal);
  const path = ['zones', zone, 'changes'];
  const changes = await callList<ChangeDocument>(address, { path }, 'changes', options.lines);
  const rows = changes.map(({ revision, at, changeset, actor, action = '', reason = '' }) => [
    String(changeset.toSerial),
    `r${revision}`,
    at,
    actor === undefined ? '' : whoText({ from: '', ...actor }),
    action,
    sizeText(changeset),
    reason,
  ]);
  const heading = ['SERIAL', 'REVISION', 'TIME', 'WHO', 'ACTION', 'RECORDS', 'REASON'];
  terminal.out(options.json === true ? formatJson({ zone, changes }) : formatTable(heading, rows));
}

/** `+3 -1`: of many records, those that are shown and how many more. */
function sizeText({ deleted, added, omitted }: ChangesetDocument): string {
  return `+${added.length} -${deleted.length}${omitted === 0 ? '' : ` and ${omitted} more`}`;
}

/** What lies between two versions; the second one is the zone of now unless given. */
export async function diffVersions(
  zone: string,
  [from, to]: readonly [string, string | undefined],
  options: ReadOptions,
  terminal: Terminal,
): Promise<void> {
  for (const word of [from, to ?? from])
    if (!isVersion(word)) throw failure('CLI_USAGE', `${word} is no version`, 'a serial, or a revision as in r1234');
  const address = await findServer(options, terminal);
  const document = await callApi<DiffDocument>(address, { path: ['zones', zone, 'diff'], query: { from, to } });
  if (options.json === true) return terminal.out(formatJson(document));
  const { changes, changeset } = document;
  const [older, newer] = [versionText(document.from), versionText(document.to)];
  terminal.out(formatLine(`${document.zone} from ${older} to ${newer}: ${changes} changes`));
  terminal.out(formatChanges(changeset));
}

function versionText({ serial, revision, at }: VersionDocument): string {
  const which = revision === undefined ? 'before the journal' : `r${revision}${at === undefined ? '' : `, ${at}`}`;
  return `serial ${serial} (${which})`;
}

async function rollBack(zone: string, version: string, options: RollbackOptions, terminal: Terminal): Promise<void> {
  if (!isVersion(version)) throw failure('CLI_USAGE', `${version} is no version`, `waxseal zone history ${zone}`);
  const query = belowOf(options);
  if (options.change === true) {
    if (version.startsWith('r')) throw failure('CLI_USAGE', '--change takes the serial that the change led to');
    await confirm(`undo the change of ${zone} that led to serial ${version}`, options, terminal);
    const path = ['zones', zone, 'changes', version, 'revert'];
    return await runChange({ method: 'POST', path, query }, options, terminal);
  }
  await confirm(`undo all changes of ${zone} since version ${version}`, options, terminal);
  await runChange(
    { method: 'POST', path: ['zones', zone, 'rollback'], query, json: { to: version } },
    options,
    terminal,
  );
}
