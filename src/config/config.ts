/**
 * Configuration: `waxseal.toml`, then `WAXSEAL_SECTION__KEY`, then flags → one frozen, validated Config. The later one
 * wins. Every problem is found at once, with the line of the file or the name of the variable or flag; unknown keys are
 * problems.
 * Paths in the file are relative to the file's folder, others to the working directory.
 * Not here: zones, keys and policies (they live in the store); hot re-reading (process/reload.ts on HUP).
 */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type CookieSettings, type RateLimitSettings, type TcpKind, type UdpKind } from '#base/ipc/messages.ts';
import { atFlag, atPath } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem } from '#base/problem.ts';
import { type AdminSettings, describeAdmin, settleAdmin } from './admin.ts';
import { type AlertSettings, describeAlerts, settleAlerts } from './alerts.ts';
import { type AuditSettings, describeAudit, settleAudit } from './audit.ts';
import { type BackupConfig, describeBackup, settleBackup } from './backup.ts';
import { type CheckSettings, describeCheck, settleCheck } from './check.ts';
import { describeCookies, describeRateLimit, settleCookies, settleRateLimit } from './defence.ts';
import { ConfigFile } from './file-form.ts';
import { type LimitSettings, describeLimits, settleLimits } from './limits.ts';
import { type ConfigSources, type Origin } from './origin.ts';
import { readEnvironment, readFileKeys, typed } from './sources.ts';
import { type Tree, deepFreeze, setKey } from './tree.ts';
import { originOf, valueReaders } from './readers.ts';
import { type DnsTlsSettings, describeDnsTls, settleDnsTls } from './dns-tls.ts';
import { type AcmeSettings, describeAcme, settleAcme } from './acme.ts';
import { type HttpsSettings, describeHttps, settleHttps } from './https.ts';
import { NSID_FORM, parseNsid } from './nsid.ts';
import { type MailSettings, describeMail, settleMail } from './mail.ts';
import { type ProcessSettings, describeProcess, settleProcess } from './process.ts';
import { settleXdp } from './xdp.ts';

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
    /** `auto`: `epoll` where it is possible and UDP is served in batches. */
    readonly tcp: TcpKind;
    /** Served by AF_XDP when `udp` is `xdp`. */
    readonly xdpInterfaces: readonly string[];
    /** Name of this server for who asks, hexadecimal; undefined: it has none. */
    readonly nsid: string | undefined;
    /** Domain that resolvers report errors to, with the last dot; undefined: none is named. */
    readonly reportAgent: string | undefined;
    /** DNS over TLS; undefined: it is not served. */
    readonly tls: DnsTlsSettings | undefined;
    /** PEM of roots that primaries are trusted by over TLS beside the usual ones, absolute. */
    readonly primariesCaFile: string | undefined;
  };
  readonly admin: AdminSettings;
  /** The policy host. */
  readonly https: HttpsSettings;
  /** Where its certificates come from; undefined: none are asked for. */
  readonly acme: AcmeSettings | undefined;
  readonly mail: MailSettings;
  /** As whom the processes run, and whether the answer process is confined. */
  readonly process: ProcessSettings;
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
  readonly audit: AuditSettings;
  readonly backup: BackupConfig;
  readonly alerts: AlertSettings;
  readonly check: CheckSettings;
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

const configFile = Compile(ConfigFile);

/** What `npm start` uses (interface.md). */
const DEFAULTS = {
  data: './data',
  dns: { listen: ['127.0.0.1:5300'], workers: 0, udp: 'auto', tcp: 'auto' },
  log: { level: 'info', format: 'json', queries: 0 },
} as const;

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
    const origin = { at: atFlag(flagName(key)), folder: sources.workingDirectory };
    put(key, typeof value === 'string' ? typed(key, value) : value, origin);
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
  return {
    data: config.data,
    dns: {
      listen: config.dns.listen.map(formatIpPort),
      workers: config.dns.workers,
      udp: config.dns.udp,
      tcp: config.dns.tcp,
      ...(config.dns.xdpInterfaces.length === 0 ? {} : { xdp_interfaces: config.dns.xdpInterfaces }),
      ...(config.dns.nsid === undefined ? {} : { nsid: `0x${config.dns.nsid}` }),
      ...(config.dns.reportAgent === undefined ? {} : { report_agent: config.dns.reportAgent }),
      ...describeDnsTls(config.dns.tls),
      ...(config.dns.primariesCaFile === undefined ? {} : { primaries_ca_file: config.dns.primariesCaFile }),
    },
    admin: describeAdmin(config.admin),
    https: describeHttps(config.https),
    acme: describeAcme(config.acme),
    mail: describeMail(config.mail),
    keys: { kek_file: config.keys.kekFile },
    process: describeProcess(config.process),
    cookies: describeCookies(config.cookies),
    rrl: describeRateLimit(config.rrl),
    limits: describeLimits(config.limits),
    audit: describeAudit(config.audit),
    backup: describeBackup(config.backup),
    alerts: describeAlerts(config.alerts),
    check: describeCheck(config.check),
    log: { ...config.log },
  };
}

function settle(
  values: Static<typeof ConfigFile>,
  sources: ConfigSources,
  origins: ReadonlyMap<string, Origin>,
  problems: Problem[],
): Config {
  const readers = valueReaders(sources, origins, problems);
  const { read, path, endpoints, networks } = readers;
  const listen = endpoints('dns.listen', values.dns?.listen ?? DEFAULTS.dns.listen);
  const udp = values.dns?.udp ?? DEFAULTS.dns.udp;
  const nsid = read('dns.nsid', values.dns?.nsid ?? '', parseNsid, NSID_FORM);
  const { report_agent: agent, primaries_ca_file: roots } = values.dns ?? {};
  const kekFile = values.keys?.kek_file;
  const data = path('data', values.data ?? DEFAULTS.data);
  const kek = kekFile === undefined ? join(dirname(data), 'keys', 'kek') : path('keys.kek_file', kekFile);
  return {
    file: sources.file?.path,
    data,
    dns: {
      listen,
      workers: values.dns?.workers ?? DEFAULTS.dns.workers,
      udp,
      tcp: values.dns?.tcp ?? DEFAULTS.dns.tcp,
      xdpInterfaces: settleXdp(values.dns?.xdp_interfaces, { udp, listen }, readers),
      nsid: nsid === undefined || nsid.length === 0 ? undefined : Buffer.from(nsid).toString('hex'),
      reportAgent: agent === undefined ? undefined : `${readers.host('dns.report_agent', agent) ?? ''}.`,
      tls: settleDnsTls(values.dns, readers),
      primariesCaFile: roots === undefined ? undefined : path('dns.primaries_ca_file', roots),
    },
    admin: settleAdmin(values.admin, readers),
    https: settleHttps(values.https, join(dirname(kek), 'policy-host'), readers),
    acme: settleAcme(values.acme, readers),
    process: settleProcess(values.process),
    mail: settleMail(values.mail, {
      endpoints: (key, texts) => endpoints(key, texts).map(formatIpPort),
      networks,
      path,
      read: readers.read,
      reject: readers.reject,
    }),
    keys: { kekFile: kek, isKekFileGiven: kekFile !== undefined },
    cookies: settleCookies(values.cookies, readers),
    rrl: settleRateLimit(values.rrl, readers),
    limits: settleLimits(values.limits),
    audit: settleAudit(values.audit, readers),
    backup: settleBackup(values.backup, join(dirname(data), 'backups'), readers),
    alerts: settleAlerts(values.alerts, readers),
    check: settleCheck(values.check, readers),
    log: { ...DEFAULTS.log, ...values.log },
  };
}

/** `dns.listen` is set by `--dns`, `data` by `--data`, `dns.xdp_interfaces` by `--xdp-interfaces`. */
function flagName(key: string): string {
  const [section, name] = key.split('.');
  return name === undefined || name === 'listen' ? section! : name.replaceAll('_', '-');
}
