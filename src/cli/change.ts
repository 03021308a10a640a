/** Changes of a zone from the command line: ask if it is destructive, send, print the changeset. */
import { showHidden } from '#base/visible.ts';
import { type ApiRequest, callApi } from './api-client.ts';
import { type AnswerProblem, CommandFailure, failure, formatAnswerWarning } from './failure.ts';
import type { ChangeOptions } from './options.ts';
import { type ServerAddress, findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine, formatLines } from './terminal.ts';

export interface ChangesetDocument {
  readonly fromSerial: number;
  readonly toSerial: number;
  readonly deleted: readonly string[];
  readonly added: readonly string[];
  readonly omitted: number;
}

interface OutcomeDocument {
  readonly zone: string;
  readonly serial: number;
  readonly revision: number;
  readonly changed: boolean;
  readonly created: boolean;
  readonly dryRun: boolean;
  readonly served?: boolean;
  readonly changeset: ChangesetDocument;
  readonly elsewhere?: readonly { readonly zone: string; readonly changeset: ChangesetDocument }[];
  readonly warnings: readonly AnswerProblem[];
  readonly plan?: readonly string[];
  readonly consequences?: readonly string[];
}

/** Asks before what cannot be undone, unless --yes is given. Throws when the user says no or cannot be asked. */
export async function confirm(what: string, options: ChangeOptions, terminal: Terminal): Promise<void> {
  if (options.yes === true || options.dryRun === true) return;
  if (!terminal.interactive)
    throw new CommandFailure(
      failure('CLI_CONFIRM', `${what}: this asks first, and no operator can be asked here`, 'add --yes, or look at it with --dry-run')
        .problems,
      {
        unchanged: true,
      },
    );
  if (!(await terminal.ask(`${showHidden(what)}?`)))
    throw new CommandFailure(failure('CLI_CONFIRM', 'you said no').problems, { unchanged: true, exit: 1 });
}

/** What is done beside a change. */
interface ChangeWay {
  readonly verb?: 'removed';
  /** Does `send`, which resolves with the answer, before anything is printed. */
  readonly during?: <T>(address: ServerAddress, send: () => Promise<T>) => Promise<T>;
}

/** Sends a change and prints the result. */
export async function runChange(
  request: ApiRequest,
  options: ChangeOptions,
  terminal: Terminal,
  { verb, during = (_address, send) => send() }: ChangeWay = {},
): Promise<void> {
  const address = await findServer(options, terminal);
  const query = { ...request.query, ...(options.dryRun === true ? { dryRun: '1' } : options.wait ? { wait: 'served' } : {}) };
  const outcome = await during(address, () => callApi<OutcomeDocument>(address, { ...request, query }));
  for (const each of outcome.warnings) terminal.err(formatAnswerWarning(each));
  terminal.out(options.json === true ? formatJson(outcome) : formatOutcome(outcome, verb));
  const { plan = [], consequences = [] } = outcome;
  if (options.json !== true && consequences.length > 0)
    terminal.out(formatLines(['Consequences:', ...consequences.map((line) => `  ${line}`)]));
  const isPlanned = options.json !== true && plan.length > 0;
  if (isPlanned) terminal.out(formatLines(['What follows:', ...plan.map((line) => `  ${line}`)]));
  if (outcome.served === false)
    throw new CommandFailure(
      failure('CLI_TIMEOUT', 'the change is durable, but not every worker serves it yet', 'see: waxseal status').problems,
    );
}

function formatOutcome({ zone, changed, created, dryRun, changeset, elsewhere = [] }: OutcomeDocument, verb?: 'removed'): string {
  if (!changed) return formatLine(`${zone} is that way already; nothing ${dryRun ? 'would change' : 'was changed'}`);
  const wouldBe = dryRun ? 'would be ' : '';
  // Of a zone that goes, everything goes.
  if (verb !== undefined) return formatLine(`${zone} ${wouldBe}${verb}`);
  const others = elsewhere.map((other) => formatChangeset(other.zone, false, wouldBe, other.changeset));
  return [formatChangeset(zone, created, wouldBe, changeset), ...others].join('');
}

function formatChangeset(zone: string, created: boolean, wouldBe: string, changeset: ChangesetDocument): string {
  const { fromSerial, toSerial } = changeset;
  const head = created ? `${zone} ${wouldBe}created, serial ${toSerial}` : `${zone} ${wouldBe}changed, serial ${fromSerial} to ${toSerial}`;
  return `${formatLine(head)}${formatChanges(changeset)}`;
}

/** The records that go and come, a line each; of those that signing makes only how many. */
export function formatChanges(changeset: Pick<ChangesetDocument, 'deleted' | 'added' | 'omitted'>): string {
  const deleted = changeset.deleted.filter((line) => !isSigning(line));
  const added = changeset.added.filter((line) => !isSigning(line));
  const hidden = changeset.deleted.length + changeset.added.length - deleted.length - added.length;
  const lines = [...deleted.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`)];
  if (hidden > 0) lines.push(`  and ${hidden} RRSIG, NSEC and NSEC3 records`);
  if (changeset.omitted > 0) lines.push(`  and ${changeset.omitted} more, not shown`);
  return formatLines(lines);
}

/** RRSIG, NSEC and NSEC3 follow from the rest; `owner TTL IN TYPE rdata`, and owners have no blanks. */
function isSigning(line: string): boolean {
  const type = line.split(' ', 4)[3];
  return type === 'RRSIG' || type === 'NSEC' || type === 'NSEC3';
}
