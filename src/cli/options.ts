/** Options that all commands of one kind share, and how they are given to their actions. */
import { type Command, Option } from 'commander';
import type { ServerOptions } from './server-address.ts';

export interface OutputOptions {
  readonly json?: boolean;
}

export type ReadOptions = OutputOptions & ServerOptions;

export interface ChangeOptions extends ReadOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  /** For the audit log. */
  readonly reason?: string;
  /** False with --no-wait. */
  readonly wait: boolean;
}

/** A command that needs no server. */
export function localCommand(command: Command, example: string): Command {
  return command
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\nExample:\n  $ ${example}`)
    .helpOption('-h, --help', 'show this help');
}

/** A command that asks the server. */
export function readCommand(command: Command, example: string): Command {
  return localCommand(command, example)
    .option('--server <address>', 'the server, URL or unix:PATH (default: admin.sock in the data directory)')
    .option('--token-file <file>', 'token for a server that is reached by URL')
    .option('--ca <file>', 'PEM of the only roots, or the one certificate, that an https:// server is trusted by')
    .option('--client-cert <file>', 'PEM of the certificate to show to a server that wants one, with its key')
    .option('--data <dir>', "the server's data directory")
    .option('--config <file>', 'configuration that names the data directory');
}

/** A command that changes something. */
export function changeCommand(command: Command, example: string): Command {
  return withReason(readCommand(command, example))
    .option('--dry-run', 'show what would change, change nothing')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'do not wait until every worker serves the change');
}

/** Adds `--reason`, unless the command has one of its own. */
export function withReason(command: Command): Command {
  if (command.options.some(({ long }) => long === '--reason')) return command;
  return command.option('--reason <text>', 'why, for the audit log');
}

export interface BelowOptions extends ChangeOptions {
  readonly ignoreBelow?: boolean;
}

export function ignoreBelowOption(): Option {
  return new Option('--ignore-below', 'change it although a zone below, served here too, would be bogus or hidden');
}

/** The part of a query that says so. */
export function belowOf({ ignoreBelow }: BelowOptions): { readonly below?: 'ignore' } {
  return ignoreBelow === true ? { below: 'ignore' } : {};
}
