/** `waxseal zone role`: whether a zone is kept here or comes from primaries. */
import type { Command } from 'commander';
import { runChange } from './change.ts';
import { type ChangeOptions, changeCommand } from './options.ts';
import { type Terminal } from './terminal.ts';
import { type PrimaryOptions, primariesOf, primaryOptions } from './zone-primaries.ts';

interface RoleOptions extends ChangeOptions, PrimaryOptions {
  readonly sign?: boolean;
}

export function defineRole(noun: Command, terminal: Terminal): void {
  const what = 'keep a zone here (primary), or have it come from primaries (secondary)';
  const role = noun.command('role <zone> <role>').description(what);
  changeCommand(role, 'waxseal zone role example.com secondary --primary 192.0.2.1 --tsig k.example.com --sign');
  primaryOptions(role)
    .option('--primary <address#port...>', 'asked in this order; without it those that the zone has')
    .option('--tsig <key>', 'the TSIG key for them')
    .option('--sign', 'it comes unsigned, and is signed here')
    .action(async (zone: string, word: string, options: RoleOptions) => {
      const json = { role: word, primaries: primariesOf(options), sign: options.sign };
      await runChange({ method: 'PUT', path: ['zones', zone, 'role'], json }, options, terminal);
    });
}
