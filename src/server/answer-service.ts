/**
 * The answer process: worker threads, and the line to the supervisor. It holds no keys and writes nothing.
 * Drains on TERM and INT; ends at once when its supervisor has gone, so that a new one finds the addresses free.
 * Not here: what runs in the workers (given as a script), restarting this process (process/supervisor.ts).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { parseIpPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { type AnswerSettings, type IpcMessage, openSupervisorChannel } from '#base/ipc.ts';
import { SELECTOR_COUNTS_EVERY_MS } from '#base/limits/events.ts';
import { COUNTERS_EVERY_MS, DRAIN_MS, WORKERS_MAX } from '#base/limits/limits.ts';
import { CookieKeeper } from './cookie-keeper.ts';
import { exitAtOnce } from './exit-at-once.ts';
import { type QueryLine } from './query-log.ts';
import { EXIT_CONFIGURATION } from '#base/exit.ts';
import { chooseUdp } from '#server/udp/choose.ts';
import { WorkerPool } from './worker-pool.ts';

export interface AnswerServiceOptions {
  /** The process itself: its signals, its channel, its exit. */
  readonly own: NodeJS.Process;
  readonly workerScript: URL;
  /** Names of the responder's counter slots, in order. */
  readonly responderSlots: readonly string[];
  readonly log: (text: string) => void;
  readonly logQuery: (line: QueryLine) => void;
}

/** Says hello and does what the supervisor says from then on. */
export function runAnswerService({ own, workerScript, responderSlots, log, logQuery }: AnswerServiceOptions): void {
  let pool: WorkerPool | undefined;
  let cookies: CookieKeeper | undefined;
  let reporter: NodeJS.Timeout | undefined;
  let selectorReporter: NodeJS.Timeout | undefined;
  const run = randomUUID();
  let selectorTotal = -1;
  let announced = 0;
  let starting = false;
  let listening = false;
  let stopping = false;
  const channel = openSupervisorChannel(own, receive, () => {
    log('the supervisor has gone; ending');
    own.exit(1);
  });

  const hello = () => channel.send({ kind: 'hello', role: 'answer', pid: own.pid });
  const reportCounters = () => {
    if (pool !== undefined) channel.send({ kind: 'counters', workers: pool.counters() });
  };
  const reportSelectors = () => {
    const total = pool?.selectorTotal();
    if (pool === undefined || total === undefined || total === selectorTotal) return;
    selectorTotal = total;
    channel.send({ kind: 'selectors', run, ...pool.selectorCounts() });
  };
  const reportListening = () => {
    const addresses = pool?.addresses();
    if (addresses === undefined) return;
    listening = true;
    channel.send({ kind: 'listening', addresses });
    channel.send({ kind: 'ready', role: 'answer' });
  };
  const reportServed = () => {
    if (pool !== undefined) channel.send({ kind: 'served', workers: pool.states() });
  };

  function receive(message: IpcMessage): void {
    switch (message.kind) {
      case 'start':
        void start(message.settings);
        break;
      case 'generation':
        announced = message.generation;
        pool?.announce(announced);
        break;
      case 'counters-wanted':
        reportCounters();
        break;
      case 'hello':
        // Control is new and knows nothing of us. If a worker is just down, it hears of the addresses when that one is back.
        hello();
        listening = false;
        reportListening();
        reportServed();
        selectorTotal = -1;
        reportSelectors();
        break;
      case 'gone':
      case 'listening':
      case 'ready':
      case 'served':
      case 'counters':
      case 'selectors':
        break;
    }
  }

  async function start(settings: AnswerSettings): Promise<void> {
    if (starting || stopping) return;
    starting = true;
    assert(settings.workers >= 1 && settings.workers <= WORKERS_MAX, `${settings.workers} workers`);
    const { openMmsg, refusal } = await chooseUdp(settings.udp);
    if (stopping) return;
    if (refusal !== undefined) {
      if (settings.udp === 'mmsg') {
        log(`dns.udp is "mmsg", and recvmmsg does not work here: ${refusal}. With "auto", node:dgram would serve instead`);
        own.exit(EXIT_CONFIGURATION);
      }
      log(`UDP by node:dgram, at about half the speed of recvmmsg: ${refusal}`);
    }
    if (settings.cookies !== undefined) cookies = new CookieKeeper({ settings: settings.cookies, random: randomBytes, log });
    pool = new WorkerPool({
      openMmsg,
      cookieSecrets: cookies?.secrets.shared,
      rateLimit: settings.rateLimit,
      queryLog: { every: settings.queryLogEvery ?? 0, write: logQuery },
      script: workerScript,
      workers: settings.workers,
      storeDir: settings.storeDir,
      addresses: settings.listen.map(settledAddress),
      responderSlots,
      changed: () => {
        if (!listening) reportListening();
        reportServed();
      },
      log,
    });
    pool.announce(announced);
    pool.start();
    reporter = setInterval(reportCounters, COUNTERS_EVERY_MS);
    selectorReporter = setInterval(reportSelectors, SELECTOR_COUNTS_EVERY_MS);
  }

  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    clearInterval(reporter);
    clearInterval(selectorReporter);
    cookies?.stop();
    await pool?.drain(DRAIN_MS);
    await exitAtOnce(own, 0);
  }

  // A thread that blocks does not hear that the process exits, and would keep it from ending.
  own.once('exit', () => pool?.abandon());
  own.on('SIGTERM', () => void stop());
  // From a terminal, INT reaches every process of the group; the supervisor then sends TERM too.
  own.on('SIGINT', () => void stop());
  // Files of cookie secrets are all there is to read again; without a listener HUP would end the process.
  own.on('SIGHUP', () => cookies?.reload());
  hello();
}

/** The supervisor's caller has settled the addresses, so a bad one is a bug. */
function settledAddress(text: string) {
  const address = parseIpPort(text);
  assert(address.ok && address.value.port !== 0, `unsettled address ${text}`);
  return address.value;
}
