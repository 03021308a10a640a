/**
 * facts X3: many updaters at once, as BIND's stress test has them. Every message that is answered with NOERROR is one
 * step of the serial, and is there at the end; none is carried out twice; one that is not carried out says why; memory
 * is bounded; a client that only asks is answered all along.
 * How many: WAXSEAL_TEST_UPDATERS and WAXSEAL_TEST_UPDATES (of each); `npm run test:updaters` has 500 and 1,000.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { ownMemoryBytes } from '../support/process-facts.ts';
import { QueryLoad } from '../support/query-load.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { type UpdaterKey, nameOfUpdater, runUpdaters } from '../support/updaters.ts';
import { exportZone, putZones } from '../support/waxseal.ts';
import { buildQuery } from '../support/wire.ts';

const CLIENTS = Number(process.env['WAXSEAL_TEST_UPDATERS'] ?? 50);
const MESSAGES = Number(process.env['WAXSEAL_TEST_UPDATES'] ?? 20);
/** So that the limit of one key, 1,000 messages a second, is not what is measured. */
const KEYS = 8;
const ZONE = 'many.example.';
const TEXT = '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.80\n';
const ASK_EVERY_MS = 100;
const LOOK_EVERY_MS = 500;
/** Of one process, beyond what it had before: its young generation, and what waits. */
const MEMORY_MORE_BYTES_MAX = 256 * 1024 * 1024;

let server: RunningServer;
const keys: readonly UpdaterKey[] = Array.from({ length: KEYS }, (_, number) => {
  return { name: `k${number}.example.`, secret: Buffer.alloc(32, number + 1).toString('base64') };
});

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
  for (const key of keys) {
    const wanted = { ...key, algorithm: 'hmac-sha256', operations: ['update'], zones: ['many.example'], update: { types: ['TXT'] } };
    const made = await server.api('POST', '/v1/tsig', JSON.stringify(wanted));
    if (!made.ok) throw new Error(await made.text());
  }
}, 120_000);
afterAll(() => server.stop());

async function serial(): Promise<number> {
  const state = (await (await server.api('GET', '/v1/zones/many.example')).json()) as { readonly serial: number };
  return state.serial;
}

/** The most that each of the two processes has, beyond what it has now. */
async function memoryUntil(over: AbortSignal): Promise<Readonly<Record<'control' | 'answer', number>>> {
  const { control, answer } = server.pids();
  const pids = { control: control!, answer: answer! };
  const before = { control: ownMemoryBytes(pids.control), answer: ownMemoryBytes(pids.answer) };
  const more = { control: 0, answer: 0 };
  while (!over.aborted) {
    for (const role of ['control', 'answer'] as const) more[role] = Math.max(more[role], ownMemoryBytes(pids[role]) - before[role]);
    await delay(LOOK_EVERY_MS);
  }
  return more;
}

const TIMES = { timeout: 120_000 + CLIENTS * MESSAGES * 20 };

test(`facts X3: ${CLIENTS} updaters with ${MESSAGES} messages each: nothing is lost, nothing is done twice`, TIMES, async () => {
  const before = await serial();
  const { control, answer } = server.pids();
  const over = new AbortController();
  const looking = memoryUntil(over.signal);
  const asking = new QueryLoad(server, buildQuery({ name: 'www.many.example.', type: 'A' }), ASK_EVERY_MS);
  const at = ipPort('127.0.0.1', server.port);
  const startedMs = performance.now();
  const done = await runUpdaters({ at, zone: ZONE, keys, clients: CLIENTS, messages: MESSAGES });
  const seconds = (performance.now() - startedMs) / 1000;
  over.abort();
  const [honest, memory] = await Promise.all([asking.stop(), looking]);
  if (process.env['WAXSEAL_TEST_UPDATERS'] !== undefined) {
    const figures = { ...done, numbers: undefined, answers: Object.fromEntries(done.answers), seconds, honest, memory };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  }
  expect(done.faults).toEqual([]);
  expect(done.carriedOut).toBe(CLIENTS * MESSAGES);
  expect(await serial()).toBe(before + done.carriedOut);
  const text = await exportZone(server, ZONE, false);
  const numbers = [...text.matchAll(/^(u\d+)[.\s].*\sTXT\s+"(\d+)"/gm)].map(([, name, number]) => [name!, Number(number)] as const);
  const wanted = done.numbers.map((number, client) => [nameOfUpdater(client), number] as const);
  expect(Object.fromEntries(numbers)).toEqual(Object.fromEntries(wanted));
  expect(text.match(/\sTXT\s/g)).toHaveLength(CLIENTS);
  expect(text).not.toContain('192.0.2.66');
  // What is not carried out says why, and nothing else is refused.
  const said = [...done.answers.keys()].filter((words) => words !== '0');
  expect(said.filter((words) => !/^(2|5|7|8) \S|^9$/.test(words))).toEqual([]);
  expect(done.answers.get('5 the key kN.example. may not change A records') ?? 0).toBeGreaterThan(0);
  expect(honest.unanswered.length).toBeLessThanOrEqual(honest.sent / 1000);
  expect(Math.max(memory.control, memory.answer)).toBeLessThan(MEMORY_MORE_BYTES_MAX);
  expect(server.pids()).toMatchObject({ control, answer });
});
