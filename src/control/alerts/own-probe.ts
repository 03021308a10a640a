/**
 * Asks each of our servers once a minute, as a client does, and remembers an hour of it: whether it answered and how
 * long that took. Of many servers, others in each minute.
 * Not here: what follows from it (rules.ts).
 */
import { randomInt } from 'node:crypto';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { PROBE_ANSWERS, PROBE_SERVERS_MAX, PROBE_WAIT_MS } from '#base/limits/alerts.ts';
import { DIRECT_DATAGRAMS_MAX } from '#base/limits/outside.ts';
import { type Name } from '#dns/name.ts';
import { readReply, writeQuestion } from '#dns/reply.ts';
import { TYPE } from '#dns/types.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { type DirectReply } from '#control/outside/direct-question.ts';
import { exchangeDatagram } from '#control/outside/datagram-exchange.ts';

export interface ProbedServer {
  readonly server: IpPort;
  /** Served there. */
  readonly zone: Name;
}

export interface OwnProbeOptions {
  /** All of them: our own listeners, and the secondaries of zones. */
  readonly servers: () => readonly ProbedServer[];
  /** Counted time. */
  readonly nowMs: () => number;
  readonly ask?: (server: IpPort, zone: Name, signal?: AbortSignal) => Promise<DirectReply>;
  readonly serversMax?: number;
}

interface Known {
  /** Milliseconds of the last hour's questions, oldest first; one without an answer counts as PROBE_WAIT_MS. */
  readonly took: number[];
  /** Counted time since when it does not answer. */
  silentSinceMs: number | undefined;
}

export class OwnProbe {
  readonly #options: OwnProbeOptions;
  readonly #known = new Map<string, Known>();
  #turn = 0;

  constructor(options: OwnProbeOptions) {
    this.#options = options;
  }

  /** Never rejects. After the signal it waits for no answer, and what did not come is no silence. */
  async probe(signal?: AbortSignal): Promise<void> {
    const { servers, serversMax = PROBE_SERVERS_MAX } = this.#options;
    const all = new Map(servers().map((each) => [formatIpPort(each.server), each]));
    for (const name of this.#known.keys()) if (!all.has(name)) this.#known.delete(name);
    const names = [...all.keys()];
    const from = names.length <= serversMax ? 0 : (this.#turn * serversMax) % names.length;
    this.#turn += 1;
    const chosen = [...names.slice(from), ...names.slice(0, from)].slice(0, serversMax);
    await Promise.all(chosen.map((name) => this.#ask(name, all.get(name)!, signal)));
  }

  async #ask(name: string, { server, zone }: ProbedServer, signal?: AbortSignal): Promise<void> {
    const { nowMs, ask = askSoa } = this.#options;
    const [startedMs, askedAtMs] = [performance.now(), nowMs()];
    const answer = await ask(server, zone, signal);
    const isAnswered = 'reply' in answer;
    if (!isAnswered && signal?.aborted === true) return;
    const known = this.#known.get(name) ?? { took: [], silentSinceMs: undefined };
    this.#known.set(name, known);
    known.took.push(isAnswered ? performance.now() - startedMs : PROBE_WAIT_MS);
    if (known.took.length > PROBE_ANSWERS) known.took.shift();
    known.silentSinceMs = isAnswered ? undefined : (known.silentSinceMs ?? askedAtMs);
  }

  families(): readonly MetricFamily[] {
    const nowMs = this.#options.nowMs();
    const servers = [...this.#known].map(([server, known]) => ({ labels: { server }, ...known }));
    const answered = servers.map(({ labels, silentSinceMs }) => ({
      labels,
      value: silentSinceMs === undefined ? 1 : 0,
    }));
    const whole = servers.filter(({ took }) => took.length >= PROBE_ANSWERS);
    const averages = whole.map(({ labels, took }) => {
      return { labels, value: took.reduce((sum, each) => sum + each, 0) / took.length / 1000 };
    });
    // Wholly down is since the last of them fell silent.
    const isDown = servers.length > 0 && servers.every(({ silentSinceMs }) => silentSinceMs !== undefined);
    const since = Math.max(...servers.map(({ silentSinceMs = -Infinity }) => silentSinceMs));
    const down = isDown ? (nowMs - since) / 1000 : 0;
    return [
      {
        name: 'waxseal_probe_answered',
        help: 'Whether each server of ours answered the last question, asked once a minute.',
        type: 'gauge',
        samples: answered,
      },
      {
        name: 'waxseal_probe_average_seconds',
        help: 'How long its answers took on average, of the last hour; shown when there was one.',
        type: 'gauge',
        samples: averages,
      },
      {
        name: 'waxseal_probe_all_down_seconds',
        help: 'For how long no server of ours has answered.',
        type: 'gauge',
        samples: [{ labels: {}, value: down }],
      },
    ];
  }
}

/** Once, over UDP: a resolver would ask again, and the wait is what is measured. */
async function askSoa(server: IpPort, zone: Name, signal?: AbortSignal): Promise<DirectReply> {
  const id = randomInt(0x1_0000);
  const answer = await exchangeDatagram({
    server,
    message: writeQuestion(id, zone, TYPE.SOA),
    timeoutMs: PROBE_WAIT_MS,
    datagramsMax: DIRECT_DATAGRAMS_MAX,
    read: (octets) => readReply(octets, id, zone, TYPE.SOA),
    ...(signal === undefined ? {} : { signal }),
  });
  return 'failure' in answer ? answer : { reply: answer.reply };
}
