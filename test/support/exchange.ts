/**
 * Sends raw DNS messages to a server under test and collects the raw replies, many at a time and never without a time limit.
 * UDP keeps a window of outstanding queries and asks again once; TCP pipelines on one connection (RFC 7766 §6.2.1.1).
 * Not here: reading the replies (wire.ts).
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

/** Whoever is asked: a peer or waxseal. */
export interface Endpoint {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** Outstanding UDP queries: small enough for default socket buffers of every peer. */
const WINDOW = 64;

/**
 * Replies in the order of `queries`; undefined where none came in `timeoutMs` (asked `attempts` times). Ids are overwritten with the index
 * and put back, so that the caller's octets stay his.
 */
export async function exchangeUdp(
  server: Endpoint,
  queries: readonly Buffer[],
  { timeoutMs = 1500, attempts = 2 }: { timeoutMs?: number; attempts?: number } = {},
): Promise<(Buffer | undefined)[]> {
  const replies: (Buffer | undefined)[] = Array.from({ length: queries.length });
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4');
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>();
  const timers = new Map<number, NodeJS.Timeout>();
  let next = 0;
  const send = (at: number, attempt: number) => {
    const query = Buffer.from(queries[at]!);
    if (query.length >= 2) query.writeUInt16BE(at & 0xffff, 0);
    timers.set(
      at,
      setTimeout(() => {
        timers.delete(at);
        if (attempt < attempts) send(at, attempt + 1);
        else fill();
      }, timeoutMs),
    );
    socket.send(query, server.port, server.address);
  };
  const fill = () => {
    while (next < queries.length && timers.size < WINDOW) send(next++, 1);
    if (next === queries.length && timers.size === 0) resolve();
  };
  socket.on('error', reject);
  socket.on('message', (reply) => {
    if (reply.length < 2) return;
    const low = reply.readUInt16BE(0);
    // Only the window is outstanding, so the low 16 bits of the index are enough to find it.
    const at = [...timers.keys()].find((each) => (each & 0xffff) === low);
    if (at === undefined) return;
    clearTimeout(timers.get(at));
    timers.delete(at);
    if (queries[at]!.length >= 2) queries[at]!.copy(reply, 0, 0, 2);
    replies[at] = reply;
    fill();
  });
  fill();
  try {
    await finished;
  } finally {
    for (const timer of timers.values()) clearTimeout(timer);
    socket.close();
  }
  return replies;
}

/** As `exchangeUdp`, pipelined on TCP connections of at most `perConnection` queries. A closed connection leaves the rest undefined. */
export async function exchangeTcp(
  server: Endpoint,
  queries: readonly Buffer[],
  { timeoutMs = 5000, perConnection = 100 }: { timeoutMs?: number; perConnection?: number } = {},
): Promise<(Buffer | undefined)[]> {
  const replies: (Buffer | undefined)[] = [];
  for (let from = 0; from < queries.length; from += perConnection)
    replies.push(...(await exchangeOneTcp(server, queries.slice(from, from + perConnection), timeoutMs)));
  return replies;
}

async function exchangeOneTcp(server: Endpoint, queries: readonly Buffer[], timeoutMs: number): Promise<(Buffer | undefined)[]> {
  const replies: (Buffer | undefined)[] = Array.from({ length: queries.length });
  const { promise: finished, resolve } = Promise.withResolvers<void>();
  const socket = connect(server.port, server.address);
  const timer = setTimeout(resolve, timeoutMs);
  let pending: Buffer = Buffer.alloc(0);
  let missing = queries.length;
  socket.on('connect', () => {
    for (const [at, query] of queries.entries()) {
      const framed = Buffer.alloc(2 + query.length);
      framed.writeUInt16BE(query.length, 0);
      query.copy(framed, 2);
      if (query.length >= 2) framed.writeUInt16BE(at, 2);
      socket.write(framed);
    }
  });
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const length = pending.readUInt16BE(0);
      const reply = Buffer.from(pending.subarray(2, 2 + length));
      pending = pending.subarray(2 + length);
      const at = reply.length < 2 ? -1 : reply.readUInt16BE(0);
      if (at < 0 || at >= queries.length || replies[at] !== undefined) continue;
      if (queries[at]!.length >= 2) queries[at]!.copy(reply, 0, 0, 2);
      replies[at] = reply;
      if (--missing === 0) resolve();
    }
  });
  // A server that resets or refuses simply has not answered: the caller sees undefined.
  socket.on('error', () => resolve());
  socket.on('close', () => resolve());
  await finished;
  clearTimeout(timer);
  socket.destroy();
  return replies;
}
