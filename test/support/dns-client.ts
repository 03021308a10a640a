/**
 * A small DNS client for tests of sockets: it sends any octets in any pieces, and waits for nothing without a time limit.
 * Not here: reading messages (wire.ts), many queries to a peer (exchange.ts).
 */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { type IpPort } from '#base/address.ts';

const TIMEOUT_MS = 5_000;

/** A query for `name` (dots between labels, no escapes), class IN, RD clear, without EDNS. */
export function simpleQuery(id: number, name = 'example.test', type = 1): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  const question = Buffer.concat([...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])), Buffer.alloc(5)]);
  question.writeUInt16BE(type, question.length - 4);
  question.writeUInt16BE(1, question.length - 2);
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(1, 4);
  return Buffer.concat([header, question]);
}

/** The id of a message. */
export function idOf(message: Uint8Array): number {
  return (message[0]! << 8) | message[1]!;
}

/** A message with its two octets of length (RFC 1035 §4.2.2). */
export function framed(message: Uint8Array): Buffer {
  const out = Buffer.alloc(2 + message.length);
  out.writeUInt16BE(message.length, 0);
  out.set(message, 2);
  return out;
}

/** One datagram there, one back; undefined when none comes in time. `from`: source address, to be another client. */
export async function udpQuery(to: IpPort, query: Uint8Array, timeoutMs = TIMEOUT_MS, from?: string): Promise<Buffer | undefined> {
  const socket = createSocket(to.family === 6 ? 'udp6' : 'udp4');
  try {
    if (from !== undefined) await new Promise<void>((resolve) => void socket.bind({ address: from }, resolve));
    return await new Promise<Buffer | undefined>((resolve, reject) => {
      const timer = setTimeout(() => resolve(undefined), timeoutMs);
      socket.once('error', reject);
      socket.once('message', (reply) => {
        clearTimeout(timer);
        resolve(reply);
      });
      socket.send(query, to.port, to.ip);
    });
  } finally {
    socket.close();
  }
}

/** One query on a connection of its own. */
export async function tcpQuery(to: IpPort, query: Uint8Array, timeoutMs = TIMEOUT_MS): Promise<Buffer | undefined> {
  const untilMs = performance.now() + timeoutMs;
  const client = await TcpClient.open(to, { timeoutMs });
  try {
    client.send(framed(query));
    return (await client.receive(1, untilMs - performance.now()))[0];
  } finally {
    client.destroy();
  }
}

/** A connection in the hands of a test. */
export class TcpClient {
  readonly socket: Socket;
  /** Resolves when the connection is closed: `reset` after an error, `end` after a FIN. */
  readonly closed: Promise<'end' | 'reset'>;
  #octets: Buffer = Buffer.alloc(0);
  #changed: () => void = () => undefined;
  #finished = false;

  constructor(socket: Socket) {
    this.socket = socket;
    let failed = false;
    socket.on('data', (chunk: Buffer) => {
      this.#octets = this.#octets.length === 0 ? chunk : Buffer.concat([this.#octets, chunk]);
      this.#changed();
    });
    socket.on('error', () => {
      failed = true;
    });
    const finished = () => {
      this.#finished = true;
      this.#changed();
    };
    socket.on('end', finished);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        finished();
        resolve(failed ? 'reset' : 'end');
      });
    });
  }

  /**
   * `from`: source address, as 127.0.0.7, to be another client. With `reading: false` nothing is ever read. Rejects when there is no
   * connection within `timeoutMs`: a server whose backlog is full does not answer, and the kernel tries for two minutes.
   */
  static async open(
    to: IpPort,
    { from, reading = true, timeoutMs }: { from?: string; reading?: boolean; timeoutMs?: number } = {},
  ): Promise<TcpClient> {
    const socket = connect({ host: to.ip, port: to.port, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      if (timeoutMs !== undefined)
        socket.setTimeout(timeoutMs, () => void socket.destroy(new Error(`not connected within ${timeoutMs} ms`)));
    });
    socket.setTimeout(0);
    const client = new TcpClient(socket);
    if (!reading) socket.pause();
    return client;
  }

  /** Octets as they are. */
  send(octets: Uint8Array): void {
    this.socket.write(octets);
  }

  /** Octets, resolved when the kernel has them, so that the next ones come in another segment. */
  sendNow(octets: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(octets, () => setImmediate(resolve));
    });
  }

  /** The next `count` messages, fewer if the connection ends or the time is over. */
  async receive(count: number, timeoutMs = TIMEOUT_MS): Promise<Buffer[]> {
    const messages: Buffer[] = [];
    const untilMs = performance.now() + timeoutMs;
    for (;;) {
      let at = 0;
      while (messages.length < count && this.#octets.length - at >= 2) {
        const end = at + 2 + this.#octets.readUInt16BE(at);
        if (end > this.#octets.length) break;
        messages.push(Buffer.from(this.#octets.subarray(at + 2, end)));
        at = end;
      }
      this.#octets = this.#octets.subarray(at);
      const leftMs = untilMs - performance.now();
      if (messages.length === count || this.#finished || leftMs <= 0) return messages;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Octets received that are no whole message yet. */
  get unread(): number {
    return this.#octets.length;
  }

  /** FIN: no more queries. */
  finish(): void {
    this.socket.end();
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** How it ended, or `open` if it has not in time. */
  async ending(timeoutMs = TIMEOUT_MS): Promise<'end' | 'reset' | 'open'> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'open'>((resolve) => {
      timer = setTimeout(() => resolve('open'), timeoutMs);
    });
    const how = await Promise.race([this.closed, late]);
    clearTimeout(timer);
    return how;
  }
}

/** Waits until `holds`, looking often; false if it does not in time. */
export async function eventually(holds: () => boolean | Promise<boolean>, timeoutMs = 4 * TIMEOUT_MS): Promise<boolean> {
  const untilMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > untilMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
