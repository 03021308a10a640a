/**
 * Clients over TCP that ask and never read: `never-readers.ts ADDRESS PORT CONNECTIONS QUERY`, QUERY in hexadecimal. Each is another client, asks
 * without end until its own buffers are full, and connects again when the server has closed it. Says `ready` when all have connected once. Ends
 * with its channel.
 */
import { connect } from 'node:net';

/** Asked by each in one write: more than the kernel of either side takes. */
const QUERIES = 20_000;
const AGAIN_MS = 100;

const [address = '', port = '', connections = '0', query = ''] = process.argv.slice(2);
const message = Buffer.from(query, 'hex');
const framed = Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
const burst = Buffer.concat(Array.from({ length: QUERIES }, () => framed));
const connected = new Set<number>();

for (let n = 0; n < Number(connections); n++) open(n);
process.on('disconnect', () => process.exit(0));

function open(n: number): void {
  const localAddress = `127.0.${1 + (n >> 7)}.${1 + (n & 127)}`;
  const socket = connect({ host: address, port: Number(port), localAddress });
  socket.pause();
  socket.on('error', () => undefined);
  socket.once('connect', () => {
    connected.add(n);
    if (connected.size === Number(connections)) process.send?.('ready');
    socket.write(burst);
  });
  socket.once('close', () => setTimeout(() => open(n), AGAIN_MS));
}
