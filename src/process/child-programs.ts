/**
 * The programs of the supervisor's children: scripts, arguments, options of Node, variables, and through what they are
 * started.
 * Not here: starting them (children/supervised-child.ts), what a confined one may do (confine/roles.ts), files that
 * must be there before (shared-files.ts).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type AnswerSettings, type PolicyHostSettings } from '#base/ipc/messages.ts';
import { safeNodeOptions } from '#base/ipc/node-options.ts';
import { HTTPS_PRIORITY } from '#base/limits/https.ts';
import { LOAD_ONLY, siblingModule } from '#base/sibling.ts';
import { type Config } from '#config/config.ts';
import { type LaunchOrder } from '#process/confine/launch-order.ts';
import { answerConfinement, controlConfinement, policyHostConfinement } from '#process/confine/roles.ts';
import { answerEnvironment, controlEnvironment } from './child-environment.ts';
import { type WithRights } from './privileges.ts';
import { type ServeOptions } from './serve-options.ts';
import { type SharedFiles } from './shared-files.ts';
import { type XdpOpening } from '#process/children/xdp-opener.ts';
import { type ChildProgram, FIRST_CHILD_FD } from '#process/children/supervised-child.ts';
import { type AssignedSockets, descriptorsOf } from '#process/sockets/assign.ts';
import { type Accounts } from './users.ts';
import type { XdpOrder } from '#server/udp/xdp-open.ts';

export interface ProgramFacts {
  readonly options: ServeOptions;
  readonly config: Config;
  readonly settings: AnswerSettings;
  readonly files: SharedFiles;
  readonly accounts: Accounts;
  readonly withRights: WithRights;
  /** Of the service manager. */
  readonly sockets: AssignedSockets;
}

export function controlProgram(facts: ProgramFacts): ChildProgram {
  const { options, config, files, accounts, withRights } = facts;
  const sockets = descriptorsOf(facts.sockets.admin);
  const adminFd = sockets.length === 0 ? undefined : FIRST_CHILD_FD;
  const { NODE_COMPILE_CACHE: _, ...environment } = controlEnvironment(process.env);
  const program: LaunchedProgram = {
    role: 'control',
    entry: siblingModule(import.meta.url, 'control-process'),
    args: [JSON.stringify({ ...options, adminFd })],
    sockets,
    environment,
    // A restart is back in half the time. It runs what stands there, so the answer process must not write there.
    compileCache: files.cache,
  };
  // The rights of AF_XDP that the service manager gives are not for this process.
  const hasOthersRights = hasXdp(config) && process.getuid?.() !== 0;
  if (accounts.server === undefined && !hasOthersRights) return started(program);
  const confinement = controlConfinement({ admin: config.admin.listen, account: accounts.server });
  const how = { log: config.log.format, confine: 'none', hasOwnUser: false, confinement } as const;
  return { ...launched(program, how, files.cache), withRights };
}

export function answerProgram(facts: ProgramFacts): ChildProgram {
  const { config, settings, files, accounts, withRights } = facts;
  const { log, process: settled } = config;
  const { NODE_COMPILE_CACHE: _, ...environment } = answerEnvironment(process.env);
  const sockets = descriptorsOf({ ...facts.sockets.dns, ...facts.sockets.tls });
  const handOverFd = FIRST_CHILD_FD + sockets.length;
  const program: LaunchedProgram = {
    role: 'answer',
    entry: siblingModule(import.meta.url, 'answer-process'),
    args: [log.format, log.level],
    sockets,
    environment,
    compileCache: files.answerCache,
    xdp: hasXdp(config) ? { ...xdpOrder(config, settings), handOverFd } : undefined,
  };
  if (process.platform !== 'linux') return started(program);
  const confinement = answerConfinement({
    settings,
    compileCache: files.answerCache,
    coverage: environment['NODE_V8_COVERAGE'],
    account: accounts.answer ?? accounts.server,
  });
  const hasOwnUser = accounts.answer !== undefined;
  const how = { log: log.format, confine: settled.confine, hasOwnUser, confinement };
  return { ...launched(program, how, files.cache), withRights, hasHandOver: hasXdp(config) };
}

/** Opens AF_XDP for an answer process that runs; undefined where it is not wanted. */
export function xdpOpening({ config, settings, files, withRights }: ProgramFacts): XdpOpening | undefined {
  if (!hasXdp(config)) return undefined;
  const script = siblingModule(import.meta.url, 'confine/open-xdp');
  const environment = launcherEnvironment(answerEnvironment(process.env), files.cache);
  const nodeOptions = safeNodeOptions(process.execArgv);
  return { program: { script, args: [], nodeOptions, environment, withRights }, order: xdpOrder(config, settings) };
}

/**
 * It runs as the server's user, who alone may read the file of its key, and is confined to that file and the store.
 * It has no folder of compiled code: who could write that would have its key.
 */
export function policyHostProgram(facts: ProgramFacts, settings: PolicyHostSettings): ChildProgram {
  const { config, accounts, withRights } = facts;
  const { log, process: settled } = config;
  const { NODE_COMPILE_CACHE: _, ...environment } = answerEnvironment(process.env);
  const program: LaunchedProgram = {
    role: 'policy-host',
    entry: siblingModule(import.meta.resolve('#policy-host/entry.ts'), 'entry'),
    args: [log.format],
    sockets: descriptorsOf(facts.sockets.https),
    environment,
    compileCache: undefined,
  };
  const priority = HTTPS_PRIORITY;
  if (process.platform !== 'linux') return { ...started(program), priority };
  const coverage = environment['NODE_V8_COVERAGE'];
  const confinement = policyHostConfinement({ settings, coverage, account: accounts.server });
  const how = { log: log.format, confine: settled.confine, hasOwnUser: false, confinement } as const;
  return { ...launched(program, how, facts.files.cache), withRights, priority };
}

/** Starts the process that fills the answer process's folder of compiled code, as its user; it ends by itself. */
export function fillCompileCache({ files, accounts, withRights }: ProgramFacts): ChildProcess {
  const account = accounts.answer ?? accounts.server;
  const child = withRights(() =>
    fork(siblingModule(import.meta.url, 'fill-compile-cache'), [LOAD_ONLY], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: safeNodeOptions(process.execArgv),
      env: { ...answerEnvironment(process.env), NODE_COMPILE_CACHE: files.answerCache },
      ...account,
    }),
  );
  // Without it the next start of the answer process is slower, and that is all.
  child.on('error', () => undefined);
  return child;
}

interface LaunchedProgram {
  readonly role: LaunchOrder['role'];
  readonly entry: URL;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of compiled code; undefined: none. */
  readonly compileCache: string | undefined;
  readonly sockets: readonly number[];
  readonly xdp?: XdpOrder | undefined;
}

function hasXdp({ dns }: Config): boolean {
  return dns.udp === 'xdp' && process.platform === 'linux';
}

/** Ports as they are settled. */
function xdpOrder({ dns }: Config, { listen }: AnswerSettings): XdpOrder {
  const ports = listen.map((text) => Number(text.slice(text.lastIndexOf(':') + 1)));
  return { interfaces: dns.xdpInterfaces, ports: [...new Set(ports)] };
}

function started({ entry, args, environment, compileCache, sockets }: LaunchedProgram): ChildProgram {
  const nodeOptions = safeNodeOptions(process.execArgv);
  return { script: entry, args, nodeOptions, environment: { ...environment, ...cacheVariable(compileCache) }, sockets };
}

/** Started by the launcher, which runs no compiled code that those with fewer rights may have written. */
function launched(
  { role, entry, args, environment, compileCache, sockets, xdp }: LaunchedProgram,
  how: Pick<LaunchOrder, 'log' | 'confine' | 'hasOwnUser' | 'confinement'>,
  controlCache: string,
): ChildProgram {
  const nodeOptions = safeNodeOptions(process.execArgv);
  const order: LaunchOrder = {
    ...how,
    role,
    entry: fileURLToPath(entry),
    args,
    nodeOptions,
    environment: cacheVariable(compileCache),
    sockets: sockets.map((_, at) => FIRST_CHILD_FD + at),
    ...(xdp === undefined ? {} : { xdp }),
  };
  const script = siblingModule(import.meta.url, 'confine/launch');
  const launcher = launcherEnvironment(environment, controlCache);
  return { script, args: [JSON.stringify(order)], nodeOptions, environment: launcher, sockets };
}

/** With rights put aside the launcher is root; without, it may run what the control process runs. */
function launcherEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  controlCache: string,
): Readonly<Record<string, string | undefined>> {
  const hasRights = process.getuid?.() !== process.geteuid?.();
  const withProgram = fileURLToPath(new URL('../../node_modules/.cache/waxseal', import.meta.url));
  return { ...environment, NODE_COMPILE_CACHE: hasRights ? withProgram : controlCache };
}

function cacheVariable(folder: string | undefined): Readonly<Record<string, string>> {
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}
