/** `waxseal keys reseal`: the key-encryption key of the store becomes another one. */
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm } from './change.ts';
import { type AnswerProblem, CommandFailure, formatAnswerWarning } from './failure.ts';
import { type ChangeOptions, changeCommand } from './options.ts';
import { findServer, localConfig } from './server-address.ts';
import { type Terminal, formatJson, formatLines } from './terminal.ts';

interface ResealDocument {
  readonly file: string;
  readonly fileBefore: string;
  readonly made: boolean;
  readonly secrets: number;
  readonly ofPolicyHost: number;
  readonly dryRun: boolean;
  readonly warnings: readonly AnswerProblem[];
}

interface ResealFlags extends ChangeOptions {
  readonly to: string;
  readonly policyHost?: boolean;
}

export function defineKeyEncryption(noun: Command, terminal: Terminal): void {
  changeCommand(
    noun
      .command('reseal')
      .description('seal every secret of the store under the key in another file, which is made when it is not there')
      .requiredOption('--to <file>', 'a name beside the file of the present key, or an absolute path')
      .option('--policy-host', 'the server is down: the key of the policy host (https.key_file) in its place'),
    'waxseal keys reseal --to kek-2027',
  ).action(async (options: ResealFlags) => {
    if (options.policyHost === true) return resealHostKey(options, terminal);
    await confirm(`seal every secret of the store under the key in ${options.to}`, options, terminal);
    const query = options.dryRun === true ? { dryRun: '1' } : {};
    const json = { file: options.to };
    const document = await callApi<ResealDocument>(await findServer(options, terminal), {
      method: 'POST',
      path: ['keys', 'reseal'],
      query,
      json,
    });
    for (const each of document.warnings) terminal.err(formatAnswerWarning(each));
    terminal.out(options.json === true ? formatJson(document) : formatLines(linesOf(document)));
  });
}

async function resealHostKey(options: ResealFlags, terminal: Terminal): Promise<void> {
  const { to, dryRun } = options;
  await confirm(`seal the keys of certificates under the key in ${to}`, options, terminal);
  const config = await localConfig(options, terminal);
  const { resealPolicyHost } = await import('#process/reseal-policy-host.ts');
  const path = resolve(dirname(config.https.keyFile), to);
  const done = await resealPolicyHost(config, path, dryRun === true);
  if (!done.ok) throw new CommandFailure(done.problems, { unchanged: true });
  const { isMade: made, ...sealed } = done.value;
  if (options.json === true) return terminal.out(formatJson({ ...sealed, made, dryRun: dryRun === true }));
  const would = dryRun === true ? 'would be' : 'are';
  const lines = [`${sealed.secrets} keys of certificates ${would} sealed under the policy host's key in ${path}`];
  const next = `name it in https.key_file before the next start; ${sealed.fileBefore} is for backups of before`;
  terminal.out(formatLines(dryRun === true ? lines : [...lines, next]));
}

function linesOf({ file, fileBefore, made, secrets, ofPolicyHost, dryRun }: ResealDocument): string[] {
  const stay = `${ofPolicyHost} keys of certificates stay under the policy host's own key (https.key_file)`;
  const others = ofPolicyHost === 0 ? [] : [stay];
  const would = `${secrets} secrets would be sealed under the key in ${file}${made ? ', which would be made' : ''}`;
  if (dryRun) return [would, ...others];
  return [
    `${secrets} secrets are sealed under the key in ${file}${made ? ', which was made' : ''}`,
    ...others,
    `the key in ${fileBefore} opens nothing of this store any more; backups of before still need it`,
    'if keys.kek_file is set, name the new file there before the next start',
  ];
}
