/**
 * Where values come from: the keys of the file with their lines, and variables of the environment.
 * Not here: which keys there are (file-form.ts), what values mean (config.ts).
 */
import { dirname } from 'node:path';
import { TomlError, parse } from 'smol-toml';
import { nearestWord } from '#base/nearest.ts';
import { type Place, atVariable, inFile } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { ConfigFile, KEYS } from './file-form.ts';
import { type ConfigSources, type Origin } from './origin.ts';
import { type Tree, isTree } from './tree.ts';

export function readFileKeys(
  file: { readonly path: string; readonly text: string },
  put: (key: string, value: unknown, origin: Origin) => void,
  problems: Problem[],
): void {
  let tree: Tree;
  try {
    tree = parse(file.text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    problems.push(problem('CONFIG_SYNTAX', inFile(file.path, error.line, error.column), why));
    return;
  }
  const sections = Object.keys(ConfigFile.properties).filter((name) => !KEYS.has(name));
  const visit = (key: string, value: unknown) => {
    const at = inFile(file.path, lineOf(file.text, key));
    // One listener of the policy host, or "off", may be written without a list.
    if (key === 'https.listen' && typeof value === 'string') put(key, [value], { at, folder: dirname(file.path) });
    else if (KEYS.has(key)) put(key, value, { at, folder: dirname(file.path) });
    else if (sections.includes(key)) {
      if (isTree(value)) for (const [name, each] of Object.entries(value)) visit(`${key}.${name}`, each);
      else problems.push(problem('CONFIG_VALUE', at, `${key} is a section`, { fix: `write [${key}] with keys below it` }));
    } else problems.push(unknownKey(key, at));
  };
  for (const [name, value] of Object.entries(tree)) visit(name, value);
}

/**
 * `WAXSEAL_DNS__LISTEN` is `dns.listen`; lists are separated by commas. Names without `__` are keys outside sections and are not
 * checked: Kubernetes sets WAXSEAL_PORT and the like for a service called waxseal.
 */
export function readEnvironment(
  sources: ConfigSources,
  put: (key: string, value: unknown, origin: Origin) => void,
  problems: Problem[],
): void {
  for (const [name, text] of Object.entries(sources.environment)) {
    if (!name.startsWith('WAXSEAL_') || text === undefined) continue;
    const key = name.slice('WAXSEAL_'.length).toLowerCase().replace('__', '.');
    if (KEYS.has(key)) put(key, typed(key, text), { at: atVariable(name), folder: sources.workingDirectory });
    else if (name.includes('__')) problems.push(unknownKey(key, atVariable(name)));
  }
}

function unknownKey(key: string, at: Place): Problem {
  const near = nearestWord(key, [...KEYS.keys()]);
  const section = key.split('.')[0]!;
  const known = [...KEYS.keys()].filter((each) => each.startsWith(`${section}.`));
  const fix = near !== undefined ? `did you mean ${near}?` : `known keys: ${(known.length > 0 ? known : [...KEYS.keys()]).join(', ')}`;
  return problem('CONFIG_KEY', at, `unknown key ${key}`, { fix });
}

/** Text from a variable or flag in the type that the key's schema asks for; wrong text stays text, and the schema says so. */
export function typed(key: string, text: string): unknown {
  const { type } = (KEYS.get(key) ?? {}) as { readonly type?: string };
  if (type === 'integer') return /^[0-9]+$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  // Set and empty is an empty list.
  if (type === 'array') return text.trim() === '' ? [] : text.split(',').map((each) => each.trim());
  return text;
}

/** The line of a key in TOML text (`[section]` + `key =`, `section.key =`, an inline table); undefined if not found. */
function lineOf(text: string, key: string): number | undefined {
  let section = '';
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line);
    if (header !== null) section = `${header[1]!.replaceAll(/["'\s]/g, '')}.`;
    const name = /^\s*([A-Za-z0-9_."'-]+)\s*=/.exec(line)?.[1]?.replaceAll(/["']/g, '');
    if ((name !== undefined && `${section}${name}` === key) || (header !== null && section === `${key}.`)) return index + 1;
  }
  return undefined;
}
