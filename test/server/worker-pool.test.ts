/** Threads that block at the batched socket, in a pool of their own, with responders that echo. */
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, describe, expect, onTestFinished, test } from 'vitest';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type TcpKind, type UdpKind } from '#base/ipc/messages.ts';
import { GENERATION_LOOK_MS } from '#base/limits/server.ts';
import { chooseTcp } from '#server/tcp/choose.ts';
import { chooseUdp } from '#server/udp/choose.ts';
import { WorkerPool } from '#server/worker-pool.ts';
import { TcpClient, eventually, framed, idOf, simpleQuery, tcpQuery, udpQuery } from '../support/dns-client.ts';
import { exchangeUdp } from '../support/exchange.ts';
import { freeAddress } from './fixtures/echo.ts';
import { temporaryFolder } from '../support/temporary-store.ts';

interface PoolOptions {
  readonly workers?: number;
  readonly ip?: string;
  readonly tcp?: TcpKind;
  readonly udp?: UdpKind;
  readonly storeOpened?: (pool: WorkerPool) => void;
}

async function startPool({
  workers = 2,
  ip = '127.0.0.1',
  tcp = 'epoll',
  udp = 'mmsg',
  storeOpened = (pool) => pool.storeHeld(),
}: PoolOptions = {}) {
  const dir = temporaryFolder();
  const at = await freeAddress(ip);
  const { openMmsg } = await chooseUdp(udp);
  const { openEpoll } = await chooseTcp(tcp);
  assert((openMmsg !== undefined) === (udp === 'mmsg'), 'no batched socket on this machine');
  assert((openEpoll !== undefined) === (tcp === 'epoll'), 'no epoll on this machine');
  const log: string[] = [];
  let changed = () => {};
  const pool = new WorkerPool({
    script: new URL('./fixtures/echo-worker.ts', import.meta.url),
    workers,
    storeDir: dir,
    addresses: [at],
    openMmsg,
    openEpoll,
    responderSlots: ['echoed'],
    storeOpened: () => storeOpened(pool),
    changed: () => changed(),
    log: (_event, text) => void log.push(text),
    restartTimes: { firstMs: 10, longestMs: 10, settledMs: 30_000 },
  });
  onTestFinished(() => pool.stop(0));
  const setGeneration = (generation: number) => writeFileSync(join(dir, 'generation'), String(generation));
  setGeneration(1);
  pool.start();
  expect(await eventually(() => pool.addresses() !== undefined)).toBe(true);
  return {
    pool,
    at,
    log,
    total: (name: string) => pool.counters().reduce((sum, { values }) => sum + (values[name] ?? 0), 0),
    /** Milliseconds from telling to every thread having it. */
    publish: async (generation: number): Promise<number> => {
      setGeneration(generation);
      const fromMs = performance.now();
      const served = new Promise<void>((resolve) => {
        changed = () => {
          if (pool.states().every((each) => each.generation === generation)) resolve();
        };
      });
      pool.announce(generation);
      await served;
      return performance.now() - fromMs;
    },
  };
}

/** The threads that block, as the kernel sees them. */
function blockingThreads(duty = 'udp'): { readonly state: string; readonly switches: number }[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8');
    if (!new RegExp(`^Name:\\s+answer \\d+ ${duty}$`, 'm').test(status)) return [];
    return { state: /^State:\s+(\S)/m.exec(status)![1]!, switches: Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)![1]) };
  });
}

/** Until all of them wait in the kernel. */
const untilIdle = () => expect.poll(() => [...blockingThreads(), ...blockingThreads('tcp')].every(({ state }) => state === 'S')).toBe(true);

/** Keeps the workers busy until told to stop. */
function load(at: IpPort) {
  const until = new AbortController();
  const queries = Array.from({ length: 200 }, (_, id) => simpleQuery(id));
  const done = (async () => {
    let answered = 0;
    while (!until.signal.aborted)
      answered += (await exchangeUdp({ name: 'echo', address: at.ip, port: at.port }, queries)).filter((each) => each !== undefined).length;
    return answered;
  })();
  return () => {
    until.abort();
    return done;
  };
}

/** Sends so many queries, each from a port of its own; resolves when the kernel has them, with what becomes of them. */
async function sendAll(at: IpPort, count: number): Promise<{ readonly answered: Promise<number> }> {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'));
  onTestFinished(() => void sockets.map((socket) => socket.close()));
  let answered = 0;
  const all = Promise.withResolvers<number>();
  for (const socket of sockets)
    socket.once('message', () => {
      if (++answered === count) all.resolve(answered);
    });
  setTimeout(() => all.resolve(answered), 5000).unref();
  await Promise.all(
    sockets.map(
      (socket, id) =>
        new Promise<void>((resolve) => {
          socket.send(simpleQuery(id), at.port, at.ip, () => resolve());
        }),
    ),
  );
  return { answered: all.promise };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const openDescriptors = () => readdirSync('/proc/self/fd').length;

test('one thread opens the store, the others when it is held; a thread that is started again need not wait', async () => {
  let opened = 0;
  const counts: number[] = [];
  const { pool, at } = await startPool({
    storeOpened(own) {
      opened += 1;
      if (opened > 1) return;
      // Enough for the others, which wait for nothing else.
      setTimeout(() => {
        counts.push(opened);
        own.storeHeld();
      }, 200);
    },
  });
  counts.push(opened);
  await udpQuery(at, Buffer.from(simpleQuery(1)).fill(0x70, 2, 3), 1);
  expect(await eventually(() => opened === 4 && pool.addresses() !== undefined)).toBe(true);
  expect(counts).toEqual([1, 3]);
});

test('a new generation is served by every thread within 20 ms, idle and under load', async () => {
  const { at, publish, pool } = await startPool();
  expect(pool.states()).toHaveLength(3);
  let generation = 1;
  const publishOften = async (before?: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let n = 0; n < 15; n++) {
      await before?.();
      times.push(await publish(++generation));
    }
    return median(times);
  };
  expect(await publishOften(untilIdle)).toBeLessThan(20);
  const stop = load(at);
  expect(await publishOften()).toBeLessThan(20);
  expect(await stop()).toBeGreaterThan(0);
});

test('stops within 100 ms, and what was asked before is answered', async () => {
  const timesMs: number[] = [];
  for (let n = 0; n < 3; n++) {
    const { at, pool } = await startPool();
    const { answered } = await sendAll(at, 20);
    const fromMs = performance.now();
    await pool.stop(3000);
    timesMs.push(performance.now() - fromMs);
    expect(await answered).toBe(20);
  }
  expect(Math.min(...timesMs)).toBeLessThan(100);
});

test('idle threads do next to nothing', async () => {
  const { pool } = await startPool({ workers: 4 });
  await untilIdle();
  const threads = () => [...blockingThreads(), ...blockingThreads('tcp')];
  const before = threads();
  expect(before).toHaveLength(6);
  // That nothing happens has no event to wait for: the time in which each looks once for a generation it was not told of.
  await sleep(1.2 * GENERATION_LOOK_MS);
  const after = threads();
  for (const [at, { switches }] of after.entries()) expect(switches - before[at]!.switches).toBeLessThan(20);
  expect(pool.states().every(({ alive }) => alive)).toBe(true);
});

test('a thread dies of a query, 5 times: it comes back, no descriptor stays, the others go on', async () => {
  const { at, log, pool, total } = await startPool();
  const before = openDescriptors();
  const deadly = Buffer.from(simpleQuery(1)).fill(0x70, 2, 3);
  const ends = () => log.filter((line) => line.includes('starting it again')).length;
  for (let n = 1; n <= 5; n++) {
    await udpQuery(at, deadly, 1);
    expect(await eventually(() => ends() === n && pool.addresses() !== undefined)).toBe(true);
  }
  expect(await eventually(() => openDescriptors() <= before)).toBe(true);
  for (let id = 0; id < 20; id++) expect(idOf((await udpQuery(at, simpleQuery(id)))!)).toBe(id);
  expect(idOf((await tcpQuery(at, simpleQuery(3)))!)).toBe(3);
  expect(total('echoed')).toBe(21);
});

test('a thread that hangs in an answer is ended, and its sockets with it', async () => {
  const before = openDescriptors();
  const { at, pool } = await startPool({ workers: 1 });
  await udpQuery(at, Buffer.from(simpleQuery(1)).fill(0x68, 2, 3), 50);
  const fromMs = performance.now();
  await pool.stop(50);
  expect(performance.now() - fromMs).toBeLessThan(2000);
  expect(await eventually(() => openDescriptors() <= before)).toBe(true);
});

describe.each<[TcpKind, UdpKind]>([
  ['epoll', 'mmsg'],
  ['net', 'mmsg'],
  ['epoll', 'dgram'],
])('TCP by %s beside UDP by %s', (tcp, udp) => {
  const deadly = framed(Buffer.from(simpleQuery(1)).fill(0x70, 2, 3));

  test('both are answered, by threads of their own', async () => {
    const { at, pool } = await startPool({ tcp, udp, workers: 4 });
    expect(pool.states()).toHaveLength(6);
    for (let id = 0; id < 20; id++) {
      expect(idOf((await udpQuery(at, simpleQuery(id)))!)).toBe(id);
      expect(idOf((await tcpQuery(at, simpleQuery(id)))!)).toBe(id);
    }
  });

  test('a thread dies of a query over TCP, 5 times: it comes back, no descriptor stays, the others go on', async () => {
    const { at, log, pool, total } = await startPool({ tcp, udp });
    const before = openDescriptors();
    const ends = () => log.filter((line) => line.includes('starting it again')).length;
    for (let n = 1; n <= 5; n++) {
      const [witness, killer] = [await TcpClient.open(at), await TcpClient.open(at)];
      witness.send(framed(simpleQuery(n)));
      expect((await witness.receive(1)).map(idOf)).toEqual([n]);
      killer.send(deadly);
      expect(await eventually(() => ends() === n && pool.addresses() !== undefined)).toBe(true);
      // Its other connections end with it: no client waits at a socket that is not read.
      expect(await witness.ending(3000)).not.toBe('open');
      expect(await killer.ending(3000)).not.toBe('open');
      expect(idOf((await udpQuery(at, simpleQuery(n)))!)).toBe(n);
    }
    expect(await eventually(() => openDescriptors() <= before)).toBe(true);
    expect(idOf((await tcpQuery(at, simpleQuery(3)))!)).toBe(3);
    expect([total('tcpOpen') <= 1, total('echoed')]).toEqual([true, 11]);
  });

  test('stops at once with idle connections, after its answers with busy ones, and at the grace time at the latest', async () => {
    const { at, pool } = await startPool({ tcp, udp });
    const [idle, half] = [await TcpClient.open(at), await TcpClient.open(at)];
    idle.send(framed(simpleQuery(1)));
    await idle.receive(1);
    await half.sendNow(framed(simpleQuery(2)).subarray(0, 7));
    // Until the half has arrived: the thread has looked at what came later.
    expect(idOf((await tcpQuery(at, simpleQuery(3)))!)).toBe(3);
    const stopped = pool.stop(20_000);
    expect(await idle.ending(3000)).toBe('end');
    half.send(framed(simpleQuery(2)).subarray(7));
    expect((await half.receive(1)).map(idOf)).toEqual([2]);
    expect(await half.ending(3000)).toBe('end');
    await stopped;
    await expect(TcpClient.open(at)).rejects.toThrow(/ECONNREFUSED/);
  });
});

test('each thread has copies of the sockets of its own addresses', async () => {
  const [at, tlsAt] = [await freeAddress(), await freeAddress()];
  const inherited = { [formatIpPort(at)]: { tcp: 101, udp: 102 }, [formatIpPort(tlsAt)]: { tcp: 103 } };
  const copied: number[] = [];
  const pool = new WorkerPool({
    // A script that is not there: no thread gets as far as to use a descriptor.
    script: new URL('./fixtures/no-such-worker.ts', import.meta.url),
    workers: 2,
    storeDir: temporaryFolder(),
    addresses: [at],
    tlsAddresses: [tlsAt],
    responderSlots: [],
    storeOpened: () => undefined,
    changed: () => undefined,
    log: () => undefined,
    inherited,
    duplicate: (fd) => copied.push(fd),
  });
  onTestFinished(() => pool.stop(0));
  pool.start();
  expect(copied).toEqual([101, 102, 101, 102, 103]);
});
