/** `waxseal version`. */
import type { Command } from 'commander';
import { productVersion } from '#base/version.ts';
import { type OutputOptions, localCommand } from './options.ts';
import { type Terminal, formatJson } from './terminal.ts';

export function defineVersion(noun: Command, terminal: Terminal): void {
  localCommand(noun, 'waxseal version').action((options: OutputOptions) => {
    const versions = { waxseal: productVersion(), node: process.versions.node };
    terminal.out(options.json === true ? formatJson(versions) : `waxseal ${versions.waxseal} (Node ${versions.node})\n`);
  });
}
