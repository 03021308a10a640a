/**
 * Worker thread of flood.ts: sends UDP queries at an even pace from many addresses, and counts what comes back, second by second. It is a thread
 * of its own so that the one that measures a canary's latency does not wait for it.
 */
import { type Socket, createSocket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import { type FloodReport, type FloodSecond, type FloodShape } from './flood.ts';

const TURN_MS = 5;
/** For the last answers to come. */
const SETTLE_MS = 150;

const shape = workerData as FloodShape;
const templates = shape.queries.map((query) => Buffer.from(query));
const seconds: FloodSecond[] = Array.from({ length: Math.ceil(shape.seconds) + 1 }, () => ({
  sent: 0,
  sentBytes: 0,
  received: 0,
  receivedBytes: 0,
  truncated: 0,
  answers: 0,
  rcodes: {},
}));
let startMs = 0;

/** Second that each query was sent in, by its id: an answer counts there, however late it comes. */
const sentIn = new Uint8Array(65_536);

function receive(reply: Buffer): void {
  const second = seconds[sentIn[reply.readUInt16BE(0)]!]!;
  second.received++;
  second.receivedBytes += reply.length;
  if ((reply[2]! & 2) !== 0) second.truncated++;
  if (reply.readUInt16BE(6) > 0 || reply.readUInt16BE(8) > 0) second.answers++;
  const rcode = reply[3]! & 15;
  second.rcodes[rcode] = (second.rcodes[rcode] ?? 0) + 1;
}

const sockets: Socket[] = [];
for (const source of shape.sources) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, lookup: (ip, _options, found) => found(null, ip, 4) });
  socket.on('message', receive);
  // A full send buffer: the flood is that much smaller.
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => void socket.bind({ address: source }, resolve));
  sockets.push(socket);
}

/** Ten letters that are different each time, over the first label where the query has room for it. */
function randomise(query: Buffer, each: number): void {
  let left = Math.imul(each + 1, 0x9e3779b1) >>> 0;
  for (let at = 13; at < 23; at++) {
    query[at] = 0x61 + (left % 26);
    left = (Math.imul(left, 48_271) + each) >>> 0;
  }
}

startMs = performance.now();
let sent = 0;
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs >= 1000 * shape.seconds) {
      clearInterval(timer);
      resolve();
      return;
    }
    for (const due = Math.floor((elapsedMs * shape.perSecond) / 1000); sent < due; sent++) {
      const query = Buffer.from(templates[sent % templates.length]!);
      if (shape.random === true) randomise(query, sent);
      if (query.length >= 2) query.writeUInt16BE(sent & 0xffff, 0);
      const at = Math.min(seconds.length - 1, Math.floor((performance.now() - startMs) / 1000));
      sentIn[sent & 0xffff] = at;
      const second = seconds[at]!;
      second.sent++;
      second.sentBytes += query.length;
      sockets[sent % sockets.length]!.send(query, shape.port, shape.address);
    }
  }, TURN_MS);
});
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
for (const socket of sockets) socket.close();
parentPort?.postMessage({ seconds } satisfies FloodReport);
