/** The whole command line as data: what completions and the manual are made of, so that neither is written by hand. */
import { type Argument, Command, type Option } from 'commander';
import type { Terminal } from './terminal.ts';

export interface CommandNode {
  readonly name: string;
  readonly summary: string;
  readonly arguments: readonly { readonly name: string; readonly isRequired: boolean; readonly isVariadic: boolean }[];
  readonly options: readonly OptionNode[];
  readonly example: string | undefined;
  readonly commands: readonly CommandNode[];
}

export interface OptionNode {
  /** As help shows it: `--port <number>`. */
  readonly flags: string;
  /** `--port`. */
  readonly long: string;
  /** `-n`. */
  readonly short: string | undefined;
  readonly summary: string;
  readonly takesValue: boolean;
  /** The only values that it takes. */
  readonly choices: readonly string[];
}

/** `addNouns`: defines every noun with its verbs. */
export async function commandTree(
  addNouns: (program: Command, terminal: Terminal, isWanted: (name: string) => boolean) => Promise<void>,
  terminal: Terminal,
): Promise<CommandNode> {
  const program = new Command('waxseal').description(
    "Authoritative DNS server that keeps a domain's mail trust in order.",
  );
  await addNouns(program, terminal, () => true);
  return nodeOf(program);
}

function nodeOf(command: Command): CommandNode {
  return {
    name: command.name(),
    summary: command.description(),
    arguments: command.registeredArguments.map(argumentOf),
    options: command.options.filter(({ hidden }) => !hidden).map(optionOf),
    example: exampleOf(command),
    commands: command.commands.map(nodeOf),
  };
}

function argumentOf(each: Argument): CommandNode['arguments'][number] {
  return { name: each.name(), isRequired: each.required, isVariadic: each.variadic };
}

function optionOf({ flags, long, short, description, required, optional, argChoices }: Option): OptionNode {
  return {
    flags,
    long: long ?? flags,
    short: short ?? undefined,
    summary: description,
    takesValue: required || optional,
    choices: argChoices ?? [],
  };
}

/** The example stands in the text after the help. */
function exampleOf(command: Command): string | undefined {
  let text = '';
  command.configureOutput({ writeOut: (each) => void (text += each) });
  command.outputHelp();
  return /^Example:\n {2}\$ (.*)$/m.exec(text)?.[1];
}
