/**
 * How long servers that follow a catalog of waxseal take until they serve what it says: many zones are added, changed
 * and removed; waxseal beside Knot and BIND as consumers, one after the other, of the same producer. CPU time is of the
 * consumer with its children.
 * Use: node bench/catalog.ts [zones] [consumer…]      the peers need Debian's packages (npm run bench installs them)
 */
import { createSocket } from 'node:dgram';
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningServer, startServer } from '../test/support/running-server.ts';
import { startSecondary } from '../test/support/secondary-peers.ts';
import { buildQuery } from '../test/support/wire.ts';

const [countText = '1000', ...wanted] = process.argv.slice(2);
const COUNT = Number(countText);
const CONSUMERS = ['waxseal', 'knot', 'bind'].filter((each) => wanted.length === 0 || wanted.includes(each));
const LIMIT_MS = 600_000;
const AT_ONCE = 8;
const KEY = { name: 'bench.key.', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 5).toString('base64') };
const CATALOG = 'catalog.bench.';
const zones = Array.from({ length: COUNT }, (_, at) => `z${at}.bench.`);
const textOf = (zone: string): string => `$ORIGIN ${zone}\n$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n`;

interface Consumer {
  readonly port: number;
  readonly pid: number;
  /** Once for each look: what an operator would have to do. */
  readonly tend: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Each of them, AT_ONCE at a time. */
async function forAll(list: readonly string[], work: (zone: string) => Promise<void>): Promise<void> {
  const left = [...list];
  const one = async (): Promise<void> => {
    for (let zone = left.pop(); zone !== undefined; zone = left.pop()) await work(zone);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function order(server: RunningServer, method: string, path: string, body?: object | string): Promise<void> {
  const [text, type] = typeof body === 'string' ? [body, 'text/dns'] : [JSON.stringify(body), 'application/json'];
  const send = () => server.api(method, path, body === undefined ? undefined : text, type);
  // A connection that was idle may be closed just then; all these orders have no effect when repeated.
  const answer = await send().catch(send);
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

const socket = createSocket('udp4');
const waiting = new Map<number, (answer: Buffer) => void>();
socket.on('message', (answer: Buffer) => waiting.get(answer.readUInt16BE(0))?.(answer));
let lastId = 0;

/** The serial that it answers with; -1: it does not serve the zone. */
async function serialAt(port: number, zone: string): Promise<number> {
  lastId = (lastId + 1) & 0xffff;
  const query = Buffer.from(buildQuery({ name: zone, type: 'SOA' }));
  query.writeUInt16BE(lastId, 0);
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  waiting.set(lastId, resolve);
  socket.send(query, port, '127.0.0.1');
  const answer = await Promise.race([promise, delay(1000, undefined)]);
  waiting.delete(query.readUInt16BE(0));
  if (answer === undefined || answer.readUInt16BE(6) === 0) return -1;
  return answer.readUInt32BE(answer.indexOf(Buffer.from([0, 0, 0x0e, 0x10])) - 4);
}

/** Seconds until the consumer answers so for every zone, since `startedMs`. */
async function until({ port, tend }: Consumer, startedMs: number, holds: (serial: number) => boolean): Promise<number> {
  let left = [...zones];
  while (left.length > 0) {
    if (performance.now() - startedMs > LIMIT_MS) throw new Error(`${left.length} zones are not so after ${LIMIT_MS} ms`);
    const next: string[] = [];
    await forAll(left, async (zone) => {
      if (!holds(await serialAt(port, zone))) next.push(zone);
    });
    left = next;
    if (left.length > 0) await tend();
    if (left.length > 0) await delay(100);
  }
  return (performance.now() - startedMs) / 1000;
}

/** Seconds of a process and its children. */
function cpuSeconds(pid: number): number {
  const lines = execFileSync('ps', ['-e', '-o', 'pid=,ppid=,cputimes='], { encoding: 'utf8' }).trim().split('\n');
  const rows = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const family = new Set([pid]);
  for (const [id = 0, parent = 0] of rows) if (family.has(parent)) family.add(id);
  return rows.reduce((sum, [id = 0, , seconds = 0]) => (family.has(id) ? sum + seconds : sum), 0);
}

async function startConsumer(kind: string, producer: RunningServer): Promise<Consumer> {
  if (kind !== 'waxseal') {
    const of = { port: producer.port, zones: [CATALOG], key: KEY, members: [] };
    const peer = await startSecondary(kind === 'knot' ? 'knot' : 'bind', of);
    const pid = Number(execFileSync('pgrep', ['-f', peer.directory], { encoding: 'utf8' }).split('\n')[0]);
    return { port: peer.port, pid, tend: () => Promise.resolve(), stop: () => peer.stop() };
  }
  const server = await startServer({ workers: 1 });
  await order(server, 'POST', '/v1/tsig', { ...KEY, zones: [CATALOG] });
  const primaries = [{ address: '127.0.0.1', port: producer.port, key: KEY.name }];
  await order(server, 'POST', '/v1/catalogs', { name: CATALOG, primaries });
  const tend = async (): Promise<void> => {
    // A connection that was idle may be closed just then.
    const answer = await server.api('GET', `/v1/catalogs/${CATALOG}`).catch(() => undefined);
    const view = (await answer?.json()) as { heldCount: number } | undefined;
    if (view === undefined || view.heldCount === 0) return;
    // Between two looks more may have gone: then the next look says so.
    await server.api('POST', `/v1/catalogs/${CATALOG}/confirm`, JSON.stringify({ removals: view.heldCount }));
  };
  return { port: server.port, pid: server.child.pid!, tend, stop: async () => void (await server.stop()) };
}

const producer = await startServer({ workers: 1 });
try {
  await order(producer, 'POST', '/v1/tsig', { ...KEY, zones: 'all' });
  await order(producer, 'POST', '/v1/catalogs', { name: CATALOG });
  await forAll(zones, (zone) => order(producer, 'PUT', `/v1/zones/${zone}/zonefile?dnssec=off`, textOf(zone)));
  process.stdout.write(`${COUNT} zones; seconds until all are so (CPU seconds of the consumer)\n`);
  for (const kind of CONSUMERS) {
    const consumer = await startConsumer(kind, producer);
    try {
      await order(producer, 'PUT', `/v1/zones/${CATALOG}/secondaries/127.0.0.1`, { port: consumer.port, key: KEY.name });
      const figures: string[] = [];
      const phase = async (name: string, work: (zone: string) => Promise<void>, holds: (serial: number) => boolean) => {
        const [startedMs, cpu] = [performance.now(), cpuSeconds(consumer.pid)];
        await forAll(zones, work);
        const orderedS = (performance.now() - startedMs) / 1000;
        const seconds = await until(consumer, startedMs, holds);
        figures.push(`${name} ${seconds.toFixed(1)}, ordered in ${orderedS.toFixed(1)} (${cpuSeconds(consumer.pid) - cpu})`);
      };
      const member = (zone: string): string => `/v1/catalogs/${CATALOG}/members/${zone}`;
      await phase(
        'added',
        (zone) => order(producer, 'PUT', member(zone), {}),
        (serial) => serial > 0,
      );
      let before = 0;
      const address = `192.0.2.${CONSUMERS.indexOf(kind) + 10}`;
      before = await serialAt(producer.port, zones[0]!);
      const change = (zone: string) => order(producer, 'PUT', `/v1/zones/${zone}/rrsets/www.${zone}/A`, { ttl: 60, records: [address] });
      await phase('changed', change, (serial) => serial > before);
      await phase(
        'removed',
        (zone) => order(producer, 'DELETE', member(zone)),
        (serial) => serial < 0,
      );
      process.stdout.write(`${kind.padEnd(8)} ${figures.join('; ')}\n`);
    } finally {
      await consumer.stop();
    }
  }
} finally {
  socket.close();
  await producer.stop();
}
