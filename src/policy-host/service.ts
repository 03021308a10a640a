/**
 * The policy host's process: its parts in their order, and the channel to the supervisor. It writes nothing, holds the
 * key of its own certificates alone, and ends at once when its supervisor has gone.
 * Not here: the parts that serve (host.ts); restarting this process (process/supervisor.ts).
 */
import { type IpPort, formatIpPort, parseIpPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { systemClock } from '#base/clock.ts';
import { type IpcMessage, type PolicyHostSettings } from '#base/ipc/messages.ts';
import { type SupervisorChannel, openSupervisorChannel } from '#base/ipc/channel.ts';
import { HTTPS_COMPLAIN_MS, HTTPS_DRAIN_LOOK_MS, HTTPS_DRAIN_MS, HTTPS_LOOK_MS } from '#base/limits/https.ts';
import { COUNTERS_EVERY_MS } from '#base/limits/server.ts';
import { type Log } from '#base/log.ts';
import { usageSlots, watchLoop } from '#base/measure/own-process.ts';
import { formatProblem } from '#base/problem.ts';
import { POSTED_REPORT } from '#mail/tls-rpt/hosted.ts';
import { type StoreReader } from '#store/reader.ts';
import { PolicyHostKey } from '#store/tls/policy-host-key.ts';
import { Addresses } from './addresses.ts';
import { Complaints } from './complaints.ts';
import { type PolicyHost, makePolicyHost } from './host.ts';
import { waitForKey } from './key-wait.ts';
import { StoreFollower } from './store-follower.ts';

export interface PolicyHostServiceOptions {
  /** The process itself: its signals, its channel, its exit. */
  readonly own: NodeJS.Process;
  readonly log: Log;
  readonly random: (bytes: number) => Uint8Array;
}

interface Running {
  readonly addresses: Addresses;
  readonly host: PolicyHost;
  readonly timers: readonly NodeJS.Timeout[];
}

const EXIT_FAILED = 1;

/** Says hello and does what the supervisor says from then on. */
export function runPolicyHost(options: PolicyHostServiceOptions): void {
  new PolicyHostService(options).greet();
}

class PolicyHostService {
  readonly #options: PolicyHostServiceOptions;
  readonly #channel: SupervisorChannel;
  readonly #complaints: Complaints;
  #follower: StoreFollower | undefined;
  #running: Running | undefined;
  #isStopping = false;
  #endWait: () => void = () => undefined;

  constructor(options: PolicyHostServiceOptions) {
    this.#options = options;
    const { own, log } = options;
    this.#complaints = new Complaints(log, HTTPS_COMPLAIN_MS, () => performance.now());
    this.#channel = openSupervisorChannel(
      own,
      (message) => this.#receive(message),
      () => {
        log.error('supervisor.gone', 'the supervisor has gone; ending');
        own.exit(EXIT_FAILED);
      },
    );
    own.on('SIGTERM', () => this.#stop());
    own.on('SIGINT', () => this.#stop());
    // There is nothing to read again; without a listener HUP would end the process.
    own.on('SIGHUP', () => undefined);
  }

  greet(): void {
    this.#channel.send({ kind: 'hello', role: 'policy-host', pid: this.#options.own.pid });
  }

  #receive(message: IpcMessage): void {
    if (message.kind === 'start-policy-host') this.#start(message.settings);
    else if (message.kind === 'generation') this.#follower?.follow();
    else if (message.kind === 'hello') {
      // Control is new and knows nothing of this process.
      this.greet();
      this.#report();
    }
  }

  #start(settings: PolicyHostSettings): void {
    if (this.#follower !== undefined || this.#isStopping) return;
    const { own, log } = this.#options;
    this.#follower = new StoreFollower({
      storeDir: settings.storeDir,
      opened: (reader) => this.#waitForKey(reader, settings),
      moved: () => this.#report(),
      failed: (error) => {
        log.error('https.store-unreadable', `the store cannot be read: ${error.message}; the policy host starts again`);
        own.exit(EXIT_FAILED);
      },
    });
    this.#follower.start();
  }

  /** Before it listens: nothing could be served. */
  #waitForKey(reader: StoreReader, settings: PolicyHostSettings): void {
    const { own, log, random } = this.#options;
    const { keyFile: file } = settings;
    const key = new PolicyHostKey({ file, random });
    this.#endWait = waitForKey({
      file,
      sealer: () => key.sealer(),
      startedMs: performance.timeOrigin,
      ready: () => void this.#serve(reader, settings, key),
      missed: (each) => log.error('https.key-unusable', `nothing is served: ${formatProblem(each)}`, { file }),
      replaced: () => {
        log.info('https.key-replaced', 'there is another key file now; the policy host starts again', { file });
        own.exit(EXIT_FAILED);
      },
    });
  }

  async #serve(reader: StoreReader, settings: PolicyHostSettings, key: PolicyHostKey): Promise<void> {
    const { log, random } = this.#options;
    const host = await makePolicyHost({
      reader,
      sealer: () => key.sealer(),
      isSelfSigned: settings.isSelfSigned,
      accessLog: settings.isAccessLogged ? log : undefined,
      complain: (name, text) => this.#complaints.report(name, text),
      random,
      nowMs: () => performance.now(),
      wallClockMs: () => systemClock.nowMs(),
      sendReport: (body) => this.#channel.calls.request(POSTED_REPORT, body),
    });
    if (this.#isStopping) return;
    const addresses = new Addresses({
      wanted: settings.listen.map(settledAddress),
      inherited: settings.inherited,
      accept: (socket) => host.take(socket),
      changed: () => this.#report(),
      failed: (address, error) => this.#cannotListen(address, error),
    });
    const timers = [
      setInterval(() => host.connections.look(), HTTPS_LOOK_MS),
      setInterval(() => this.#reportCounters(host), COUNTERS_EVERY_MS),
    ];
    this.#running = { addresses, host, timers };
    watchLoop();
    addresses.start();
  }

  #reportCounters(host: PolicyHost): void {
    this.#channel.send({ kind: 'hosted-counters', values: { ...host.count(), ...usageSlots('policy-host') } });
  }

  #cannotListen(address: IpPort, error: Error): void {
    const at = formatIpPort(address);
    const fix =
      'code' in error && error.code === 'EACCES'
        ? 'ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)'
        : `see who has it (ss -lpn 'sport = :${address.port}'), or choose another address in https.listen`;
    const text = `the policy host cannot listen on ${at}: ${error.message}; it tries again, all else works; ${fix}`;
    this.#options.log.error('https.listen-failed', text, { address: at });
  }

  #report(): void {
    const addresses = this.#running?.addresses;
    this.#channel.send({
      kind: 'hosted',
      generation: this.#follower?.generation ?? 0,
      addresses: addresses?.open ?? [],
      startedAtMs: Math.round(performance.timeOrigin),
    });
    if (addresses?.areAllOpen === true) this.#channel.send({ kind: 'ready', role: 'policy-host' });
  }

  /** Answers under way end first; then the process does, whatever is still open. */
  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { own } = this.#options;
    const running = this.#running;
    for (const each of running?.timers ?? []) clearInterval(each);
    this.#endWait();
    running?.addresses.close();
    running?.host.connections.finishAll();
    const startedMs = performance.now();
    const look = (): void => {
      const isOver = performance.now() - startedMs > HTTPS_DRAIN_MS;
      if (running !== undefined && running.host.connections.count > 0 && !isOver) setTimeout(look, HTTPS_DRAIN_LOOK_MS);
      else {
        this.#follower?.stop();
        own.exit(0);
      }
    };
    look();
  }
}

/** The supervisor has read the addresses, so a bad one is a bug. */
function settledAddress(text: string): IpPort {
  const address = parseIpPort(text);
  assert(address.ok, `bad address ${text}`);
  return address.value;
}
