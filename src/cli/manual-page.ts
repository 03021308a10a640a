/** The manual page waxseal(1), made of the command line as data. */
import { productVersion } from '#base/version.ts';
import type { CommandNode } from './command-tree.ts';

/** In the language of man(7). */
export function manualPage(tree: CommandNode): string {
  return [
    `.TH WAXSEAL 1 "" "waxseal ${productVersion()}" "User Commands"`,
    '.SH NAME',
    `waxseal \\- ${roff(tree.summary)}`,
    '.SH SYNOPSIS',
    '.B waxseal',
    '.I noun',
    '.RI [ verb ]',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    'The server is started with',
    '.BR "waxseal serve" .',
    'Every other command asks the running server, at the Unix socket in its data directory or by',
    '.BR \\-\\-server .',
    'What cannot be undone asks first, unless',
    '.B \\-\\-yes',
    'is given;',
    '.B \\-\\-dry\\-run',
    'shows what would change.',
    '.SH COMMANDS',
    ...tree.commands.flatMap((each) => section(each, '')),
    '.SH EXIT STATUS',
    ...EXITS.flatMap(([code, text]) => ['.TP', `.B ${code}`, text]),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, text]) => ['.TP', `.B ${name}`, roff(text)]),
    '',
  ].join('\n');
}

const EXITS = [
  [0, 'done'],
  [1, 'failed'],
  [2, 'the command line is not understood'],
  [3, 'not found'],
  [4, 'conflict, or a precondition that does not hold'],
  [5, 'denied'],
  [6, 'what was checked has errors'],
  [7, 'not in time'],
  [78, 'the configuration is wrong'],
  [130, 'Ctrl-C at a question, or during an import'],
] as const;

const ENVIRONMENT = [
  ['WAXSEAL_SERVER', 'the server, as in --server'],
  ['WAXSEAL_TOKEN_FILE', 'the file of the token, as in --token-file'],
  ['WAXSEAL_CA', 'the roots of an https:// server, as in --ca'],
  ['WAXSEAL_CLIENT_CERT', 'the certificate to show to it, as in --client-cert'],
  ['WAXSEAL_CONFIG, WAXSEAL_DATA', 'the configuration and the data directory'],
  ['WAXSEAL_SECTION__KEY', 'a key of the configuration'],
  ['NO_COLOR', 'no colours at a terminal'],
] as const;

/** A command with its options, then those below it. */
function section(node: CommandNode, before: string): readonly string[] {
  const name = before === '' ? node.name : `${before} ${node.name}`;
  const below = node.commands.flatMap((each) => section(each, name));
  if (node.commands.length > 0) return [`.SS ${roff(name)}`, roff(node.summary), ...below];
  const words = node.arguments.map(({ name: each, isRequired, isVariadic }) => {
    const text = isVariadic ? `${each}...` : each;
    return isRequired ? text : `[${text}]`;
  });
  return [
    '.TP',
    `.B waxseal ${roff([name, ...words].join(' '))}`,
    roff(node.summary),
    ...node.options.flatMap(({ flags, summary }) => ['.RS', '.TP', `.B ${roff(flags)}`, roff(summary), '.RE']),
    ...(node.example === undefined ? [] : ['.RS', '.PP', 'Example:', '.PP', '.nf', roff(node.example), '.fi', '.RE']),
  ];
}

/** A line of text: no request of roff, and hyphens as they are typed. */
function roff(text: string): string {
  const escaped = text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll(/[^\x20-\x7e]/gu, (each) => `\\[u${each.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
