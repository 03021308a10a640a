/**
 * The table of commands. A noun's module is loaded when the noun is used: `waxseal --help` loads none of them.
 * Not here: what the nouns do (one file each), serving (process/supervise.ts).
 */
import { Command, CommanderError } from 'commander';
import { CommandFailure, failure, failureDocument, formatFailure } from './failure.ts';
import { type Terminal, formatJson, processTerminal } from './terminal.ts';

interface Noun {
  readonly summary: string;
  /** A command to show in its help; nouns without verbs bring their own. */
  readonly example?: string;
  /** Adds verbs or options and an action to the noun's command. */
  readonly load: () => Promise<(noun: Command, terminal: Terminal) => void>;
}

/** In the order of the help. */
const NOUNS: Readonly<Record<string, Noun>> = {
  init: { summary: 'a first zone, and what to do at the registrar', load: async () => (await import('./init.ts')).defineInit },
  serve: { summary: 'run the server', load: async () => (await import('./serve-command.ts')).defineServe },
  status: { summary: 'state of the server', load: async () => (await import('./status.ts')).defineStatus },
  check: { summary: 'a zone as strangers meet it', load: async () => (await import('./check.ts')).defineCheck },
  query: { summary: 'what is answered to a question, and why', load: async () => (await import('./query.ts')).defineQuery },
  search: { summary: 'records of all zones, by text', load: async () => (await import('./search.ts')).defineSearch },
  bimi: { summary: 'BIMI: check a logo, and have it hosted', load: async () => (await import('./bimi.ts')).defineBimi },
  spf: { summary: 'SPF: tree, check, drift, flatten', load: async () => (await import('./spf.ts')).defineSpf },
  zone: {
    summary: 'zones: add, remove, list, show, import, export, check, diff, history, rollback',
    example: 'waxseal zone import example.com example.com.zone',
    load: async () => (await import('./zone.ts')).defineZone,
  },
  rrset: {
    summary: 'records: list, get, set, delete',
    example: 'waxseal rrset set example.com www A 1h 192.0.2.1',
    load: async () => (await import('./rrset.ts')).defineRrset,
  },
  dnssec: {
    summary: 'signing: status, ds, enable, disable, roll, policy, timeline, key, foreign',
    example: 'waxseal dnssec ds example.com',
    load: async () => (await import('./dnssec.ts')).defineDnssec,
  },
  mail: {
    summary: 'mail policy: plan, apply, show, status, check, remove, hold, resume, override',
    example: 'waxseal mail apply example.com example.com.mail.toml',
    load: async () => (await import('./mail.ts')).defineMail,
  },
  dkim: {
    summary: 'DKIM keys: list, rotate, revoke, signer',
    example: 'waxseal dkim list example.com',
    load: async () => (await import('./dkim.ts')).defineDkim,
  },
  dmarc: {
    summary: 'DMARC: show, ramp, report, source',
    example: 'waxseal dmarc show example.com',
    load: async () => (await import('./mail-parts.ts')).defineDmarc,
  },
  'mta-sts': {
    summary: 'MTA-STS: show, mode, report',
    example: 'waxseal mta-sts show example.com',
    load: async () => (await import('./mail-parts.ts')).defineMtaSts,
  },
  tlsa: {
    summary: 'TLSA of mail hosts: list, next, activated, abandon',
    example: 'waxseal tlsa list example.com',
    load: async () => (await import('./tlsa.ts')).defineTlsa,
  },
  cert: {
    summary: 'certificates of hosts: list, show, renew, remove, deploy-hook',
    example: 'waxseal cert list example.com',
    load: async () => (await import('./cert.ts')).defineCert,
  },
  secondary: {
    summary: 'secondaries of zones: add, list, remove',
    example: 'waxseal secondary add example.com 192.0.2.53 --tsig secondary.example.com',
    load: async () => (await import('./secondary.ts')).defineSecondary,
  },
  catalog: {
    summary: 'catalogs of zones: create, list, add, remove, move; of other servers: follow, settings, show, confirm',
    example: 'waxseal catalog add catalog.example.com example.com',
    load: async () => (await import('./catalog.ts')).defineCatalog,
  },
  tsig: {
    summary: 'TSIG keys: generate, import, list, revoke',
    example: 'waxseal tsig generate secondary.example.com --zone example.com',
    load: async () => (await import('./tsig.ts')).defineTsig,
  },
  token: {
    summary: 'access to the API: create, list, revoke',
    example: 'waxseal token create deploy --scope zone:example.com',
    load: async () => (await import('./token.ts')).defineToken,
  },
  keys: {
    summary: 'the key-encryption key: reseal',
    example: 'waxseal keys reseal --to kek-2027',
    load: async () => (await import('./keys.ts')).defineKeyEncryption,
  },
  backup: {
    summary: 'copies of the store: create, list, verify, restore, review, resume',
    example: 'waxseal backup create',
    load: async () => (await import('./backup.ts')).defineBackup,
  },
  alert: {
    summary: 'what needs a person: list, ack, test',
    example: 'waxseal alert list',
    load: async () => (await import('./alert.ts')).defineAlert,
  },
  store: {
    summary: 'the file of the store: stats, check, compact',
    example: 'waxseal store stats',
    load: async () => (await import('./store.ts')).defineStore,
  },
  audit: {
    summary: 'who changed what: tail, verify, export, head, key',
    example: 'waxseal audit tail',
    load: async () => (await import('./audit.ts')).defineAudit,
  },
  events: { summary: 'what happens: the last events, or as they come', load: async () => (await import('./events.ts')).defineEvents },
  config: {
    summary: 'configuration: check, show',
    example: 'waxseal config check',
    load: async () => (await import('./config.ts')).defineConfig,
  },
  completion: {
    summary: 'completion for bash, zsh and fish',
    load: async () => (await import('./completion.ts')).defineCompletion(addNouns),
  },
  manual: {
    summary: 'the manual page, in the language of man',
    load: async () => (await import('./completion.ts')).defineManual(addNouns),
  },
  version: { summary: 'version of waxseal', load: async () => (await import('./version.ts')).defineVersion },
};

/** Runs the command in `argumentList` (argv without node and script). Resolves to the exit code (interface.md). */
export async function runProgram(argumentList: readonly string[], given: Terminal = processTerminal): Promise<number> {
  const words = isVersionFlag(argumentList[0]) ? ['version', ...argumentList.slice(1)] : argumentList;
  const json = words.includes('--json');
  let hasDocument = false;
  const terminal: Terminal = { ...given, out: (text) => ((hasDocument = true), given.out(text)) };
  const program = newProgram(terminal);
  const wanted = words[0] === 'help' ? words[1] : words[0];
  try {
    await addNouns(program, terminal, (name) => name === wanted);
    if (words.length === 0) program.help();
    await program.parseAsync(words, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const told = error instanceof CommanderError ? usageFailure(error, wanted) : error;
    if (!(told instanceof CommandFailure)) throw told;
    terminal.err(coloured(formatFailure(told), terminal));
    // One document: a command that has printed what it found says by its exit code that it failed.
    if (json && !hasDocument) terminal.out(formatJson(failureDocument(told)));
    return told.exit;
  }
}

/** Adds all nouns; those that are wanted with their verbs and options. */
export async function addNouns(program: Command, terminal: Terminal, isWanted: (name: string) => boolean): Promise<void> {
  for (const [name, noun] of Object.entries(NOUNS)) {
    const command = program.command(name).description(noun.summary).helpOption('-h, --help', 'show this help');
    if (noun.example !== undefined) command.addHelpText('after', `\nExample:\n  $ ${noun.example}`);
    if (isWanted(name)) (await noun.load())(command, terminal);
  }
}

/** The name of the program in red before what failed: at a terminal, unless NO_COLOR is set. */
function coloured(text: string, { environment }: Terminal): string {
  const { NO_COLOR: none = '', TERM: kind } = environment;
  const hasColours = process.stderr.isTTY && none === '' && kind !== 'dumb';
  return hasColours ? text.replace(/^waxseal:/, '\u001b[31mwaxseal:\u001b[39m') : text;
}

function isVersionFlag(word: string | undefined): boolean {
  return word === '--version' || word === '-V';
}

function newProgram(terminal: Terminal): Command {
  // What commander would print to stderr is printed in our form below.
  const silent = () => {};
  return new Command('waxseal')
    .description("Authoritative DNS server that keeps a domain's mail trust in order.")
    .usage('<noun> [verb] [options]')
    .option('-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .addHelpText(
      'after',
      '\nExample:\n  $ waxseal zone list\n\nExit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 denied, 6 check failed, 7 timeout, 78 configuration',
    )
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: silent, outputError: silent });
}

/** Commander's complaint in our form. */
function usageFailure(error: CommanderError, noun = ''): CommandFailure {
  if (error.code === 'commander.help') return failure('CLI_USAGE', `${noun} needs a verb`, `see waxseal ${noun} --help`);
  const [message, hint] = error.message.replace(/^error: /, '').split('\n');
  return failure('CLI_USAGE', message ?? 'not understood', hint?.replace(/^\((.*)\)$/, '$1') ?? 'see --help');
}
