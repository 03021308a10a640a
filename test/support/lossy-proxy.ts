/**
 * A bad network in front of a name server on 127.0.0.1: datagrams are lost, and TCP connections break off after some
 * octets. For machines whose kernel has no netem.
 */
import { createSocket } from 'node:dgram';
import { type Socket, connect, createServer } from 'node:net';
import { type Random } from './random.ts';

/** In the first message, or the handshake. */
const EARLY_BYTES = 400;

export interface LossyProxy {
  readonly port: number;
  /** So far. */
  readonly lost: { datagrams: number; connections: number };
  stop(): Promise<void>;
}

/**
 * `loss`: the part of datagrams that is lost each way, and of connections that break off; half of these early, the others
 * within `breakBytes`.
 */
export async function lossyProxy(
  target: number,
  random: Random,
  loss: number,
  breakBytes = EARLY_BYTES,
): Promise<LossyProxy> {
  const lost = { datagrams: 0, connections: 0 };
  const isLost = (): boolean => random() < loss;
  const sockets = new Set<Socket>();
  const tcp = createServer((client) => {
    const server = connect({ host: '127.0.0.1', port: target });
    let left = isLost() ? Math.floor(random() * (random() < 0.5 ? EARLY_BYTES : breakBytes)) : Infinity;
    if (left !== Infinity) lost.connections += 1;
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.once('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', (octets) => void server.write(octets));
    server.on('data', (octets: Buffer) => {
      const passed = octets.subarray(0, Math.min(left, octets.length));
      left -= passed.length;
      client.write(passed, () => left <= 0 && end());
    });
  });
  const udp = createSocket('udp4');
  udp.on('message', (query, { port, address }) => {
    if (isLost()) return void (lost.datagrams += 1);
    const to = createSocket('udp4');
    const gone = setTimeout(() => to.close(), 5000);
    to.once('message', (answer) => {
      clearTimeout(gone);
      to.close();
      if (isLost()) lost.datagrams += 1;
      else udp.send(answer, port, address);
    });
    to.on('error', () => undefined);
    to.send(query, target, '127.0.0.1');
  });
  const port = await listen(tcp);
  await new Promise<void>((resolve) => void udp.bind(port, '127.0.0.1', resolve));
  return {
    port,
    lost,
    async stop() {
      udp.close();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void tcp.close(() => resolve()));
    },
  };
}

async function listen(tcp: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => void tcp.listen(0, '127.0.0.1', resolve));
  const bound = tcp.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}
