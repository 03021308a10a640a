/** `waxseal dkim`: keys of a mail policy, their rotation and revocation. Signers: dkim-signer.ts. */
import type { Command } from 'commander';
import { callApi } from './api-client.ts';
import { confirm, runChange } from './change.ts';
import { type ChangeOptions, type ReadOptions, changeCommand, readCommand } from './options.ts';
import { defineDkimSigner } from './dkim-signer.ts';
import { findServer } from './server-address.ts';
import { type Terminal, formatJson, formatTable } from './terminal.ts';

interface KeysDocument {
  readonly zone: string;
  readonly keys: readonly {
    readonly selector: string;
    readonly algorithm: string;
    readonly stage: string;
    readonly since: string;
    readonly signer?: string;
    readonly compromised?: string;
    readonly queries: { readonly count: number; readonly lastAt?: string; readonly watchedSince?: string };
  }[];
}

export function defineDkim(noun: Command, terminal: Terminal): void {
  defineDkimSigner(noun, terminal);
  readCommand(
    noun.command('list <zone>').description('the keys with their stages, and how often they are asked for here'),
    'waxseal dkim list example.com',
  ).action(async (zone: string, options: ReadOptions) => {
    const document = await callApi<KeysDocument>(await findServer(options, terminal), { path: ['zones', zone, 'dkim'] });
    const rows = document.keys.map(({ selector, algorithm, stage, since, signer = '', compromised, queries }) => [
      selector,
      algorithm,
      compromised === undefined ? stage : `${stage} (compromised: ${compromised})`,
      since,
      queries.watchedSince === undefined ? '' : String(queries.count),
      queries.lastAt ?? '',
      signer,
    ]);
    terminal.out(
      options.json === true
        ? formatJson(document)
        : formatTable(['SELECTOR', 'ALGORITHM', 'STAGE', 'SINCE', 'QUERIES', 'LAST ASKED', 'SIGNER'], rows),
    );
  });

  changeCommand(
    noun
      .command('rotate <zone>')
      .description('change to new keys as soon as that is safe')
      .option('--algorithm <name...>', 'only these: rsa2048, ed25519')
      .option('--reason <text>', 'for the audit log'),
    'waxseal dkim rotate example.com',
  ).action(async (zone: string, options: ChangeOptions & { readonly algorithm?: readonly string[]; readonly reason?: string }) => {
    const json = { algorithms: options.algorithm, reason: options.reason };
    await runChange({ method: 'POST', path: ['zones', zone, 'dkim', 'rotate'], json }, options, terminal);
  });

  changeCommand(
    noun
      .command('revoke <zone> <selector>')
      .description('revoke a key at once: mail under way that it signed fails')
      .requiredOption('--reason <text>', 'for the audit log')
      .option('--after-switch', 'let it sign until the next key does'),
    'waxseal dkim revoke example.com r20260101a --reason "the key was on a stolen disk"',
  ).action(async (zone: string, selector: string, options: ChangeOptions & { readonly reason: string; readonly afterSwitch?: boolean }) => {
    const when = options.afterSwitch === true ? 'after-switch' : 'at-once';
    await confirm(
      `revoke the DKIM key ${selector} of ${zone} ${when === 'at-once' ? 'now' : 'as soon as another key signs'}`,
      options,
      terminal,
    );
    const json = { reason: options.reason, when };
    await runChange({ method: 'POST', path: ['zones', zone, 'dkim', selector, 'revoke'], json }, options, terminal);
  });
}
