/**
 * The control process's side of every change and every read: puts the parts together, and sends each command to what decides it.
 * Not here: turns and limits (funnel/funnel.ts), deciding (zone/decide.ts, mail/decide.ts), the API in front (admin/).
 */
import { dirname } from 'node:path';
import { type Clock } from '#base/clock.ts';
import { RECORDS_PER_RRSET_DEFAULT } from '#base/limits/dns.ts';
import { type Log } from '#base/log.ts';
import { type Problem, type Result, fail, ok } from '#base/problem.ts';
import { formatName, lowerName, nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type RrType } from '#dns/types.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type StoreFailure } from '#store/failure.ts';
import { readTimeline } from '#store/timeline.ts';
import { type StoreWriter } from '#store/writer.ts';
import { MemoryZone } from '#zone/zone.ts';
import {
  type AuditApi,
  type RefusedAttempt,
  type CertificatesApi,
  type Command,
  type ControlApi,
  type ControlStatus,
  type MailApi,
  type MetricFamily,
  type Outcome,
  type RunOptions,
  type WorkersApi,
} from '#control/api/control.ts';
import { type AuditParts, auditParts } from '#control/audit/audit.ts';
import { Backups, type BackupsOptions } from '#control/backup/backups.ts';
import { type ServerAlertsOptions, serverAlerts } from '#control/alerts/parts.ts';
import { type AlertParts } from '#control/alerts/settings.ts';
import { type CertificateParts, certificateParts } from '#control/certificate/certificates.ts';
import { type CertificateSettings } from '#control/certificate/certificates.ts';
import { type CertificateFiles } from '#control/certificate/files.ts';
import { type DelegationApi } from '#control/api/delegation.ts';
import { type DnssecApi } from '#control/api/dnssec.ts';
import { type OutsideChecks, outsideChecks } from '#control/outside-checks/parts.ts';
import { type DnssecKeysApi } from '#control/api/dnssec-keys.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type CommandKind, type CommandTable, type Handler, type ZoneContext, handlerOf } from '#control/commands/table.ts';
import { type Decision } from '#control/commands/decision.ts';
import { aliasParts } from '#control/alias/aliases.ts';
import { unmetCondition } from '#control/commands/unmet.ts';
import { type AskServer } from '#control/dnssec/parent.ts';
import { type CdsNotifier } from '#control/dnssec/cds-notifier.ts';
import { withSignals } from '#control/delegation/signals.ts';
import { EventFeed } from '#control/events/feed.ts';
import { Funnel } from '#control/funnel/funnel.ts';
import { type LifecycleClock, lifecycleClock } from '#control/lifecycle/clock.ts';
import { CountedTime, type Uptime } from '#control/lifecycle/counted-time.ts';
import { bimiFamilies, bimiUpkeep } from '#control/mail/bimi-upkeep.ts';
import { daneUpkeep } from '#control/mail/dane-upkeep.ts';
import { mailHandlers } from '#control/mail/decide.ts';
import { MailSteps, type MailStepsOptions } from '#control/mail/steps.ts';
import { mailReads } from '#control/mail/view.ts';
import { spfUpkeep } from '#control/mail/spf-upkeep.ts';
import { stsUpkeep } from '#control/mail/sts-upkeep.ts';
import { NO_POLICY_HOST, type PolicyHostSettings, wakeForPolicyHost } from '#control/mail/policy-host.ts';
import { mailUpkeep } from '#control/mail/upkeep.ts';
import { mailWatcher } from '#control/mail/watcher.ts';
import { ServedZones } from './served-zones.ts';
import { type CounterTable, metricFamilies, updateFamily } from './metrics.ts';
import { Imports, type ImportsWay } from '#control/import/imports.ts';
import { keyParts, signingClockOf } from './key-parts.ts';
import { outcomeOf } from './outcome.ts';
import { NO_WITNESSES, type OutsideWitnesses } from '#control/outside/evidence.ts';
import { OWN_HOST, ownHostLook } from '#control/outside/own-host-look.ts';
import { PolicyHostState } from '#control/policy-host/state.ts';
import { SelfSigner, type SelfSignerOptions } from '#control/policy-host/self-signed.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { SelectorQueries } from '#control/publish/selector-queries.ts';
import { storedSignerMail } from '#control/signers/mail.ts';
import { Signers } from '#control/signers/signers.ts';
import { ZonePreparer } from '#control/signing/prepare.ts';
import { Reseal } from './reseal.ts';
import { type SigningClock, clockAlerts } from '#control/signing/signing-clock.ts';
import { suspendAlerts } from '#control/signing/suspends.ts';
import { controlStatus } from './status.ts';
import { type CatalogParts, catalogParts } from '#control/catalog/catalog.ts';
import { KeptAnswers } from '#control/tokens/kept-answers.ts';
import { Tokens } from '#control/tokens/tokens.ts';
import { withCatalogs } from '#control/transfer/catalogs.ts';
import { type NotifyFollower } from '#control/transfer/notify-intake.ts';
import { type TransferApi } from '#control/api/transfer.ts';
import { zoneHandlers } from '#control/zone/decide.ts';
import { upkeepFamilies } from './upkeep-metrics.ts';
import { type Refreshable, storedZones } from '#control/zone/refresh.ts';

/** `runJob`: who makes backups; a process of its own unless given. */
export interface ControlOptions extends Pick<BackupsOptions, 'runJob' | 'backup'>, ImportsWay {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Answers what is in none of our zones. */
  readonly outside: Resolver;
  /** Called once when the store can no longer be trusted: the process has to end. */
  readonly onFatal: (failure: StoreFailure) => void;
  readonly version: string;
  readonly adminListener: string;
  readonly socketPath: string;
  readonly counterTable: CounterTable;
  /** Folder of the files that are written for mail signers; beside the store unless given. */
  readonly signerFilesRoot?: string;
  /** How long the machine has been up; the wall clock stands in where a test or a tool does not say. */
  readonly uptime?: () => Uptime;
  /** The same without the time that it was suspended for; unless given, it never was. */
  readonly awakeMs?: () => number;
  /** Who can be asked whether the world sees what we publish. */
  readonly witnesses?: OutsideWitnesses;
  /** The answer process tells how often DKIM selectors are asked for, so that this is evidence. */
  readonly countsQueries?: boolean;
  /** Asks one name server by itself; over the network unless given. */
  readonly askServer?: AskServer;
  /** What happens in the lives of a zone's mail. */
  readonly onMailEvents?: (zone: string, events: readonly LifecycleEvent[]) => void;
  /** How senders find this server's policy host; none unless given. */
  readonly policyHost?: PolicyHostSettings;
  /** The setting `limits.records_per_rrset`. */
  readonly recordsPerRrsetMax?: number;
  /** The setting `audit.keep`; undefined: for ever. */
  readonly auditKeepMs?: number | undefined;
  /** The operator is warned of a log of this size; a test has a small one. */
  readonly auditLargeBytes?: number | undefined;
  /** PEM of roots that primaries are trusted by over TLS beside the usual ones. */
  readonly primaryRoots?: string | undefined;
  /** Whether recursive servers are configured that names of others can be asked from; they are unless given. */
  readonly hasResolvers?: boolean;
  /** Who gives certificates, and under which key their private keys are sealed. */
  readonly certificates?: CertificateSettings;
  /** Rules with other thresholds, and where alerts are sent. */
  readonly alerts?: AlertParts | undefined;
}

export class Control implements ControlApi {
  readonly #options: ControlOptions;
  readonly #writer: StoreWriter;
  readonly #publisher: Publisher;
  readonly #preparer: ZonePreparer;
  readonly #funnel: Funnel;
  readonly #signingClock: SigningClock;
  readonly #mail: MailSteps;
  readonly #handlers: CommandTable<CommandKind>;
  readonly #keyMetrics: () => readonly MetricFamily[];
  readonly #imports: Imports;
  readonly #certificateFiles: CertificateParts['files'];
  readonly #wakeForPolicyHost: () => Promise<Result<unknown>>;
  readonly #startedAtMs: number;
  readonly #queries: SelectorQueries;
  /** How zones publish the policy host now. */
  #published: PolicyHostSettings;
  readonly signers: Signers;
  readonly events: EventFeed;
  readonly tokens: Tokens;
  readonly keptAnswers: KeptAnswers;
  readonly transfer: TransferApi;
  /** Tells parents of zones about new keys, once it is started. */
  readonly cdsNotifier: CdsNotifier;
  /** What follows from NOTIFY messages, by their type. */
  readonly notifyFollowers: ReadonlyMap<RrType, NotifyFollower>;
  readonly transferParts: Pick<CatalogParts, 'keys' | 'notifier' | 'updates' | 'keeper' | 'follower' | 'families'>;
  readonly zones: ServedZones;
  readonly mail: MailApi;
  readonly certificates: CertificatesApi;
  readonly dnssec: DnssecApi;
  readonly dnssecKeys: DnssecKeysApi;
  readonly delegation: DelegationApi;
  readonly checks: OutsideChecks;
  readonly audit: AuditApi;
  readonly keys: Reseal;
  readonly backups: Backups;
  readonly workers: WorkersApi;
  /** What the policy host serves now. */
  readonly policyHost = new PolicyHostState();
  /** What a scheduler runs on. */
  readonly lifecycles: LifecycleClock;
  /** For the process: what keeps the audit log from growing without end, counts refused attempts, gives heads away. */
  readonly auditParts: AuditParts;
  readonly alerts: ReturnType<typeof serverAlerts>;
  /** What keeps the signatures of zones going. */
  readonly refreshable: Refreshable;

  constructor(options: ControlOptions) {
    const { writer, publisher, clock } = options;
    const {
      uptime = () => ({ uptimeMs: clock.nowMs(), bootId: 'wall clock' }),
      onMailEvents,
      signerFilesRoot = dirname(writer.dir),
      recordsPerRrsetMax = RECORDS_PER_RRSET_DEFAULT,
    } = options;
    const witnesses = this.#witnesses(options);
    this.#published = options.policyHost ?? NO_POLICY_HOST;
    const policyHost = () => this.#published;
    [this.#options, this.#writer, this.#publisher, this.workers] = [options, writer, publisher, publisher];
    this.zones = new ServedZones(writer, options.outside);
    const time = new CountedTime(clock, uptime, readTimeline(writer));
    this.#signingClock = signingClockOf(writer, clock, uptime);
    this.#preparer = new ZonePreparer({ ...options, signingClock: this.#signingClock, countedMs: () => time.nowMs() });
    this.#funnel = new Funnel({ ...options, preparer: this.#preparer, countedMs: () => time.nowMs() });
    const signersFor: MailStepsOptions['signers'] = (zone) => this.signers.factsFor(zone);
    this.#mail = new MailSteps({ ...options, time, witnesses, recordsPerRrsetMax, policyHost, signers: signersFor });
    this.#queries = new SelectorQueries(() => time.nowMs());
    this.mail = mailReads({ reader: writer, steps: this.#mail, queries: this.#queries, witnesses, clock });
    for (const each of [this.#queries, this.policyHost]) publisher.onMessage((message) => each.receive(message));
    const run = (command: Command, runOptions: RunOptions) => this.run(command, runOptions);
    const alert = (zone: string | undefined, problems: readonly Problem[]) => this.events.alert(zone, problems);
    const parts = { funnel: this.#funnel, steps: this.#mail, queries: this.#queries, resolver: this.zones.resolver };
    const refused = (attempt: RefusedAttempt) => this.audit.refused(attempt);
    const shared = { ...options, ...parts, time, witnesses, policyHost, run, alert, refused };
    this.events = new EventFeed(writer, this.#funnel);
    this.auditParts = auditParts({ ...shared, events: this.events });
    this.audit = this.auditParts.api;
    [this.tokens, this.keptAnswers, this.keys] = [new Tokens(shared), new KeptAnswers(shared), new Reseal(shared)];
    const signing = { recordsPerRrsetMax, signingClock: this.#signingClock };
    const [onDue, note] = [() => this.lifecycles.tellDue(), this.events.note.bind(this.events)];
    const { takeTransfer } = (this.#imports = new Imports({ ...shared, ...signing, onDue, note }));
    const catalogs = { recordsPerRrsetMax, settings: options.certificates ?? {}, takeTransfer };
    const transfer = catalogParts({ ...shared, ...catalogs });
    [this.transferParts, this.transfer] = [transfer, transfer.api];
    this.#wakeForPolicyHost = () => this.#funnel.guard(() => wakeForPolicyHost(shared));
    const mail = [mailUpkeep, spfUpkeep, daneUpkeep, stsUpkeep, bimiUpkeep].flatMap((each) => each(shared) ?? []);
    const certificates = certificateParts({ ...shared, recordsPerRrsetMax, settings: options.certificates ?? {}, onDue });
    [this.certificates, this.#certificateFiles] = [certificates.reads, (files, log) => certificates.files(files, log)];
    const { dnssec, delegation, ...zoneKeys } = keyParts({ ...shared, ...signing, onDue, note });
    [this.dnssec, this.dnssecKeys, this.delegation] = [dnssec.api, dnssec.keys, delegation.api];
    this.backups = new Backups({ ...shared, alert: (problems) => alert(undefined, problems), freezes: dnssec.api });
    [this.cdsNotifier, this.#keyMetrics] = [dnssec.notifier, () => [...zoneKeys.metrics(), ...certificates.families()]];
    [this.notifyFollowers, this.checks] = [transfer.followers(delegation), outsideChecks(shared)];
    this.refreshable = this.#refreshed(options, dnssec.sampler, alert);
    const aliases = aliasParts({ ...shared, recordsPerRrsetMax, onDue });
    const sources = [...mail, certificates.source, ...zoneKeys.sources, ...aliases.sources];
    this.lifecycles = lifecycleClock({ time, funnel: this.#funnel, writer, sources });
    this.signers = new Signers({ ...shared, mail: storedSignerMail(writer, run), filesRoot: signerFilesRoot });
    const watcher = withCatalogs(withSignals(mailWatcher(writer, time, onDue), writer), writer);
    this.#handlers = {
      ...zoneHandlers({ ...shared, recordsPerRrsetMax, watcher, dsText: dnssec.dsText, aliases: aliases.ofChanges }),
      ...aliases.handlers(watcher),
      ...zoneKeys.handlers,
      ...mailHandlers({
        ...shared,
        onCommitted: (zone, events) => {
          if (events.length > 0) onMailEvents?.(zone, events);
          certificates.notice(nameOf(zone));
          onDue();
        },
      }),
      ...certificates.handlers,
      ...transfer.handlers,
    };
    [this.#startedAtMs, this.alerts] = [clock.nowMs(), this.#makeAlerts(shared)];
    publisher.publish(writer.generation());
  }

  /** Signatures that are kept going, and what is looked at beside that. */
  #refreshed(options: ControlOptions, sampler: { sample(): Promise<void> }, alert: EventFeed['alert']): Refreshable {
    const { writer, clock, uptime = () => ({ uptimeMs: 0, bootId: '' }) } = options;
    const { awakeMs = () => uptime().uptimeMs } = options;
    const watches = [clockAlerts(this.#signingClock, alert), suspendAlerts({ uptime, awakeMs, alert })];
    return {
      ...storedZones(writer, clock, this.#funnel, alert),
      watchClock: async () => {
        for (const watch of watches) await watch();
      },
      // One zone's damaged node must not stop the signatures of all.
      sampleServed: async () => void (await this.#funnel.guard(async () => ok(await sampler.sample()))),
    };
  }

  #makeAlerts(shared: AlertsShared) {
    const { notifier, keeper } = this.transferParts;
    const parts = { ...shared, notifier, keeper, events: this.events, checks: this.checks.schedule };
    return serverAlerts({ ...parts, settings: this.#options.alerts, families: () => this.#families() });
  }

  /** Those that were given, and the look at our own policy host where there is one. */
  #witnesses({ witnesses = NO_WITNESSES, policyHost, writer }: ControlOptions): OutsideWitnesses {
    if (policyHost?.isServing !== true || witnesses.ownHosts !== undefined) return witnesses;
    const addresses = () => this.policyHost.addresses;
    const isServed = () => this.policyHost.isServed(writer.generation());
    return { ...witnesses, ownHosts: new Map([[OWN_HOST, ownHostLook({ addresses, isServed })]]) };
  }

  // --- changes ---

  async run(given: Command, options: RunOptions): Promise<Result<Outcome>> {
    const command = { ...given, zone: lowerName(given.zone) };
    const handler = handlerOf(this.#handlers, command);
    const { actor, dryRun } = options;
    const turn = { actor, action: command.kind, dryRun, upkeep: handler.isUpkeep ?? false };
    const decide = (how: (context: ZoneContext) => ReturnType<typeof handler.decide>) => () => this.#decide(command, handler, options, how);
    const { look } = handler;
    const inTurn = decide((context) => handler.decide(command, context));
    const afterLook = async (looking: NonNullable<typeof look>) => {
      const looked = await looking(command);
      return looked.ok ? ok(decide(looked.value)) : looked;
    };
    const change = () => {
      if (look === undefined) return this.#funnel.change(turn, inTurn);
      return this.#funnel.changeAfter(turn, () => afterLook(look));
    };
    const done = this.#imports.takes(command, options)
      ? await this.#imports.carryOut({ command, turn, options, decide })
      : await this.#imports.afterImport(command.zone, actor, change);
    if (!done.ok) return done;
    const current = this.#writer.zoneByName(command.zone);
    return ok(outcomeOf(formatName(command.zone), done.value, current, { dryRun, warnings: done.warnings }));
  }

  /** In the command's turn: the zone as it is then, whether the command's conditions hold, and what it decides. */
  #decide(
    { zone }: Command,
    { isCreating }: Pick<Handler<Command>, 'isCreating'>,
    options: RunOptions,
    how: (context: ZoneContext) => Result<Decision> | Promise<Result<Decision>>,
  ): Result<Decision> | Promise<Result<Decision>> {
    const record = this.#writer.zoneByName(zone);
    if (record === undefined && isCreating !== true) return fail(zoneNotServed(zone));
    const served = record === undefined ? undefined : { record, view: this.#writer.view(record) };
    const unmet = unmetCondition(record, served?.view, options);
    if (unmet !== undefined) return fail(unmet);
    const { actor, mayChange = () => actor.kind === 'socket', mayTouch } = options;
    return how({ served, emptyView: new MemoryZone(zone, new Map()), actor, mayChange, ...(mayTouch && { mayTouch }) });
  }

  /** Signs certificates for hosts that have none, once it is started. */
  selfSigner(sealer: SelfSignerOptions['sealer'], log: Log): SelfSigner {
    const { dotHost } = this.#options.certificates ?? {};
    return new SelfSigner({ ...this.#options, funnel: this.#funnel, sealer, dotHost }, log);
  }

  /** Installs certificates from files, once it is started. */
  certificateFiles(files: readonly string[], log: Log): CertificateFiles {
    return this.#certificateFiles(files, log);
  }

  /** Zones publish the policy host in this way from now on; those that did otherwise are due. */
  async publishPolicyHost(found: Pick<PolicyHostSettings, 'addresses' | 'host'>): Promise<Result<unknown>> {
    this.#published = { ...this.#published, addresses: found.addresses, host: found.host };
    const woken = await this.#wakeForPolicyHost();
    this.lifecycles.tellDue();
    return woken;
  }

  // --- the server as a whole ---

  status(): ControlStatus {
    const { running } = this.policyHost;
    const policyHost = this.#published.isServing ? (running === undefined ? {} : { running }) : undefined;
    return controlStatus({
      ...this.#options,
      policyHost,
      startedAtMs: this.#startedAtMs,
      nowMs: this.#options.clock.nowMs(),
      clock: this.#signingClock,
    });
  }

  metrics(): readonly MetricFamily[] {
    return [...this.#families(), ...this.alerts.metrics()];
  }

  #families(): readonly MetricFamily[] {
    const families = metricFamilies({
      status: this.status(),
      zones: this.#writer.zones(),
      signatures: this.#preparer.signatures,
      selfCheckFailures: this.#preparer.selfCheckFailures,
      commandsWaiting: this.#funnel.waiting,
      counters: [...this.#publisher.counters, ...this.policyHost.counters],
      dropped: this.#publisher.dropped,
      counterTable: this.#options.counterTable,
    });
    const updates = updateFamily(this.transferParts.updates.counts);
    const upkeep = [...upkeepFamilies(this.#funnel, this), ...this.checks.schedule.families()];
    const ends = [...bimiFamilies(this.#writer), ...this.backups.families(), ...this.zones.contents.families()];
    return [...families, ...this.#keyMetrics(), ...ends, updates, ...this.transferParts.families(), ...upkeep];
  }

  /** Ends what may last long: streams of events, and large imports. */
  async endLongRequests(): Promise<void> {
    this.events.close();
    await this.#imports.stop();
  }

  /** Lets running changes end and closes the store. */
  async close(): Promise<void> {
    await this.endLongRequests();
    await this.transferParts.follower.stop();
    await this.#funnel.idle();
    this.#publisher.close();
    await this.#writer.close();
  }
}

/** What alerts share with other parts. */
type AlertsShared = Omit<ServerAlertsOptions, 'events' | 'settings' | 'families' | 'notifier' | 'keeper' | 'checks'>;
