/**
 * How much of the program a journey enters: source files, functions and calls, from the HTTP request to the committed store, by V8's precise
 * coverage of this very process. A control process's parts run here, over a store in a temporary folder, with a clock that the program moves.
 * Each journey is made once before, at another zone: what is counted is warm. Use: node bench/journeys.ts
 * Not here: what a request costs (signer-fetch.ts, changes.ts).
 */
import { Session } from 'node:inspector/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAdmin } from '#admin/app.ts';
import { assert } from '#base/assert.ts';
import { createLog } from '#base/log.ts';
import { Control } from '#control/control.ts';
import { Scheduler } from '#control/lifecycle/scheduler.ts';
import { Publisher } from '#control/publish/publisher.ts';
import { openWriter } from '#store/writer.ts';
import { TestTimers } from '../test/support/test-timers.ts';
import { markdown } from './report.ts';

const SOURCES = pathToFileURL(join(import.meta.dirname, '../src/')).href;
const HOUR_MS = 3_600_000;
const ZONE = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
mx1 3600 A 192.0.2.25
`;
const policyFor = (zone: string) => ({
  spf: { mechanisms: ['mx', 'ip4:192.0.2.0/24'] },
  dmarc: { policy: 'reject', rua: [`mailto:dmarc@${zone}`] },
  mtaSts: { mode: 'off' },
  dkim: { signers: ['mx1'] },
});
/** Waits of a rotation are shorter. */
const ROTATION_HOURS_MAX = 24 * 10;

interface CallOptions {
  readonly type?: string;
  /** The administrator's unless given. */
  readonly token?: string;
}
type Call = (method: 'GET' | 'PUT' | 'POST', url: string, body?: string | object, options?: CallOptions) => Promise<string>;

interface Surroundings {
  readonly call: Call;
  readonly live: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What a control process is made of, over a new store. */
async function surroundings(folder: string): Promise<Surroundings> {
  let nowMs = Date.UTC(2026, 0, 1);
  const startMs = nowMs;
  const log = createLog({ level: 'silent' });
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  const writer = openWriter(join(folder, 'store'), { kek: random(32), random, nowMs });
  const publisher = new Publisher(() => undefined);
  const control = new Control({
    writer,
    publisher,
    clock: { nowMs: () => nowMs },
    random,
    outside: { lookup: () => Promise.resolve({ kind: 'nxdomain' }) },
    uptime: () => ({ uptimeMs: nowMs - startMs, bootId: 'bench' }),
    countsQueries: false,
    onMailEvents: () => undefined,
    onFatal: (failure) => assert(false, failure.message),
    version: '0.0.0',
    adminListener: '',
    socketPath: '',
    counterTable: {},
  });
  publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const admin = await control.tokens.create({ name: 'bench', scopes: ['admin'] }, { kind: 'system', id: 'bench', from: '' });
  assert(admin.ok, 'the token was not created');
  const app = await buildAdmin({ control });
  const timers = new TestTimers(() => nowMs);
  // Looks at SPF go on beside all journeys and belong to none.
  const sources = control.lifecycles.sources.filter(({ name }) => name === 'mail');
  const scheduler = new Scheduler({ ...control.lifecycles, sources }, log, { timers, wakeEveryMs: 24 * HOUR_MS });
  scheduler.start();
  const waiting = () => timers.waiting(sources.length);
  return {
    async call(method, url, body, { type = 'application/json', token = admin.value.secret } = {}) {
      const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': type }) };
      const answer = await app.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) });
      assert(answer.statusCode < 300, `${method} ${url}: ${answer.statusCode} ${answer.body}`);
      return answer.body;
    },
    async live(ms) {
      const endMs = nowMs + ms;
      for (await waiting(); timers.nextMs() <= endMs; await waiting()) {
        nowMs = Math.max(nowMs, timers.nextMs());
        timers.fire();
      }
      nowMs = endMs;
    },
    async close() {
      await app.close();
      await scheduler.stop();
      await control.close();
    },
  };
}

const activeKeys = (list: string): string[] =>
  (JSON.parse(list) as { readonly keys: readonly { readonly selector: string; readonly stage: string }[] }).keys
    .filter(({ stage }) => stage === 'active')
    .map(({ selector }) => selector);

/** Hours from an order to the switch, found out at the first zone: looking for it is no part of the journey. */
let switchHours: number | undefined;

/** In their order: each begins where the one before has ended. */
const JOURNEYS: Readonly<Record<string, (zone: string, surroundings: Surroundings) => Promise<void>>> = {
  'one RRset by the API': async (zone, { call }) => {
    await call('PUT', `/v1/zones/${zone}/rrsets/www/A`, { ttl: 300, records: ['192.0.2.80'] });
  },
  'a mail policy applied': async (zone, { call }) => {
    await call('PUT', `/v1/zones/${zone}/mail`, policyFor(zone));
  },
  'a DKIM rotation, from the order to the switch': async (zone, { call, live }) => {
    const keys = async () => activeKeys(await call('GET', `/v1/zones/${zone}/dkim`));
    const before = switchHours === undefined ? await keys() : [];
    await call('POST', `/v1/zones/${zone}/dkim/rotate`, {});
    if (switchHours !== undefined) return live(switchHours * HOUR_MS);
    for (switchHours = 0; (await keys()).some((selector) => before.includes(selector)); switchHours++) {
      assert(switchHours < ROTATION_HOURS_MAX, 'the keys were not changed');
      await live(HOUR_MS);
    }
  },
  'a signer registered, which fetches two keys': async (zone, { call }) => {
    const name = zone.replace('.', '-');
    const { token } = JSON.parse(await call('POST', '/v1/signers', { name, delivery: 'fetch', domains: [zone] })) as {
      readonly token: string;
    };
    const { keys } = JSON.parse(await call('GET', `/v1/signers/${name}/keys`, undefined, { token })) as {
      readonly keys: readonly unknown[];
    };
    assert(keys.length >= 2, `the signer got ${keys.length} keys`);
  },
};

interface Count {
  readonly files: number;
  readonly functions: number;
  readonly calls: number;
}

/** What ran of src/ since this was asked for last. */
async function takeCount(session: Session): Promise<Count> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const entered = result
    .filter(({ url }) => url.startsWith(SOURCES))
    // The function at 0 is the module itself, whose load is no part of a journey.
    .map(({ functions }) => functions.filter(({ ranges }) => ranges[0]!.startOffset > 0 && ranges[0]!.count > 0))
    .filter((functions) => functions.length > 0);
  return {
    files: entered.length,
    functions: entered.flat().length,
    calls: entered.flat().reduce((sum, { ranges }) => sum + ranges[0]!.count, 0),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'waxseal-journeys-'));
const session = new Session();
session.connect();
const world = await surroundings(folder);
try {
  for (const zone of ['warm.example', 'post.example']) await world.call('PUT', `/v1/zones/${zone}/zonefile`, ZONE, { type: 'text/dns' });
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  const rows: string[][] = [];
  for (const [name, make] of Object.entries(JOURNEYS)) {
    await make('warm.example', world);
    await takeCount(session);
    await make('post.example', world);
    const { files, functions, calls } = await takeCount(session);
    rows.push([name, String(files), String(functions), String(calls)]);
    // Keys of a new policy become active.
    await world.live(3 * HOUR_MS);
  }
  process.stdout.write(markdown(['journey', 'files', 'functions', 'calls'], rows));
} finally {
  await world.close();
  session.disconnect();
  rmSync(folder, { recursive: true, force: true });
}
