/** `waxseal check`: a zone as strangers meet it. Not here: `zone check`, which reads a file, and `mail check`. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLines, formatTable } from './terminal.ts';

interface Result {
  readonly check: string;
  readonly subject: string;
  readonly verdict: string;
  readonly evidence: string;
  readonly rfc: string;
  readonly fix?: string;
}

interface CheckDocument {
  readonly zone: string;
  readonly at: string;
  readonly serial: number;
  readonly verdict: string;
  readonly results: readonly Result[];
  readonly omitted: number;
}

interface CheckOptions extends ReadOptions {
  readonly findings?: boolean;
}

/** What a person has to look at. */
const FINDINGS = ['failed', 'warning', 'not_tested'];

export function defineCheck(command: Command, terminal: Terminal): void {
  command
    .argument('<zone>')
    .description(
      'look at a zone from outside: name servers, DNSSEC, mail; exit code 6 if something fails, ' +
        '7 if nothing could be looked at',
    );
  readCommand(command, 'waxseal check example.com');
  command.option('--findings', 'leave out what passed');
  command.action(async (zone: string, options: CheckOptions) => {
    const server = await findServer(options, terminal);
    const document = await callApi<CheckDocument>(server, { path: ['zones', zone, 'check'] });
    const shown = options.findings === true ? document.results.filter(isFinding) : document.results;
    terminal.out(options.json === true ? formatJson({ ...document, results: shown }) : formatCheck(document, shown));
    if (document.verdict === 'failed') process.exitCode = 6;
    else if (document.results.every(({ verdict }) => verdict === 'not_tested')) process.exitCode = 7;
  });
}

function isFinding({ verdict }: Result): boolean {
  return FINDINGS.includes(verdict);
}

function formatCheck({ zone, at, serial, verdict, results, omitted }: CheckDocument, shown: readonly Result[]): string {
  const rows = shown.map((each) => [each.verdict, each.check, each.subject, `${each.evidence} [${each.rfc}]`]);
  const table = rows.length === 0 ? '' : formatTable(['VERDICT', 'CHECK', 'SUBJECT', 'SEEN'], rows);
  const fixes = shown.flatMap(({ check, fix }) => (fix === undefined ? [] : [`  ${check}: ${fix}`]));
  const next = fixes.length === 0 ? [] : ['Next:', ...new Set(fixes)];
  const count = (wanted: string): number => results.filter((each) => each.verdict === wanted).length;
  const found = `${count('failed')} failed, ${count('warning')} warnings, ${count('not_tested')} not tested`;
  const more = omitted === 0 ? '' : ` (${omitted} more are left out)`;
  return `${table}${formatLines([...next, `${zone} serial ${serial} at ${at}: ${verdict}; ${found}${more}`])}`;
}
