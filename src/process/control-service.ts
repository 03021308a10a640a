/**
 * The control process's parts and their order: channel, control, admin listeners, upkeep; and the way down again.
 * Not here: configuration and store (control-process.ts); what the parts do (control/, admin/).
 */
import { IdleMemory } from '#process/upkeep/idle-memory.ts';
import { dirname, join } from 'node:path';
import { buildAdmin } from '#admin/app.ts';
import { proxyTest } from '#admin/forwarded.ts';
import { type AdminListeners, listenAdmin } from '#admin/http/listen.ts';
import { findInFiles } from '#admin/tls/files.ts';
import { ListenerTls } from '#admin/tls/listener-tls.ts';
import { findStored } from '#admin/tls/stored.ts';
import { ANSWER_METRICS, ANSWER_SLOTS } from '#answer/count/counters.ts';
import { systemClock } from '#base/clock.ts';
import { formatIpPort } from '#base/address.ts';
import { type SupervisorChannel, openSupervisorChannel } from '#base/ipc/channel.ts';
import { ADMIN_DRAIN_MS } from '#base/limits/admin.ts';
import { type LogEvent } from '#base/log/events.ts';
import { type Log } from '#base/log.ts';
import { usageTable, watchLoop } from '#base/measure/own-process.ts';
import { atPath } from '#base/place.ts';
import { type Problem, type Result, fail, formatProblem, ok, problem } from '#base/problem.ts';
import { productVersion } from '#base/version.ts';
import { type Config } from '#config/config.ts';
import { type AlertParts } from '#control/alerts/settings.ts';
import { AuditUpkeep } from '#control/audit/upkeep.ts';
import { BackupSchedule } from '#control/backup/schedule.ts';
import { DotDelivery } from '#control/certificate/dot-delivery.ts';
import { KeyDelivery } from '#control/transfer/key-delivery.ts';
import { notifyIntake } from '#control/transfer/notify-intake.ts';
import { type CertificateSettings } from '#control/certificate/certificates.ts';
import { Control } from '#control/control.ts';
import { signAnswer } from '#control/update/sign-answer.ts';
import { readUptime } from '#control/lifecycle/boot-time.ts';
import { Scheduler } from '#control/lifecycle/scheduler.ts';
import { type Outside } from '#control/outside/witnesses.ts';
import { runImportProcess } from '#control/import/import-process.ts';
import { Publisher } from '#control/publish/publisher.ts';
import { postedReports } from '#control/reports/posted.ts';
import { SignerExporter } from '#control/signers/export.ts';
import { Refresher } from '#control/zone/refresh.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { POLICY_HOST_METRICS } from '#policy-host/counters.ts';
import { POSTED_REPORT } from '#mail/tls-rpt/hosted.ts';
import { SERVER_METRICS } from '#server/counters.ts';
import { listenProblem } from '#server/listen.ts';
import { NOTIFY_CALL } from '#transfer/notify-receiver.ts';
import { PolicyHostKey } from '#store/tls/policy-host-key.ts';
import { SIGN_CALL } from '#transfer/signed-queries.ts';
import { UPDATE_CALL } from '#transfer/update-gate.ts';
import { socketUser } from './socket-user.ts';
import { ensureAdminToken } from './admin-token.ts';
import { type OpenedStore } from './open-store.ts';
import { CONTROL_LINGER_MS, FIRST_SCREEN_QUIET_MS } from '#base/limits/process.ts';
import { readyScreen } from './ready-screen.ts';
import { SnapshotWatch } from '#process/upkeep/snapshot-watch.ts';
import { importMissingZones } from './zones-folder.ts';

export interface ControlServiceOptions {
  /** The process itself: its channel and its exit. */
  readonly own: NodeJS.Process;
  readonly config: Config;
  readonly log: Log;
  readonly store: OpenedStore;
  readonly outside: Outside;
  /** Absent: no CA is configured. */
  readonly acme?: CertificateSettings['acme'];
  /** PEM of roots that primaries are trusted by over TLS beside the usual ones. */
  readonly primaryRoots?: string | undefined;
  readonly alerts?: AlertParts;
  /** Called first when the service stops. */
  readonly onStop?: () => void;
  readonly random: (bytes: number) => Uint8Array;
  /** A socket that is open at `admin.listen` already. */
  readonly adminFd?: number | undefined;
}

/** What runs beside requests, once the zones of a first start are there. */
interface Upkeep {
  start(): void;
  stop(): Promise<void>;
}

interface Logging {
  start(log: Log): void;
  stop(): Promise<void>;
}

function startedWith(part: Logging, log: Log): Upkeep {
  return { start: () => part.start(log), stop: () => part.stop() };
}

const EXIT_FAILED = 1;

export class ControlService {
  readonly #options: ControlServiceOptions;
  readonly #channel: SupervisorChannel;
  readonly #publisher: Publisher;
  readonly #hostKey: PolicyHostKey;
  readonly #control: Control;
  readonly #snapshots: SnapshotWatch;
  readonly #keyDelivery: KeyDelivery;
  readonly #dotDelivery: DotDelivery | undefined;
  readonly #upkeep: readonly Upkeep[];
  readonly #tokenFile: string;
  readonly #socketPath: string;
  #listeners: AdminListeners | undefined;
  /** Control is up: the screen waits for the answer process only. */
  #isReady = false;
  #screenShown = false;
  #stopping = false;

  constructor(options: ControlServiceOptions) {
    this.#options = options;
    const { own, config, log, random } = options;
    const { writer, kekFile, kekMade } = options.store;
    this.#tokenFile = join(config.data, 'admin.token');
    this.#socketPath = join(config.data, 'admin.sock');
    if (writer.abandonedBy !== undefined)
      log.warn('store.recovered', 'the last control process did not close the store; it is whole up to its last commit', {
        holder: writer.abandonedBy.pid,
      });
    if (kekMade !== undefined) log.warn('kek.made', formatProblem(kekMade), { file: kekFile });
    this.#snapshots = new SnapshotWatch(writer, log);
    this.#channel = openSupervisorChannel(
      own,
      (message) => {
        this.#publisher.receive(message);
        this.#keyDelivery.receive(message);
        this.#dotDelivery?.receive(message);
        if (message.kind === 'gone') this.#snapshots.dropDead();
        this.#showScreen();
      },
      () => {
        log.error('supervisor.gone', 'the supervisor has gone; ending');
        own.exit(EXIT_FAILED);
      },
    );
    this.#publisher = new Publisher((message) => this.#channel.send(message));
    const { keyFile: file } = config.https;
    const onMade = () => log.info('https.key-made', `the policy host's key was made: ${file}`, { file });
    this.#hostKey = new PolicyHostKey({ file, random, onMade });
    watchLoop();
    this.#control = this.#makeControl();
    this.#keyDelivery = new KeyDelivery({ keys: this.#control.transferParts.keys, calls: this.#channel.calls, log });
    this.#dotDelivery = this.#makeDotDelivery();
    this.#handleCalls();
    const exporter = new SignerExporter({
      signers: this.#control.signers,
      clock: systemClock,
      random,
      log,
      generation: () => writer.generation(),
      installation: writer.installation(),
    });
    this.#control.signers.useFiles(exporter);
    const refresher = new Refresher(this.#control.refreshable, systemClock, log);
    const backups = new BackupSchedule(this.#control.backups, log);
    const scheduler = new Scheduler(this.#control.lifecycles, log);
    const { notifier, keeper, follower } = this.#control.transferParts;
    const { cdsNotifier } = this.#control;
    const { alerts } = this.#control;
    const { heads, attempts, retention } = this.#control.auditParts;
    const audit = [new AuditUpkeep(retention, log), attempts];
    const { schedule } = this.#control.checks;
    const checks = { start: () => schedule.start(log, config.check.everyMs), stop: () => schedule.stop() };
    const { contents } = this.#control.zones;
    const loggers = [notifier, cdsNotifier, keeper, follower, heads, alerts, contents];
    const logging = loggers.map((each) => startedWith(each, log));
    const dot = this.#dotDelivery === undefined ? [] : [this.#dotDelivery];
    const transfer = [this.#keyDelivery, ...logging, ...dot];
    const others = [refresher, scheduler, exporter, ...audit, backups, checks];
    this.#upkeep = [new IdleMemory(), this.#snapshots, ...transfer, ...others, ...this.#policyHostUpkeep()];
  }

  /** What the answer process and the policy host ask of control. */
  #handleCalls(): void {
    const { calls } = this.#channel;
    const { writer } = this.#options.store;
    const reports = { reader: writer, run: (...asked: Parameters<Control['run']>) => this.#control.run(...asked) };
    const { keys, updates } = this.#control.transferParts;
    updates.start((event, text) => this.#options.log.warn(event, text));
    calls.handle(NOTIFY_CALL, notifyIntake(this.#control.notifyFollowers));
    calls.handle(UPDATE_CALL, (body) => updates.handle(body));
    const signing = { keys: () => keys.updateKeys(), clock: systemClock };
    calls.handle(SIGN_CALL, (body) => Promise.resolve(signAnswer(body, signing)));
    calls.handle(POSTED_REPORT, postedReports(reports));
  }

  /** Opens the admin listeners; from then on requests are answered. */
  async listen(): Promise<Result<undefined>> {
    const { own, config, log } = this.#options;
    const token = await ensureAdminToken(this.#control, this.#tokenFile);
    if (!token.ok) return token;
    const app = await buildAdmin({
      control: this.#control,
      logger: log.with({ part: 'admin' }).pino,
      zoneFileBytesMax: config.admin.zoneFileBytesMax,
      bodyFolder: this.#options.store.writer.dir,
      hasPowerdns: config.admin.powerdnsApi,
      hasExternaldns: config.admin.externaldnsWebhook,
      hosts: config.admin.hosts,
      trustedProxies: config.admin.trustedProxies,
      socketUser: socketUser(),
    });
    try {
      this.#listeners = await listenAdmin(app, {
        tcp: config.admin.listen,
        socketPath: this.#socketPath,
        requestMsMax: config.admin.requestMsMax,
        tcpFd: this.#options.adminFd,
        tls: this.#adminTls(),
        isProxy: proxyTest(config.admin.trustedProxies),
      });
    } catch (error) {
      return fail(adminProblem(config, this.#socketPath, error));
    }
    this.#channel.send({ kind: 'hello', role: 'control', pid: own.pid });
    return ok(undefined);
  }

  /** Imports what is missing from `zonesFolder`, then starts all upkeep. */
  async run(zonesFolder: string | undefined): Promise<void> {
    const warn = (text: string) => this.#warn('zones.not-imported', text);
    if (zonesFolder !== undefined) await importMissingZones(this.#control, zonesFolder, warn);
    if (this.#stopping) return;
    for (const each of this.#upkeep) each.start();
    this.#control.keys.start(this.#options.log);
    this.#channel.send({ kind: 'ready', role: 'control' });
    const zones = this.#control.zones.list().length;
    this.#options.log.info('control.ready', 'control process ready', { zones, admin: this.#listeners?.address });
    this.#isReady = true;
    this.#showScreen();
  }

  /** How senders find the policy host from now on. */
  publish(found: Parameters<Control['publishPolicyHost']>[0]): Promise<Result<unknown>> {
    return this.#control.publishPolicyHost(found);
  }

  /** Lets running requests and upkeep end, closes the store and the channel; the process then ends by itself. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    // First: they end at once, and what is still done is in the journal.
    await this.#control.endLongRequests();
    this.#options.outside.stop();
    this.#options.onStop?.();
    for (const each of this.#upkeep) await each.stop();
    await this.#control.keys.stop();
    await this.#listeners?.close(ADMIN_DRAIN_MS);
    await this.#control.close();
    this.#options.log.info('control.stopped', 'control process stopped');
    this.#channel.close();
    const { own } = this.#options;
    own.exitCode = 0;
    // All is written and closed: what still waits, as a question to a server outside, does not hold the process.
    setTimeout(() => own.exit(), CONTROL_LINGER_MS).unref();
  }

  #makeControl(): Control {
    const { own, config, log, store, outside, acme, alerts, random, primaryRoots } = this.#options;
    const { listen } = config.admin;
    return new Control({
      writer: store.writer,
      publisher: this.#publisher,
      clock: systemClock,
      random,
      outside: outside.resolver,
      hasResolvers: config.mail.resolvers.length > 0,
      onFatal: (failure) => {
        log.fatal('store.broken', failure.message);
        own.exit(EXIT_FAILED);
      },
      version: productVersion(),
      adminListener: listen === undefined ? '' : `${listen.ip}:${listen.port}`,
      socketPath: this.#socketPath,
      uptime: readUptime,
      awakeMs: () => performance.now(),
      witnesses: outside.witnesses,
      countsQueries: true,
      alerts,
      policyHost: { ...config.https, isServing: config.https.listen.length > 0 },
      recordsPerRrsetMax: config.limits.recordsPerRrsetMax,
      auditKeepMs: config.audit.keepMs,
      backup: config.backup,
      runImport: runImportProcess,
      primaryRoots,
      onMailEvents: (zone, events) => logMailEvents(log, zone, events, this.#isFirstScreen() ? 'debug' : 'info'),
      certificates: {
        ...(acme === undefined ? {} : { acme }),
        sealer: () => this.#hostKey.sealer(),
        dotHost: config.dns.tls?.host,
        onEvents: (zone, events) => logCertificateEvents(log, zone, events),
      },
      signerFilesRoot: dirname(store.kekFile),
      counterTable: {
        ...(config.https.listen.length === 0 ? {} : { ...POLICY_HOST_METRICS, ...usageTable('policy-host') }),
        ...usageTable('answer'),
        ...SERVER_METRICS,
        ...Object.fromEntries(ANSWER_SLOTS.map((slot, at) => [slot, ANSWER_METRICS[at]!])),
      },
    });
  }

  /** Undefined: DNS over TLS is not served. */
  #makeDotDelivery(): DotDelivery | undefined {
    const { config, log, store } = this.#options;
    const { tls } = config.dns;
    if (tls === undefined) return undefined;
    const { isSelfSigned } = config.https;
    const sealer = () => this.#hostKey.sealer();
    const { calls } = this.#channel;
    return new DotDelivery({ reader: store.writer, sealer, host: tls.host, isSelfSigned, calls, log });
  }

  /** Undefined: the admin listener speaks plain HTTP. */
  #adminTls(): ListenerTls | undefined {
    const { config, log, store } = this.#options;
    const { tls } = config.admin;
    if (tls === undefined) return undefined;
    const sealer = () => this.#hostKey.sealer();
    const find = () => ('host' in tls ? findStored({ ...tls, reader: store.writer, sealer }) : findInFiles(tls));
    return new ListenerTls({ find, asksClients: tls.clientCaFile !== undefined, log });
  }

  /** What serving over TLS needs of control; nothing when nothing is served so. */
  #policyHostUpkeep(): readonly Upkeep[] {
    const { log } = this.#options;
    const { https, dns } = this.#options.config;
    const { listen, keyFile: file, isSelfSigned, certificateFiles } = https;
    if (listen.length === 0 && dns.tls === undefined) return [];
    const key = this.#hostKey;
    const opened = key.sealer();
    if (!opened.ok) log.error('https.key-unusable', formatProblem(opened.problems[0]!), { file });
    const files = certificateFiles.length === 0 ? [] : [this.#control.certificateFiles(certificateFiles, log)];
    return isSelfSigned ? [...files, this.#control.selfSigner(() => key.sealer(), log)] : files;
  }

  /** The first minute with a new store: the steps of the example zones must not bury the screen. They are in the stream of events. */
  #isFirstScreen(): boolean {
    return this.#options.store.kekMade !== undefined && process.uptime() * 1000 < FIRST_SCREEN_QUIET_MS;
  }

  /** Once, when both processes can do their work. */
  #showScreen(): void {
    const { addresses } = this.#publisher;
    if (this.#screenShown || !this.#isReady || addresses.length === 0) return;
    this.#screenShown = true;
    const admin = this.#listeners?.address ?? '';
    const { kekFile, kekMade } = this.#options.store;
    const kekMadeIn = kekMade === undefined ? undefined : kekFile;
    const { listen, isSelfSigned } = this.#options.config.https;
    const https = listen[0] === undefined ? undefined : formatIpPort(listen[0]);
    const isAdminTls = this.#options.config.admin.tls !== undefined;
    const facts = { tokenFile: this.#tokenFile, kekMadeIn, dns: addresses, admin, isAdminTls, https, isSelfSigned };
    const isText = this.#options.config.log.format === 'text';
    if (isText) process.stdout.write(readyScreen(this.#control, facts));
    // Who starts it at a terminal reads the screen; for a program it would be no JSON.
    else if (process.stderr.isTTY) process.stderr.write(readyScreen(this.#control, facts));
    if (!isText) {
      const zones = this.#control.zones.list().length;
      this.#options.log.info('server.ready', 'waxseal is ready', { ...facts, zones });
    }
  }

  /** In the log, or, at a terminal, the words alone. */
  #warn(event: LogEvent, text: string): void {
    if (this.#options.config.log.format === 'text') process.stderr.write(`waxseal: ${text}\n`);
    else this.#options.log.warn(event, text);
  }
}

/** What is waited for is in `mail status` and in the stream of events. */
function logMailEvents(log: Log, zone: string, events: readonly LifecycleEvent[], level: 'debug' | 'info'): void {
  for (const { event, machine, object, stage, text } of events)
    log[event === 'waiting' ? 'debug' : level](`mail.${event}`, `${zone} ${object}: ${text}`, { zone, machine, object, stage });
}

function logCertificateEvents(log: Log, zone: string, events: readonly LifecycleEvent[]): void {
  for (const { event, object, stage, text } of events) {
    const level = event === 'waiting' ? 'debug' : 'info';
    log[level](`certificate.${event}`, `${zone} ${object}: ${text}`, { zone, object, stage });
  }
}

/** Why the admin API cannot listen: on its TCP address, whose error names a port, or on its Unix socket. */
function adminProblem({ admin }: Config, socketPath: string, error: unknown): Problem {
  if (admin.listen !== undefined && error instanceof Error && 'port' in error)
    return listenProblem(admin.listen, 'TCP', error, 'with --admin ADDR:PORT');
  const why = error instanceof Error ? error.message : String(error);
  return problem('ADDRESS_UNUSABLE', atPath(socketPath, 'the admin socket'), `the admin API cannot listen: ${why}`);
}
