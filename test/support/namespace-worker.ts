/** A thread in a network namespace of its own: asks DNS servers there, and says what they replied. */
import { createSocket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import { type IpPort } from '#base/address.ts';
import { loadSyscalls, nativeMemory, systemError } from '#server/udp/mmsg-syscalls.ts';
import { tcpQuery } from './dns-client.ts';
import { enterNamespace } from './enter-namespace.ts';

export interface NamespaceOrder {
  readonly id: number;
  readonly to: IpPort;
  readonly queries: readonly Uint8Array[];
  /** `ethernet`: each of `queries` is a packet, and nothing is waited for. */
  readonly transport?: 'udp' | 'tcp' | 'ethernet';
  readonly timeoutMs?: number;
  /** UDP: the client's address; the system's choice when absent. */
  readonly from?: string;
  /** UDP: queries under way at a time. */
  readonly window?: number;
}

export interface NamespaceReply {
  readonly id: number;
  readonly replies: readonly (Uint8Array | undefined)[];
}

const TIMEOUT_MS = 2_000;

/** Replies are told apart by the ids of their queries, which differ. */
async function askUdp({
  to,
  queries,
  from,
  timeoutMs = TIMEOUT_MS,
  window = 64,
}: NamespaceOrder): Promise<(Uint8Array | undefined)[]> {
  const socket = createSocket({ type: to.family === 6 ? 'udp6' : 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  const idOf = (message: Uint8Array) => (message[0]! << 8) | message[1]!;
  const replies = new Map<number, Uint8Array>();
  const waiting = new Map<number, () => void>();
  socket.on('message', (message) => {
    replies.set(idOf(message), message);
    waiting.get(idOf(message))?.();
  });
  await new Promise<void>((resolve) => socket.bind(0, from, resolve));
  const left = [...queries];
  const lane = async () => {
    for (let query = left.shift(); query !== undefined; query = left.shift()) {
      const id = idOf(query);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      waiting.set(id, resolve);
      socket.send(query, to.port, to.ip);
      await promise;
      clearTimeout(timer);
    }
  };
  await Promise.all(Array.from({ length: Math.min(window, queries.length) }, lane));
  socket.close();
  return queries.map((query) => replies.get(idOf(query)));
}

const AF_PACKET = 17;
const SOCK_RAW = 3;
/** Interface of this namespace: the first one after lo. */
const INTERFACE_INDEX = 2;

/** packet(7): each packet as it is. */
function sendPackets({ queries }: NamespaceOrder): undefined[] {
  const calls = loadSyscalls();
  const fd = calls.socket(AF_PACKET, SOCK_RAW, 0);
  const memory = nativeMemory(4096);
  memory.words[0] = AF_PACKET;
  memory.words[1] = INTERFACE_INDEX;
  for (const packet of queries) {
    memory.octets.set(packet, 64);
    if (calls.sendto(fd, memory.address + 64, packet.length, 0, memory.address, 20) < 0)
      throw systemError(calls, 'sendto');
  }
  calls.close(fd);
  return queries.map(() => undefined);
}

async function askTcp({ to, queries, timeoutMs = TIMEOUT_MS }: NamespaceOrder): Promise<(Uint8Array | undefined)[]> {
  const replies: (Uint8Array | undefined)[] = [];
  for (const query of queries) replies.push(await tcpQuery(to, query, timeoutMs));
  return replies;
}

if (parentPort !== null) {
  const port = parentPort;
  enterNamespace(workerData as string);
  port.on('message', (order: NamespaceOrder) => {
    const { transport } = order;
    const asked = transport === 'ethernet' ? sendPackets(order) : transport === 'tcp' ? askTcp(order) : askUdp(order);
    void Promise.resolve(asked).then((replies) => port.postMessage({ id: order.id, replies } satisfies NamespaceReply));
  });
  port.postMessage('ready');
}
