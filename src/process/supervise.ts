/**
 * `waxseal serve`: the supervisor process. Reads the configuration, settles the addresses, starts control, answer
 * process and policy host and keeps them alive. Not here: what they do (control-process.ts, answer-process.ts,
 * policy-host/entry.ts).
 */
import { IdleMemory } from '#process/upkeep/idle-memory.ts';
import { type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { logCrashes } from '#base/exit.ts';
import { makeFolder } from '#base/folder.ts';
import { type LogEvent } from '#base/log/events.ts';
import { type CookieSecretTexts } from '#base/ipc/messages.ts';
import { type Notice, type NoticeLevel, writeNotice } from '#process/confine/notice.ts';
import { SOCKET_PATH_BYTES_MAX } from '#base/limits/process.ts';
import { atPath, formatPlace } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Config } from '#config/config.ts';
import { keepFromChildren } from '#process/confine/close-on-exec.ts';
import { type Account } from '#process/confine/identity.ts';
import { type AssignedSockets, assignSockets, descriptorsOf } from '#process/sockets/assign.ts';
import { forgetManager, managerSocket } from '#process/service-manager/environment.ts';
import { openNotifier } from '#process/service-manager/open.ts';
import { forgetVariables, inheritedSockets } from '#process/sockets/inherited.ts';
import { TLS_ADDRESSES, settleAddresses } from '#server/listen.ts';
import { StoreFailure, folderFailure } from '#store/failure.ts';
import { type ProcessLock, SERVER_LOCK, acquireLock } from '#store/process-lock.ts';
import { answerSettings, policyHostSettings } from './answer-settings.ts';
import { type ProgramFacts, answerProgram, controlProgram } from './child-programs.ts';
import { fillCompileCache, policyHostProgram, xdpOpening } from './child-programs.ts';
import { readCookieSecrets } from './cookie-files.ts';
import { reportNotStarted } from './not-started.ts';
import { type WithRights, actAs } from './privileges.ts';
import { type ServeOptions, readLogFormat, readServeConfig } from './serve-options.ts';
import { type SharedFiles, makeDataFolder, prepareFiles } from './shared-files.ts';
import { StoreHold } from './store-hold.ts';
import { Supervisor, obeySignals } from './supervisor.ts';
import { type Accounts, findAccounts } from './users.ts';

type Say = (level: NoticeLevel, event: LogEvent, message: string, fields?: Notice['fields']) => void;

/**
 * Runs until a signal stops it; resolves to the exit code: 0 drained, 1 killed, 78 bad configuration, or that of what
 * keeps it from listening.
 */
export async function serve(options: ServeOptions): Promise<number> {
  const loaded = readServeConfig(options);
  if (!loaded.ok) return reportNotStarted('supervisor', loaded.problems, readLogFormat(options));
  const config = loaded.value;
  const refuse = (problems: readonly Problem[]) => reportNotStarted('supervisor', problems, config.log.format);
  const accounts = findAccounts(config.process, { uid: process.geteuid?.(), file: config.file });
  if (!accounts.ok) return refuse(accounts.problems);
  const sockets = takeSockets(config);
  if (!sockets.ok) return refuse(sockets.problems);
  const manager = managerSocket(process.env, process.pid);
  forgetManager(process.env);
  if (!manager.ok) return refuse(manager.problems);
  const { dns, tls, https, admin } = sockets.value;
  await keepFromChildren([dns, tls, https, admin].flatMap(descriptorsOf));
  const addresses = await settleAddresses(config.dns.listen, dns);
  if (!addresses.ok) return refuse(addresses.problems);
  const secured = await settleAddresses(config.dns.tls?.listen ?? [], tls, TLS_ADDRESSES);
  if (!secured.ok) return refuse(secured.problems);
  const tooLong = socketPathProblem(config);
  if (tooLong !== undefined) return refuse([tooLong]);
  const prepared = prepare(config, accounts.value);
  if (!prepared.ok) return refuse(prepared.problems);
  const { lock, withRights, files, cookieSecrets } = prepared.value;
  const { format } = config.log;
  const say: Say = (level, event, message, fields) =>
    writeNotice(format, { level, process: 'supervisor', event, message, ...(fields === undefined ? {} : { fields }) });
  if (format === 'json') logCrashes(process, (...line) => say(...line));
  warnOfRights(accounts.value, say);
  const listen = { plain: addresses.value, tls: secured.value };
  const settings = answerSettings(config, listen, cookieSecrets, { ...dns, ...tls });
  const own = { accounts: accounts.value, withRights, sockets: sockets.value };
  const facts: ProgramFacts = { options, config, settings, files, ...own };
  let filler: ChildProcess | undefined;
  const host = await policyHostSettings(config, https);
  const storeHold = new StoreHold(files.storeDir, (why) =>
    say('error', 'store.not-held', `threads of the answer process may disturb each other's snapshots: ${why}`),
  );
  const notifier = await openNotifier(manager.value, {
    isAlive: (role) => supervisor.isAlive(role),
    complain: (why) => say('error', 'service.unheard', `the service manager cannot hear of this server: ${why}`),
  });
  const supervisor: Supervisor = new Supervisor({
    control: controlProgram(facts),
    answer: answerProgram(facts),
    xdp: xdpOpening(facts),
    policyHost: host && { program: policyHostProgram(facts, host), settings: host },
    settings,
    log: (event, text) => say('warn', event, text),
    holdStore: () => storeHold.hold(),
    reloaded: (isGood) => notifier?.reloaded(isGood),
    ready: (role) => {
      notifier?.processReady(role);
      if (role === 'answer') filler ??= fillCompileCache(facts);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => notifier?.stopping());
  process.on('SIGHUP', () => notifier?.reloading());
  obeySignals(process, supervisor);
  process.on('SIGHUP', () => rereadCookieSecrets(config, supervisor, say));
  process.title = 'waxseal';
  supervisor.start();
  // What the start took, above all.
  new IdleMemory().start();
  const exitCode = await supervisor.exitCode;
  withRights(() => filler?.kill());
  lock.release();
  return exitCode;
}

/** What the service manager has opened for this process. */
function takeSockets({ dns, https, admin }: Config): Result<AssignedSockets> {
  const found = inheritedSockets(process);
  forgetVariables(process.env);
  if (!found.ok) return found;
  const tls = dns.tls?.listen ?? [];
  const wanted = { dns: dns.listen, tls, https: https.listen, admin: admin.listen === undefined ? [] : [admin.listen] };
  return assignSockets(found.value, wanted);
}

interface Prepared {
  readonly lock: ProcessLock;
  readonly withRights: WithRights;
  readonly files: SharedFiles;
  readonly cookieSecrets: CookieSecretTexts | undefined;
}

/** From here on this process acts as the server's user; its data directory is there, and its alone. */
function prepare(config: Config, { server, answer }: Accounts): Result<Prepared> {
  // Whatever any of the processes makes is its owner's alone, also what a library makes (the compile cache's folders).
  process.umask(0o077);
  const cache = process.env['NODE_COMPILE_CACHE'] ?? join(config.data, 'compile-cache');
  const { data } = config;
  const files = { data, storeDir: join(data, 'store'), cache, answerCache: join(cache, 'answer') };
  try {
    if (server !== undefined) makeDataFolder(data, server);
    const withRights = actAs(process, server);
    const secrets = config.cookies?.secretFile === undefined ? ok(undefined) : readCookieSecrets(config.cookies);
    if (!secrets.ok) return secrets;
    makeFolder(data);
    const lock = acquireLock(SERVER_LOCK, data, Date.now());
    const shared = share(files, answer, withRights);
    return shared.ok ? ok({ lock, withRights, files, cookieSecrets: secrets.value }) : shared;
  } catch (error) {
    const failure = error instanceof StoreFailure ? error : folderFailure(data, error, `${data} cannot be made`);
    return fail(failure.problem);
  }
}

/** Before anything is made: no Unix socket can have a longer path, however often it is tried. */
function socketPathProblem({ data }: Config): Problem | undefined {
  const path = join(data, 'admin.sock');
  const bytes = Buffer.byteLength(path);
  if (bytes <= SOCKET_PATH_BYTES_MAX) return undefined;
  const most = SOCKET_PATH_BYTES_MAX;
  const message = `its admin socket would have a path of ${bytes} octets, and ${most} are possible: ${path}`;
  return problem('CONFIG_VALUE', atPath(data, 'the data directory'), message, { fix: 'use a shorter data directory' });
}

/** Without a user of its own the answer process needs no right; what cannot be made then, the control process tells. */
function share(files: SharedFiles, answer: Account | undefined, withRights: WithRights): Result<undefined> {
  try {
    prepareFiles(files, answer, withRights);
  } catch (error) {
    if (answer === undefined) return ok(undefined);
    const why = error instanceof Error ? error.message : String(error);
    const fix = `give ${files.data} to process.user, and let process.answer_user pass through the folders above it`;
    const at = atPath(files.data, 'the data directory');
    return fail(problem('PROCESS_USER', at, `the answer process's user gets no right to the store: ${why}`, { fix }));
  }
  return ok(undefined);
}

function warnOfRights({ server }: Accounts, say: Say): void {
  if (process.getuid?.() === 0 && server === undefined)
    say('warn', 'process.root', 'the control process runs as root; name a user for it in process.user (SECURITY.md)');
  if (process.platform !== 'linux')
    say('warn', 'process.not-confined', 'the answer process is not confined: this is not Linux (SECURITY.md)');
}

/** HUP: the files that the start named are read again. Bad ones change nothing. */
function rereadCookieSecrets({ cookies }: Config, supervisor: Supervisor, say: Say): void {
  if (cookies?.secretFile === undefined) return;
  const read = readCookieSecrets(cookies);
  if (read.ok) supervisor.useCookieSecrets(read.value);
  else
    for (const each of read.problems)
      say('error', 'cookies.refused', `cookie secrets stay as they are: ${formatPlace(each.at)}: ${each.message}`);
}
