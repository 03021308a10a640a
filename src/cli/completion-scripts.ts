/**
 * Completions for shells: nouns, verbs and options from the command line as data. They complete words; zones and names
 * are not asked for, because that would send a request at each press of the key.
 */
import type { CommandNode, OptionNode } from './command-tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The script that the shell reads. */
export function completionScript(shell: Shell, tree: CommandNode): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](tree);
}

/** Each command with the words before it, the program itself first. */
function allCommands(tree: CommandNode): { readonly path: string; readonly node: CommandNode }[] {
  const below = (node: CommandNode, path: string): { path: string; node: CommandNode }[] => [
    { path, node },
    ...node.commands.flatMap((each) => below(each, path === '' ? each.name : `${path} ${each.name}`)),
  ];
  return below(tree, '');
}

const HELP: OptionNode = {
  flags: '-h, --help',
  long: '--help',
  short: '-h',
  summary: 'show this help',
  takesValue: false,
  choices: [],
};
const optionsOf = ({ options }: CommandNode) => [...options, HELP];

/** The words on the line that are commands, then what can follow them. */
function bashScript(tree: CommandNode): string {
  const cases = allCommands(tree).map(({ path, node }) => {
    const words = [...node.commands.map(({ name }) => name), ...optionsOf(node).map(({ long }) => long)];
    return `    '${path}') words='${words.join(' ')}' ;;`;
  });
  const values = allCommands(tree)
    .flatMap(({ node }) => node.options)
    .filter(({ takesValue }) => takesValue)
    .map(({ long }) => long);
  const paths = allCommands(tree).map(({ path }) => `'${path}'`);
  return `# bash completion of waxseal; load it with: source <(waxseal completion bash)
_waxseal() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path='' each words=''
  case $before in
    ${[...new Set(values)].join('|')}) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$each" in
      ${paths.slice(1).join('|')}) path="\${path:+$path }$each" ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _waxseal waxseal
`;
}

function zshScript(tree: CommandNode): string {
  const quote = (text: string) => text.replaceAll(/[\\':]/g, (each) => (each === "'" ? "'\\''" : `\\${each}`));
  const cases = allCommands(tree).map(({ path, node }) => {
    const commands = node.commands.map(({ name, summary }) => `'${name}:${quote(summary)}'`);
    const options = optionsOf(node).map(({ long, summary }) => `'${long}:${quote(summary)}'`);
    return `    '${path}') commands=(${commands.join(' ')}); options=(${options.join(' ')}) ;;`;
  });
  const paths = allCommands(tree).map(({ path }) => `'${path}'`);
  return `#compdef waxseal
# zsh completion of waxseal; put it into a folder of $fpath as _waxseal: waxseal completion zsh > _waxseal
_waxseal() {
  local path_words='' each
  local -a commands options
  for each in "\${(@)words[2,CURRENT-1]}"; do
    case "\${path_words:+$path_words }$each" in
      ${paths.slice(1).join('|')}) path_words="\${path_words:+$path_words }$each" ;;
    esac
  done
  case $path_words in
${cases.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then _describe option options
  elif (( \${#commands} )); then _describe command commands
  else _files
  fi
}
(( $+functions[compdef] )) && compdef _waxseal waxseal
`;
}

function fishScript(tree: CommandNode): string {
  const quote = (text: string) => text.replaceAll(/[\\']/g, (each) => `\\${each}`);
  const lines = allCommands(tree).flatMap(({ path, node }) => {
    const at = path === '' ? "-n '__waxseal_at'" : `-n '__waxseal_at ${path}'`;
    return [
      ...node.commands.map(({ name, summary }) => `complete -c waxseal -f ${at} -a '${name}' -d '${quote(summary)}'`),
      ...optionsOf(node).map(({ long, short, summary, takesValue, choices }) => {
        const name = `${short === undefined ? '' : `-s ${short.slice(1)} `}-l ${long.slice(2)}`;
        const value = choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r' : '';
        return `complete -c waxseal ${at} ${name}${value} -d '${quote(summary)}'`;
      }),
    ];
  });
  const paths = allCommands(tree).map(({ path }) => `'${path}'`);
  return `# fish completion of waxseal; load it with: waxseal completion fish | source
function __waxseal_at
  set -l known ${paths.slice(1).join(' ')}
  set -l path
  for each in (commandline -opc)[2..]
    if contains -- (string join ' ' $path $each) $known
      set -a path $each
    end
  end
  test (string join ' ' $path) = (string join ' ' $argv)
end
${lines.join('\n')}
`;
}
