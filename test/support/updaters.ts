/**
 * Many programs that send UPDATE messages at the same time, each the next one when the last one is answered. Each has a
 * TXT record of its own with a number, and every message wants the record to have the number that the client knows, and
 * makes it one more: a change that is lost, or carried out twice, makes a later prerequisite fail.
 * Every second client has a TCP connection of its own, the others send datagrams. What has no answer is sent again as it
 * was, as nsupdate does. A message is not sent more often than TRIES.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { type IpPort } from '#base/address.ts';
import { TcpClient, framed } from './dns-client.ts';
import { readUpdateReply, signMessage, updateMessage } from './update-client.ts';

export interface UpdaterKey {
  readonly name: string;
  readonly secret: string;
}

export interface UpdatersOptions {
  readonly at: IpPort;
  readonly zone: string;
  /** Clients take them in turn; each may change TXT records of names that begin with `u`. */
  readonly keys: readonly UpdaterKey[];
  readonly clients: number;
  /** Of each client. */
  readonly messages: number;
}

export interface UpdatersResult {
  /** Messages that were answered with NOERROR, each once. */
  readonly carriedOut: number;
  /** By client, the number that its record has to have; 0: no record. */
  readonly numbers: readonly number[];
  /** Answers by rcode, with the text of the extended error without numbers. */
  readonly answers: ReadonlyMap<string, number>;
  /** Times that a message had no answer and was sent again. */
  readonly resent: number;
  /** What must not happen, in words. */
  readonly faults: readonly string[];
}

/** One message in so many is followed by one that the key may not send. */
const FORBIDDEN_EVERY = 10;
const REPLY_MS = 7_000;
const TRIES = 100;
const RCODE = { NOERROR: 0, SERVFAIL: 2, REFUSED: 5, YXRRSET: 7, NXRRSET: 8, NOTAUTH: 9 } as const;

interface Line {
  /** Undefined: no answer. */
  ask(message: Uint8Array): Promise<Uint8Array | undefined>;
  close(): void;
}

/** Clients are in different networks, as far as one machine has them. */
const addressOf = (number: number): string => `127.0.${number % 16}.${1 + Math.floor(number / 16)}`;
export const nameOfUpdater = (number: number): string => `u${number}`;

async function udpLine(to: IpPort, from: string): Promise<Line> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => void socket.bind({ address: from }, resolve));
  return {
    async ask(message) {
      const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
      const take = (reply: Uint8Array): void => {
        if (reply[0] === message[0] && reply[1] === message[1]) resolve(reply);
      };
      socket.on('message', take);
      socket.send(message, to.port, to.ip);
      const timer = setTimeout(() => resolve(undefined), REPLY_MS);
      const reply = await promise;
      clearTimeout(timer);
      socket.off('message', take);
      return reply;
    },
    close: () => void socket.close(),
  };
}

function tcpLine(to: IpPort, from: string): Line {
  let open: TcpClient | undefined;
  const close = (): void => {
    open?.destroy();
    open = undefined;
  };
  return {
    async ask(message) {
      try {
        open ??= await TcpClient.open(to, { from });
        open.send(framed(message));
        const [reply] = await open.receive(1, REPLY_MS);
        if (reply === undefined) close();
        return reply;
      } catch {
        close();
        return undefined;
      }
    },
    close,
  };
}

class Updater {
  readonly #options: UpdatersOptions;
  readonly #number: number;
  readonly #key: UpdaterKey;
  readonly #line: Line;
  /** What the record says. */
  value = 0;
  carriedOut = 0;
  resent = 0;
  readonly answers = new Map<string, number>();
  readonly faults: string[] = [];

  constructor(options: UpdatersOptions, number: number, line: Line) {
    this.#options = options;
    this.#number = number;
    this.#key = options.keys[number % options.keys.length]!;
    this.#line = line;
  }

  async run(): Promise<void> {
    for (let each = 1; each <= this.#options.messages && this.faults.length === 0; each++) {
      await this.#count();
      if (each % FORBIDDEN_EVERY === 0) await this.#tryForbidden();
    }
    this.#line.close();
  }

  /** The record gets the next number. */
  async #count(): Promise<void> {
    const name = nameOfUpdater(this.#number);
    const before = this.value;
    const held = before === 0 ? `nx ${name} TXT` : `yx ${name} TXT "${before}"\ndel ${name} TXT "${before}"`;
    const lines = `${held}\nadd ${name} 60 TXT "${before + 1}"`;
    let isUnknown = false;
    for (let tries = 0; tries < TRIES; tries++) {
      const { rcode, text, wasResent } = await this.#send(lines);
      isUnknown ||= wasResent;
      const isChanged = rcode === RCODE.NXRRSET || rcode === RCODE.YXRRSET;
      if (rcode === RCODE.NOERROR || (isChanged && isUnknown)) {
        // The prerequisite does not hold: one of those that had no answer in time was carried out after all.
        this.value += 1;
        this.carriedOut += 1;
        return;
      }
      // SERVFAIL: not carried out. BADTIME: so old that the server does not know any more; it is signed again.
      if (rcode !== RCODE.SERVFAIL && rcode !== RCODE.NOTAUTH) return void this.faults.push(`${name}: ${rcode} ${text} after ${before}`);
      if (rcode === RCODE.NOTAUTH) isUnknown = true;
      await delay(50 + (this.#number % 50));
    }
    this.faults.push(`${name}: not carried out after ${TRIES} tries`);
  }

  async #tryForbidden(): Promise<void> {
    const { rcode, text } = await this.#send('add www 60 A 192.0.2.66');
    if (rcode === RCODE.NOERROR) this.faults.push(`${this.#number}: what its key may not change was changed`);
    if (rcode === RCODE.REFUSED && text === '') this.faults.push(`${this.#number}: REFUSED without a reason`);
  }

  /** Signed once; sent until there is an answer. */
  async #send(lines: string): Promise<{ readonly rcode: number; readonly text: string; readonly wasResent: boolean }> {
    const message = signMessage(updateMessage(this.#options.zone, lines), this.#key, Math.floor(Date.now() / 1000));
    for (let tries = 0; tries < TRIES; tries++) {
      const reply = await this.#line.ask(message);
      if (reply === undefined) {
        this.resent += 1;
        continue;
      }
      const { rcode, text } = readUpdateReply(reply);
      const words = `${rcode} ${text.replaceAll(/\d+/g, 'N')}`.trim();
      this.answers.set(words, (this.answers.get(words) ?? 0) + 1);
      return { rcode, text, wasResent: tries > 0 };
    }
    return { rcode: -1, text: 'no answer', wasResent: true };
  }
}

/** Resolves when all clients have sent all their messages, or when each has stopped at a fault. */
export async function runUpdaters(options: UpdatersOptions): Promise<UpdatersResult> {
  const updaters: Updater[] = [];
  for (let number = 0; number < options.clients; number++) {
    const from = addressOf(number);
    const line = number % 2 === 0 ? await udpLine(options.at, from) : tcpLine(options.at, from);
    updaters.push(new Updater(options, number, line));
  }
  await Promise.all(updaters.map((each) => each.run()));
  const answers = new Map<string, number>();
  for (const each of updaters) for (const [words, count] of each.answers) answers.set(words, (answers.get(words) ?? 0) + count);
  const sum = (of: (updater: Updater) => number): number => updaters.reduce((total, each) => total + of(each), 0);
  return {
    carriedOut: sum((each) => each.carriedOut),
    numbers: updaters.map(({ value }) => value),
    answers,
    resent: sum((each) => each.resent),
    faults: updaters.flatMap(({ faults }) => faults),
  };
}
