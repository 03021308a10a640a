/**
 * Configuration: `waxseal.toml`, then `WAXSEAL_SECTION__KEY`, then flags → one frozen, validated Config. The later one wins.
 * Every problem is found at once, with the line of the file or the name of the variable or flag; unknown keys are problems.
 * Paths in the file are relative to the file's folder, others to the working directory.
 * Not here: zones, keys and policies (they live in the store); hot re-reading (process/reload.ts on HUP).
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { TomlError, parse } from 'smol-toml';
import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type IpPort, formatIpPort, parseIpPort } from '#base/address.ts';
import { type CookieSettings, type RateLimitSettings, type UdpKind } from '#base/ipc.ts';
import { HTTP_REQUEST_MS_MAX, ZONE_FILE_BYTES_MAX } from '#base/limits/admin.ts';
import { nearestWord } from '#base/nearest.ts';
import { parseNetwork } from '#base/network.ts';
import { type Place, WHOLE, atFlag, atPath, atVariable, inFile } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem } from '#base/problem.ts';
import { parseDuration, parseSize } from '#base/units.ts';
import { CookiesSection, RrlSection, describeCookies, describeRateLimit } from './defence.ts';
import { settleCookies, settleRateLimit } from './defence.ts';
import { type LimitSettings, LimitsSection, describeLimits, settleLimits } from './limits.ts';
import { type Tree, deepFreeze, isSection, isTree, setKey } from './tree.ts';
import { MailSection, type MailSettings, describeMail, settleMail } from './mail.ts';

export interface Config {
  /** The file that was read; undefined when there is none. */
  readonly file: string | undefined;
  /** Data directory, absolute: `store/`, `admin.sock`, `admin.token`. */
  readonly data: string;
  readonly dns: {
    readonly listen: readonly IpPort[];
    /** Answer workers; 0: one per core. */
    readonly workers: number;
    /** `auto`: `mmsg` where it is possible. */
    readonly udp: UdpKind;
  };
  readonly admin: {
    /** The TCP listener; undefined: only the Unix socket. */
    readonly listen: IpPort | undefined;
    readonly zoneFileBytesMax: number;
    readonly requestMsMax: number;
  };
  /** Policy host; undefined: not served. */
  readonly https: { readonly listen: IpPort | undefined };
  readonly mail: MailSettings;
  /**
   * File of the key-encryption key, absolute: as given, or beside the data directory, wherever the program was started.
   */
  readonly keys: { readonly kekFile: string; readonly isKekFileGiven: boolean };
  readonly log: { readonly level: LogLevel; readonly format: 'json' | 'text'; readonly queries: number };
  /** DNS cookies; undefined: off. */
  readonly cookies: CookieSettings | undefined;
  /** Response rate limiting (section `rrl`); undefined: off. */
  readonly rrl: RateLimitSettings | undefined;
  readonly limits: LimitSettings;
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

const strict = { additionalProperties: false } as const;

/** The file's form. Durations, sizes, addresses are strings here and are read by `settle`. */
const ConfigFile = Type.Object(
  {
    data: Type.Optional(Type.String({ minLength: 1 })),
    dns: Type.Optional(
      Type.Object(
        {
          listen: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 64 })),
          workers: Type.Optional(Type.Integer({ minimum: 0, maximum: 256 })),
          udp: Type.Optional(Type.Enum(['auto', 'mmsg', 'dgram'])),
        },
        strict,
      ),
    ),
    admin: Type.Optional(
      Type.Object(
        {
          listen: Type.Optional(Type.String()),
          zone_file_max: Type.Optional(Type.String()),
          request_timeout: Type.Optional(Type.String()),
        },
        strict,
      ),
    ),
    cookies: Type.Optional(CookiesSection),
    rrl: Type.Optional(RrlSection),
    https: Type.Optional(Type.Object({ listen: Type.Optional(Type.String()) }, strict)),
    mail: Type.Optional(MailSection),
    limits: Type.Optional(LimitsSection),
    keys: Type.Optional(Type.Object({ kek_file: Type.Optional(Type.String({ minLength: 1 })) }, strict)),
    log: Type.Optional(
      Type.Object(
        {
          level: Type.Optional(Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace'])),
          format: Type.Optional(Type.Enum(['json', 'text'])),
          queries: Type.Optional(Type.Integer({ minimum: 0 })),
        },
        strict,
      ),
    ),
  },
  strict,
);

const configFile = Compile(ConfigFile);

/** Every key, as `section.key`, with its schema. */
const KEYS: ReadonlyMap<string, TSchema> = new Map(
  Object.entries<TSchema>(ConfigFile.properties).flatMap(([name, schema]): (readonly [string, TSchema])[] =>
    isSection(schema) ? Object.entries(schema.properties).map(([key, each]) => [`${name}.${key}`, each] as const) : [[name, schema]],
  ),
);

/** What `npm start` uses (interface.md). */
const DEFAULTS = {
  data: './data',
  dns: { listen: ['127.0.0.1:5300'], workers: 0, udp: 'auto' },
  admin: { listen: '127.0.0.1:8053' },
  https: { listen: '127.0.0.1:8443' },
  log: { level: 'info', format: 'json', queries: 0 },
} as const;

/** Where configuration comes from, already read. */
export interface ConfigSources {
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By `section.key`, as the command line gave them. */
  readonly flags: Readonly<Record<string, string | readonly string[]>>;
  /** Absolute. */
  readonly workingDirectory: string;
}

/** Where each set key came from: how to name it in a message, and what its relative paths are relative to. */
interface Origin {
  readonly at: Place;
  readonly folder: string;
}

/** The frozen Config, or every problem in all the sources. */
export function readConfig(sources: ConfigSources): Result<Config> {
  const problems: Problem[] = [];
  const values: Tree = {};
  const origins = new Map<string, Origin>();
  const put = (key: string, value: unknown, origin: Origin) => {
    setKey(values, key, value);
    origins.set(key, origin);
  };
  if (sources.file !== undefined) readFileKeys(sources.file, put, problems);
  readEnvironment(sources, put, problems);
  for (const [key, value] of Object.entries(sources.flags)) {
    put(key, typeof value === 'string' ? typed(key, value) : value, { at: atFlag(flagName(key)), folder: sources.workingDirectory });
  }
  for (const error of configFile.Errors(values)) {
    const key = error.instancePath.slice(1).replaceAll('/', '.');
    const allowed =
      error.keyword === 'enum' ? `must be ${error.params.allowedValues.map((each) => JSON.stringify(each)).join(' or ')}` : error.message;
    problems.push(problem('CONFIG_VALUE', originOf(origins, key).at, `${key}: ${allowed}`));
  }
  if (hasErrors(problems)) return fail(...problems);
  const config = settle(values, sources, origins, problems);
  return hasErrors(problems) ? fail(...problems) : ok(deepFreeze(config));
}

/**
 * Finds and reads the file (`file`, else WAXSEAL_CONFIG, else ./waxseal.toml when it exists) and then everything else.
 * Reads the disk; everything it may meet there is a Problem.
 */
export function loadConfig(options: Omit<ConfigSources, 'file'> & { readonly file?: string | undefined }): Result<Config> {
  const named = options.file ?? options.environment['WAXSEAL_CONFIG'];
  const path = resolve(options.workingDirectory, named ?? 'waxseal.toml');
  let text: string | undefined;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (named !== undefined || !missing)
      return fail(problem('CONFIG_FILE', atPath(path, 'the configuration file'), `cannot be read: ${String(error)}`));
  }
  return readConfig({ ...options, file: text === undefined ? undefined : { path, text } });
}

/** The keys as `section.key` → value, for `config show`; paths absolute, nothing secret is ever in a Config. */
export function describeConfig(config: Config): Tree {
  const endpoint = (each: IpPort | undefined) => (each === undefined ? 'off' : formatIpPort(each));
  return {
    data: config.data,
    dns: { listen: config.dns.listen.map(formatIpPort), workers: config.dns.workers, udp: config.dns.udp },
    admin: {
      listen: endpoint(config.admin.listen),
      zone_file_max: `${config.admin.zoneFileBytesMax}B`,
      request_timeout: `${config.admin.requestMsMax}ms`,
    },
    https: { listen: endpoint(config.https.listen) },
    mail: describeMail(config.mail),
    keys: { kek_file: config.keys.kekFile },
    cookies: describeCookies(config.cookies),
    rrl: describeRateLimit(config.rrl),
    limits: describeLimits(config.limits),
    log: { ...config.log },
  };
}

function settle(
  values: Static<typeof ConfigFile>,
  sources: ConfigSources,
  origins: ReadonlyMap<string, Origin>,
  problems: Problem[],
): Config {
  const read = <T>(key: string, text: string, parser: (text: string) => T | undefined, form: string, index?: number): T | undefined => {
    const value = parser(text);
    if (value === undefined) {
      const which = index === undefined ? key : `${key}[${index}]`;
      problems.push(problem('CONFIG_VALUE', originOf(origins, key).at, `${which}: ${JSON.stringify(text)} is not ${form}`));
    }
    return value;
  };
  const address = 'an address and port like 127.0.0.1:5300 or [::1]:5300';
  const parseEndpoint = (text: string) => {
    const parsed = parseIpPort(text);
    return parsed.ok ? parsed.value : undefined;
  };
  const one = (key: string, text: string) => (text === 'off' ? undefined : read(key, text, parseEndpoint, `${address}, or "off"`));
  const path = (key: string, text: string) =>
    isAbsolute(text) ? text : resolve(origins.get(key)?.folder ?? sources.workingDirectory, text);
  const endpoints = (key: string, texts: readonly string[]) =>
    texts.flatMap((text, index) => read(key, text, parseEndpoint, address, index) ?? []);
  const listen = endpoints('dns.listen', values.dns?.listen ?? DEFAULTS.dns.listen);
  const networks = (key: string, texts: readonly string[]) =>
    texts.filter((text, index) => read(key, text, parseNetwork, 'a network like 192.0.2.0/24 or 2001:db8::/32', index) !== undefined);
  const wrong = (key: string, message: string) =>
    void problems.push(problem('CONFIG_VALUE', originOf(origins, key).at, `${key} ${message}`));
  const kekFile = values.keys?.kek_file;
  const data = path('data', values.data ?? DEFAULTS.data);
  const { zone_file_max: zoneFileMax, request_timeout: requestTimeout } = values.admin ?? {};
  return {
    file: sources.file?.path,
    data,
    dns: { listen, workers: values.dns?.workers ?? DEFAULTS.dns.workers, udp: values.dns?.udp ?? DEFAULTS.dns.udp },
    admin: {
      listen: one('admin.listen', values.admin?.listen ?? DEFAULTS.admin.listen),
      zoneFileBytesMax:
        zoneFileMax === undefined ? ZONE_FILE_BYTES_MAX : (read('admin.zone_file_max', zoneFileMax, parseSize, 'a size like 64MiB') ?? 0),
      requestMsMax:
        requestTimeout === undefined
          ? HTTP_REQUEST_MS_MAX
          : (read('admin.request_timeout', requestTimeout, parseDuration, 'a duration like 1h30m or 45s') ?? 0),
    },
    https: { listen: one('https.listen', values.https?.listen ?? DEFAULTS.https.listen) },
    mail: settleMail(values.mail, { endpoints: (key, texts) => endpoints(key, texts).map(formatIpPort), networks, path }),
    keys: {
      kekFile: kekFile === undefined ? join(dirname(data), 'keys', 'kek') : path('keys.kek_file', kekFile),
      isKekFileGiven: kekFile !== undefined,
    },
    cookies: settleCookies(values.cookies, { path, wrong }),
    rrl: settleRateLimit(values.rrl, { networks }),
    limits: settleLimits(values.limits),
    log: { ...DEFAULTS.log, ...values.log },
  };
}

function readFileKeys(
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
    if (KEYS.has(key)) put(key, value, { at, folder: dirname(file.path) });
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
function readEnvironment(sources: ConfigSources, put: (key: string, value: unknown, origin: Origin) => void, problems: Problem[]): void {
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
function typed(key: string, text: string): unknown {
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

/** A list's element has the origin of its list. */
function originOf(origins: ReadonlyMap<string, Origin>, key: string): Origin {
  return origins.get(key) ?? origins.get(key.replace(/\.[0-9]+$/, '')) ?? { at: WHOLE, folder: '' };
}

/** `dns.listen` is set by `--dns`, `data` by `--data`, `dns.workers` by `--workers` (interface.md). */
function flagName(key: string): string {
  const [section, name] = key.split('.');
  return name === undefined || name === 'listen' ? section! : name;
}
