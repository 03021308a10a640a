/**
 * The answer process: worker threads, and the channel to the supervisor. It holds no keys and writes nothing.
 * Drains on TERM and INT; ends at once when its supervisor has gone, so that a new one finds the addresses free.
 * Not here: what runs in the workers (given as a script), restarting this process (process/supervisor.ts).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { parseIpPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { EXIT_CONFIGURATION } from '#base/exit.ts';
import { type AnswerSettings, type IpcMessage } from '#base/ipc/messages.ts';
import { TLS_CERTIFICATE, type TlsCertificate, readTlsCertificate } from '#base/ipc/tls-certificate.ts';
import { type SupervisorChannel, openSupervisorChannel } from '#base/ipc/channel.ts';
import { SELECTOR_COUNTS_EVERY_MS } from '#base/limits/events.ts';
import { usageSlots, watchLoop } from '#base/measure/own-process.ts';
import { HANDED_REPLY_MS } from '#base/limits/update.ts';
import { COUNTERS_EVERY_MS, DRAIN_MS, WORKERS_MAX } from '#base/limits/server.ts';
import { firstLineOf } from '#base/visible.ts';
import { type SentKey, TRANSFER_KEYS, readKeyPart } from '#transfer/grants.ts';
import { nameOf } from '#dns/name.ts';
import { chooseUdp, chooseXdp, loadDuplicate, type OpenMmsg } from '#server/udp/choose.ts';
import { chooseTcp, type OpenEpoll } from '#server/tcp/choose.ts';
import type { OpenedXdp } from '#server/udp/xdp-open.ts';
import type { XdpService } from '#server/udp/xdp-service.ts';
import { CookieKeeper } from './cookie-keeper.ts';
import { type HandedOutcome } from './hand-over.ts';
import { exitAtOnce } from './exit-at-once.ts';
import { type QueryLine } from './query-log.ts';
import { type LogService } from './service-log.ts';
import { WorkerPool } from './worker-pool.ts';

export interface AnswerServiceOptions {
  /** The process itself: its signals, its channel, its exit. */
  readonly own: NodeJS.Process;
  readonly workerScript: URL;
  /** Names of the responder's counter slots, in order. */
  readonly responderSlots: readonly string[];
  /** What was opened before this process was confined. */
  readonly xdp?: OpenedXdp | undefined;
  readonly log: LogService;
  readonly logQuery: (line: QueryLine) => void;
}

/** What the service has once its settings have come. */
interface Running {
  readonly pool: WorkerPool;
  readonly cookies: CookieKeeper | undefined;
  readonly reporters: readonly NodeJS.Timeout[];
}

/** Says hello and does what the supervisor says from then on. */
export function runAnswerService(options: AnswerServiceOptions): void {
  new AnswerService(options).greet();
}

class AnswerService {
  readonly #options: AnswerServiceOptions;
  readonly #channel: SupervisorChannel;
  /** Tells this life's selector counts from those of the next. */
  readonly #run = randomUUID();
  #running: Running | undefined;
  /** Of the selector counts that were reported last. */
  #selectorTotal = -1;
  #announced = 0;
  /** TSIG keys that control has sent; the last part of them makes them count. */
  #keys: readonly SentKey[] = [];
  #keyParts: SentKey[] = [];
  #certificate: TlsCertificate | undefined;
  #started = false;
  #listening = false;
  #stopping = false;

  constructor(options: AnswerServiceOptions) {
    this.#options = options;
    const { own, log } = options;
    this.#channel = openSupervisorChannel(
      own,
      (message) => this.#receive(message),
      () => {
        log('supervisor.gone', 'the supervisor has gone; ending');
        own.exit(1);
      },
    );
    this.#channel.calls.handle(TRANSFER_KEYS, (body) => this.#takeKeys(body));
    this.#channel.calls.handle(TLS_CERTIFICATE, (body) => this.#takeCertificate(body));
    // A thread that blocks does not hear that the process exits, and would keep it from ending.
    own.once('exit', () => this.#running?.pool.abandon());
    own.on('SIGTERM', () => void this.#stop());
    // From a terminal, INT reaches every process of the group; the supervisor then sends TERM too.
    own.on('SIGINT', () => void this.#stop());
    // Nothing is read again here: the supervisor reads for it. Without a listener HUP would end the process.
    own.on('SIGHUP', () => undefined);
  }

  greet(): void {
    this.#channel.send({ kind: 'hello', role: 'answer', pid: this.#options.own.pid });
  }

  #receive(message: IpcMessage): void {
    switch (message.kind) {
      case 'start':
        void this.#start(message.settings);
        break;
      case 'cookie-secrets':
        this.#running?.cookies?.take(message.secrets);
        break;
      case 'generation':
        this.#announced = message.generation;
        this.#running?.pool.announce(message.generation);
        break;
      case 'counters-wanted':
        this.#reportCounters();
        break;
      case 'store-held':
        this.#running?.pool.storeHeld();
        break;
      case 'hello':
        // Control is new and knows nothing of this process. If a worker is just down, the addresses follow when that one is back.
        this.greet();
        this.#listening = false;
        this.#reportListening();
        this.#reportServed();
        this.#selectorTotal = -1;
        this.#reportSelectors();
        break;
      case 'gone':
      case 'dropped':
      case 'alive':
      case 'unable':
      case 'listening':
      case 'ready':
      case 'store-open':
      case 'xdp-wanted':
      case 'served':
      case 'counters':
      case 'selectors':
      case 'start-policy-host':
      case 'hosted':
      case 'hosted-counters':
        break;
    }
  }

  async #start(settings: AnswerSettings): Promise<void> {
    if (this.#started || this.#stopping) return;
    this.#started = true;
    assert(settings.workers >= 1 && settings.workers <= WORKERS_MAX, `${settings.workers} workers`);
    const openMmsg = await this.#chooseUdp(settings);
    const openEpoll = await this.#chooseTcp(settings, openMmsg !== undefined);
    const duplicate = await this.#loadDuplicate(settings);
    const xdp = openMmsg === undefined ? undefined : await this.#chooseXdp(settings);
    if (this.#stopping) return;
    const { log, logQuery, workerScript, responderSlots } = this.#options;
    const { cookies: source } = settings;
    const cookies = source === undefined ? undefined : new CookieKeeper({ source, random: randomBytes });
    const pool = new WorkerPool({
      openMmsg,
      openEpoll,
      xdp,
      inherited: settings.inherited,
      duplicate,
      cookieSecrets: cookies?.secrets.shared,
      rateLimit: settings.rateLimit,
      nsid: settings.nsid === undefined ? undefined : new Uint8Array(Buffer.from(settings.nsid, 'hex')),
      reportAgent: settings.reportAgent === undefined ? undefined : nameOf(settings.reportAgent),
      queryLog: { every: settings.queryLogEvery ?? 0, write: logQuery },
      script: workerScript,
      workers: settings.workers,
      storeDir: settings.storeDir,
      addresses: settings.listen.map(settledAddress),
      tlsAddresses: settings.tlsListen?.map(settledAddress),
      responderSlots,
      storeOpened: () => this.#channel.send({ kind: 'store-open' }),
      changed: () => {
        if (!this.#listening) this.#reportListening();
        this.#reportServed();
      },
      log,
      passOn: (name, body) => this.#passOn(name, body),
    });
    const reporters = [
      setInterval(() => this.#reportCounters(), COUNTERS_EVERY_MS),
      setInterval(() => this.#reportSelectors(), SELECTOR_COUNTS_EVERY_MS),
    ];
    this.#running = { pool, cookies, reporters };
    pool.announce(this.#announced);
    pool.takeKeys(this.#keys);
    pool.takeCertificate(this.#certificate);
    pool.start();
  }

  async #passOn(name: string, body: Uint8Array): Promise<HandedOutcome> {
    const outcome = await this.#channel.calls.request(name, body, HANDED_REPLY_MS);
    return outcome.ok ? { answer: outcome.body } : { why: outcome.why };
  }

  #takeKeys(body: Uint8Array): Promise<Uint8Array> {
    const { isFirst, isLast, keys } = readKeyPart(body);
    this.#keyParts = isFirst ? [...keys] : [...this.#keyParts, ...keys];
    if (isLast) {
      this.#keys = this.#keyParts;
      this.#keyParts = [];
      this.#running?.pool.takeKeys(this.#keys);
    }
    return Promise.resolve(new Uint8Array(0));
  }

  #takeCertificate(body: Uint8Array): Promise<Uint8Array> {
    this.#certificate = readTlsCertificate(body);
    this.#running?.pool.takeCertificate(this.#certificate);
    return Promise.resolve(new Uint8Array(0));
  }

  /** Ends the process when the settings ask for recvmmsg and it does not work here. */
  async #chooseUdp({ udp }: AnswerSettings): Promise<OpenMmsg | undefined> {
    const { own, log } = this.#options;
    const { openMmsg, refusal } = await chooseUdp(udp);
    if (refusal === undefined || this.#stopping) return openMmsg;
    if (udp === 'mmsg') {
      const instead = 'With "auto", node:dgram would serve instead';
      log('udp.unavailable', `dns.udp is "mmsg", and recvmmsg does not work here: ${refusal}. ${instead}`);
      own.exit(EXIT_CONFIGURATION);
    }
    log('udp.fallback', `UDP by node:dgram, at about half the speed of recvmmsg: ${refusal}`);
    return openMmsg;
  }

  /** By itself only beside UDP that blocks too: koffi may have been left out on purpose. */
  async #chooseTcp({ tcp = 'auto' }: AnswerSettings, isUdpBatched: boolean): Promise<OpenEpoll | undefined> {
    const { own, log } = this.#options;
    const { openEpoll, refusal } = await chooseTcp(tcp === 'auto' && !isUdpBatched ? 'net' : tcp);
    if (refusal === undefined || this.#stopping) return openEpoll;
    if (tcp === 'epoll') {
      const instead = 'With "auto", node:net would serve instead';
      log('tcp.unavailable', `dns.tcp is "epoll", and that does not work here: ${refusal}. ${instead}`);
      own.exit(EXIT_CONFIGURATION);
    }
    log('tcp.fallback', `TCP by node:net, which takes more of a processor than epoll: ${refusal}`);
    return openEpoll;
  }

  /** Undefined also where it is not wanted; where it is wanted and not to be had, the log says why. */
  async #chooseXdp({ udp, listen, workers }: AnswerSettings): Promise<XdpService | undefined> {
    if (udp !== 'xdp') return undefined;
    const { log, xdp: opened } = this.#options;
    const ask = (interfaces: readonly string[]) => this.#channel.send({ kind: 'xdp-wanted', interfaces });
    if (opened !== undefined) return chooseXdp({ opened, listen: listen.map(settledAddress), workers, log, ask });
    log('udp.xdp-fallback', 'UDP by recvmmsg, not by AF_XDP: nothing could be opened before the process began (koffi)');
    return undefined;
  }

  /** Ends the process when sockets of the service manager cannot be shared among threads. */
  async #loadDuplicate({ inherited = {} }: AnswerSettings): Promise<((fd: number) => number) | undefined> {
    if (Object.keys(inherited).length === 0) return undefined;
    const { own, log } = this.#options;
    try {
      return await loadDuplicate();
    } catch (error) {
      const why = firstLineOf(error);
      const instead = 'Take the sockets named dns out of the service; waxseal then opens its own';
      const what = 'the service manager gave sockets for DNS, which cannot be shared here';
      log('udp.unavailable', `${what}: ${why}. ${instead}`);
      return own.exit(EXIT_CONFIGURATION);
    }
  }

  async #stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const running = this.#running;
    for (const each of running?.reporters ?? []) clearInterval(each);
    running?.cookies?.stop();
    await running?.pool.drain(DRAIN_MS);
    await exitAtOnce(this.#options.own, 0);
  }

  #reportCounters(): void {
    if (this.#running === undefined) return;
    watchLoop();
    // What the process takes stands beside what its first worker counts.
    const usage = usageSlots('answer');
    const [first, ...others] = this.#running.pool.counters();
    const workers = first === undefined ? [] : [{ ...first, values: { ...first.values, ...usage } }, ...others];
    this.#channel.send({ kind: 'counters', workers });
  }

  /** Only when there is something new. */
  #reportSelectors(): void {
    if (this.#running === undefined) return;
    const { pool } = this.#running;
    const total = pool.selectorTotal();
    if (total === this.#selectorTotal) return;
    this.#selectorTotal = total;
    this.#channel.send({ kind: 'selectors', run: this.#run, ...pool.selectorCounts() });
  }

  #reportListening(): void {
    const addresses = this.#running?.pool.addresses();
    if (addresses === undefined) return;
    this.#listening = true;
    this.#channel.send({ kind: 'listening', addresses });
    this.#channel.send({ kind: 'ready', role: 'answer' });
  }

  #reportServed(): void {
    if (this.#running !== undefined) this.#channel.send({ kind: 'served', workers: this.#running.pool.states() });
  }
}

/** The supervisor's caller has settled the addresses, so a bad one is a bug. */
function settledAddress(text: string) {
  const address = parseIpPort(text);
  assert(address.ok && address.value.port !== 0, `unsettled address ${text}`);
  return address.value;
}
