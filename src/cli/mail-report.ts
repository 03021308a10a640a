/** `waxseal dmarc report` and `mta-sts report`: hands reports about a zone's mail to the server, as they came. */
import { inFile } from '#base/place.ts';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type ReportPacking, packingOf } from '#control/reports/report-file.ts';
import { callApi } from './api-client.ts';
import {
  type AnswerProblem,
  CommandFailure,
  type FailureProblem,
  failure,
  formatWarning,
  placeText,
  readAnswerProblem,
  reasonOf,
} from './failure.ts';
import { type ChangeOptions, changeCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLine } from './terminal.ts';

interface ReportKind {
  readonly noun: string;
  readonly description: string;
  readonly example: string;
  readonly types: Readonly<Record<ReportPacking, string>>;
}

export const DMARC_REPORT: ReportKind = {
  noun: 'dmarc',
  description: 'take in DMARC aggregate reports: XML, .gz, .zip or the message that brought one; - is standard input',
  example: 'waxseal dmarc report example.com google.com!example.com!1763596800!1763683199.zip',
  types: { none: 'application/xml', gzip: 'application/gzip', zip: 'application/zip', message: 'message/rfc822' },
};
export const TLS_REPORT: ReportKind = {
  noun: 'mta-sts',
  description: 'take in TLS reports: JSON, .gz or the message that brought one; - is standard input',
  example: 'waxseal mta-sts report example.com google.com!example.com!1763596800!1763683199!001.json.gz',
  types: { none: 'application/tlsrpt+json', gzip: 'application/tlsrpt+gzip', zip: 'application/zip', message: 'message/rfc822' },
};

interface TakenDocument {
  readonly changed: boolean;
  readonly warnings: readonly AnswerProblem[];
  readonly mail?: { readonly text?: string };
}

/** Adds the verb. One file that is no good does not keep the others out; the exit code tells of it. */
export function reportCommand(noun: Command, terminal: Terminal, { noun: path, description, example, types }: ReportKind): void {
  changeCommand(noun.command('report <zone> <files...>').description(description), example).action(
    async (zone: string, files: readonly string[], options: ChangeOptions) => {
      const server = await findServer(options, terminal);
      const taken: (TakenDocument & { readonly file: string })[] = [];
      const refused: FailureProblem[] = [];
      for (const file of files) {
        try {
          const octets = read(file, terminal);
          const content = { type: types[packingOf(octets)], octets };
          const query = options.dryRun === true ? { dryRun: '1' } : options.wait ? { wait: 'served' } : {};
          const document = await callApi<TakenDocument>(server, { method: 'POST', path: ['zones', zone, path, 'reports'], query, content });
          taken.push({ file, ...document });
          if (options.json !== true) tell(file, document, terminal);
        } catch (error) {
          if (!(error instanceof CommandFailure)) throw error;
          refused.push(...error.problems.map((each) => ofFile(file, each)));
        }
      }
      if (options.json === true && refused.length === 0) terminal.out(formatJson({ zone, reports: taken }));
      if (refused.length > 0) throw new CommandFailure(refused);
    },
  );
}

/** The problem of a report. The message names the file too: of several files each problem has to say which one it is about. */
function ofFile(file: string, { at, message, ...rest }: FailureProblem): FailureProblem {
  const place = placeText(at);
  return { ...rest, at: inFile(file), message: `${file}: ${place === '' ? '' : `${place}: `}${message}` };
}

function tell(file: string, { mail, warnings }: TakenDocument, terminal: Terminal): void {
  for (const each of warnings) terminal.err(formatWarning(ofFile(file, readAnswerProblem(each))));
  // A part that is not counted is shown beside the rest, which is counted; other warnings: nothing was taken in.
  if (warnings.every(({ code }) => code === 'REPORT_PART')) terminal.out(formatLine(`${file}: ${mail?.text ?? 'taken in'}`));
}

function read(file: string, { workingDirectory }: Terminal): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : resolve(workingDirectory, file));
  } catch (error) {
    throw failure('CLI_FILE', `it cannot be read: ${reasonOf(error)}`);
  }
}
