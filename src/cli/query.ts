/** `waxseal query`: the answer from the store, and with --trace what made it. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { type ReadOptions, readCommand } from './options.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatLines } from './terminal.ts';

interface QueryDocument {
  readonly name: string;
  readonly type: string;
  readonly rcode: string;
  readonly authoritative: boolean;
  readonly ede?: { readonly code: number; readonly text: string };
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
  readonly steps: readonly { readonly rule: string; readonly text: string }[];
}

interface QueryOptions extends ReadOptions {
  readonly trace?: boolean;
  readonly dnssec: boolean;
}

export function defineQuery(noun: Command, terminal: Terminal): void {
  readCommand(noun, 'waxseal query www.example.com A --trace')
    .argument('<name>', 'absolute, with or without the last dot')
    .argument('[type]', 'record type', 'A')
    .option('--trace', 'show which records, wildcards, proofs and rules made the answer')
    .option('--no-dnssec', 'without signatures and proofs')
    .action(async (name: string, type: string, options: QueryOptions) => {
      const query = { name, type, dnssec: options.dnssec ? '1' : '0' };
      const answer = await callApi<QueryDocument>(await findServer(options, terminal), { path: ['query'], query });
      if (options.json === true) terminal.out(formatJson(answer));
      else terminal.out(formatQuery(answer, options.trace === true));
    });
}

function formatQuery({ name, type, rcode, authoritative, ede, steps, ...sections }: QueryDocument, trace: boolean): string {
  const lines = [`${name} ${type}: ${rcode}${authoritative ? ', authoritative' : ''}`];
  if (ede !== undefined) lines.push(`extended error ${ede.code}: ${ede.text}`);
  for (const section of ['answer', 'authority', 'additional'] as const) {
    if (sections[section].length > 0) lines.push('', `${section}:`, ...sections[section].map((line) => `  ${line}`));
  }
  if (trace) lines.push('', 'why:', ...steps.map(({ rule, text }, index) => `  ${index + 1}. ${text} [${rule}]`));
  return formatLines(lines);
}
