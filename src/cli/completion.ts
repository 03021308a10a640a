/** `waxseal completion` and `waxseal manual`: the command line for shells and for man(1). */
import { Argument, type Command } from 'commander';
import { commandTree } from './command-tree.ts';
import { SHELLS, type Shell, completionScript } from './completion-scripts.ts';
import { manualPage } from './manual-page.ts';
import type { Terminal } from './terminal.ts';

type AddNouns = Parameters<typeof commandTree>[0];

export function defineCompletion(addNouns: AddNouns) {
  return (noun: Command, terminal: Terminal): void => {
    noun
      .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices([...SHELLS]))
      .addHelpText('after', '\nExample:\n  $ waxseal completion bash > /etc/bash_completion.d/waxseal')
      .action(async (shell: Shell) => terminal.out(completionScript(shell, await commandTree(addNouns, terminal))));
  };
}

export function defineManual(addNouns: AddNouns) {
  return (noun: Command, terminal: Terminal): void => {
    noun
      .addHelpText('after', '\nExample:\n  $ waxseal manual | man -l -')
      .action(async () => terminal.out(manualPage(await commandTree(addNouns, terminal))));
  };
}
