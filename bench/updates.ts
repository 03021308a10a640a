/**
 * Durable updates a second by UPDATE: waxseal beside Knot and BIND with the same zone, key and clients. Each client has a TCP
 * connection of its own and sends the next message when the last one is answered; each message adds one A record.
 * All three answer when the change is on disk: LMDB's flush, Knot's journal in mode `robust`, BIND's journal with fsync.
 * Use: node bench/updates.ts [seconds] [rounds]      the peers need root or Debian's packages (npm run bench installs them)
 */
import { connect } from 'node:net';
import { spreadOf } from './statistics.ts';
import { startServer } from '../test/support/running-server.ts';
import { signMessage, updateMessage } from '../test/support/update-client.ts';
import { startUpdatePeer } from '../test/support/update-peers.ts';
import { putZones } from '../test/support/waxseal.ts';

const [seconds = 3, rounds = 3] = process.argv.slice(2).map(Number);
const CLIENTS = [1, 16];
const TEXT = '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n';

interface Server {
  readonly name: string;
  readonly port: number;
  readonly zone: string;
  readonly key: { readonly name: string; readonly secret: string };
}

let names = 0;

/** Updates that one client got acknowledged until `untilMs`. */
function runClient({ port, zone, key }: Server, untilMs: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let count = 0;
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const send = (): void => {
    const bare = updateMessage(zone, `add u${names++} 60 A 192.0.2.1`, { edns: false });
    const message = signMessage(bare, key, Math.floor(Date.now() / 1000));
    const framed = Buffer.alloc(2 + message.length);
    framed.writeUInt16BE(message.length, 0);
    framed.set(message, 2);
    socket.write(framed);
  };
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
    const rcode = received[5]! & 0x0f;
    received = Buffer.alloc(0);
    if (rcode === 0) count += 1;
    if (rcode !== 0 && rcode !== 2) reject(new Error(`rcode ${rcode}`));
    if (performance.now() < untilMs) return send();
    socket.destroy();
    resolve(count);
  });
  socket.once('error', reject);
  socket.once('connect', send);
  return promise;
}

async function measure(server: Server, clients: number): Promise<number> {
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1000;
  const counts = await Promise.all(Array.from({ length: clients }, () => runClient(server, untilMs)));
  return counts.reduce((sum, each) => sum + each, 0) / ((performance.now() - startedMs) / 1000);
}

const own = await startServer({ workers: 1 });
const zones = { plain: 'plain.bench.', signed: 'signed.bench.' };
await putZones(own, [{ name: zones.plain, text: TEXT }], 'off');
await putZones(own, [{ name: zones.signed, text: TEXT }], 'on');
const made = await own.cli('tsig', 'generate', 'k.bench', '--all-zones', '--for', 'update');
const [, name = '', secret = ''] = made.out.trim().split(':');
const key = { name, secret };
const zone = { name: zones.plain, text: `$ORIGIN ${zones.plain}\n${TEXT}` };
const peers = await Promise.all([startUpdatePeer('knot', zone, key), startUpdatePeer('bind', zone, key)]);
const servers: readonly Server[] = [
  { name: 'waxseal', port: own.port, zone: zones.plain, key },
  { name: 'waxseal, signed', port: own.port, zone: zones.signed, key },
  ...peers.map((peer) => ({ name: peer.name, port: peer.port, zone: zones.plain, key })),
];
try {
  const figures = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++)
    for (const clients of CLIENTS)
      for (const server of servers) {
        const row = `${server.name}, ${clients} ${clients === 1 ? 'client' : 'clients'}`;
        const figure = await measure(server, clients);
        figures.set(row, [...(figures.get(row) ?? []), figure]);
        process.stderr.write(`${row}: ${Math.round(figure)}\n`);
      }
  process.stdout.write('updates a second, median (quartiles) of the rounds\n');
  for (const [row, all] of figures) {
    const { median, low, high } = spreadOf(all);
    process.stdout.write(`${row.padEnd(30)} ${Math.round(median)} (${Math.round(low)} – ${Math.round(high)})\n`);
  }
} finally {
  await Promise.all([own.stop(), ...peers.map((peer) => peer.stop())]);
}
