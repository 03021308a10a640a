/**
 * waxseal as parent and waxseal as child, as users run them: a first DS by RFC 9615, then a CSK rollover that runs through by itself after
 * NOTIFY(CDS). An unbound and delv judge all through: no answer is bogus.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unboundHead } from '../support/peer-configs.ts';
import { delv, dig } from '../support/dig.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type RunningServer, quietPort, startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';
import { putZones } from '../support/waxseal.ts';

const TIMES = '$TTL 2\n@ SOA a.op.test. host 1 3600 600 86400 2\n';
const CHILD = 'kid.example.';
const SIGNAL = '_dsboot.kid.example._signal.a.op.test.';

let parent: RunningServer;
let child: RunningServer;
let resolver: Endpoint;
let unbound: ChildProcess | undefined;

beforeAll(async () => {
  resolver = { name: 'unbound', address: '127.0.0.1', port: await quietPort() };
  const config = `[mail]\nresolvers = ["127.0.0.1:${resolver.port}"]\nprobe_networks = ["127.0.0.0/8"]\nsecondaries = "listed"\n`;
  [parent, child] = await Promise.all([startServer({ config }), startServer({ config })]);
  const policy = { keyTtlSeconds: 2, propagationSeconds: 1, parentPropagationSeconds: 1 };
  const parentServers = [`127.0.0.1:${parent.port}`];
  await send(child, 'PATCH', '/v1/dnssec/policies/default', { ...policy, parentServers });
  const above = `${TIMES}@ NS ns\nns A 127.0.0.1\nkid NS a.op.test.\n`;
  await putZones(parent, [{ name: 'example.', text: above }], 'on');
  await putZones(child, [{ name: 'op.test.', text: `${TIMES}@ NS a\na A 127.0.0.1\n` }], 'on');
  unbound = await startUnbound();
  await putZones(child, [{ name: CHILD, text: `${TIMES}@ NS a.op.test.\nwww A 192.0.2.7\n` }], 'on');
}, 120_000);

afterAll(async () => {
  const ended = unbound && new Promise((resolve) => void unbound!.once('exit', resolve));
  unbound?.kill('SIGTERM');
  await ended;
  await Promise.all([parent?.stop(), child?.stop()]);
}, 60_000);

async function send(server: RunningServer, method: 'PATCH' | 'POST', path: string, json: object): Promise<void> {
  const answer = await server.api(method, path, JSON.stringify(json));
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
}

/** RDATA of the answer, blanks in digests left out. */
async function rdata(at: Endpoint, name: string, type: string): Promise<readonly string[]> {
  const { answer } = await dig(at, [name, type]);
  const words = answer.map((line) => line.split(/\s+/)).filter((each) => each[3] === type);
  return words.map((each) => [...each.slice(4, 7), each.slice(7).join('')].join(' '));
}

/** Validates from the keys of `example.` and `op.test.`, and asks each server for its zones. */
async function startUnbound(): Promise<ChildProcess> {
  const anchors = await Promise.all(
    (
      [
        [parent, 'example.'],
        [child, 'op.test.'],
      ] as const
    ).map(async ([at, zone]) => {
      const [key] = await rdata(at, zone, 'DNSKEY');
      return `  trust-anchor: "${zone} DNSKEY ${key}"\n`;
    }),
  );
  const stubs = (
    [
      ['example.', parent],
      ['op.test.', child],
      [CHILD, child],
    ] as const
  ).map(([zone, { address, port }]) => `stub-zone:\n  name: "${zone}"\n  stub-addr: ${address}@${port}\n`);
  const text = `${unboundHead(child.folder, `127.0.0.1@${resolver.port}`)}  prefetch: no
  cache-max-negative-ttl: 1
  val-bogus-ttl: 1
  local-zone: "test." nodefault
${anchors.join('')}remote-control:
  control-enable: no
${stubs.join('')}`;
  writeFileSync(join(child.folder, 'unbound.conf'), text);
  const started = spawn(toolPath('unbound'), ['-d', '-c', join(child.folder, 'unbound.conf')], { stdio: 'ignore' });
  for (let attempt = 0; attempt < 200; attempt++) {
    const { status } = await dig(resolver, ['op.test.', 'SOA', '+tries=1', '+time=1', '+recurse']);
    if (status === 'NOERROR') return started;
    await delay(50);
  }
  throw new Error('unbound does not answer');
}

interface Children {
  readonly delegations: readonly { readonly name: string; readonly outcome?: string; readonly text?: string }[];
}

async function childrenOf(): Promise<Children['delegations']> {
  const answer = await parent.api('GET', '/v1/zones/example./dnssec/children');
  return ((await answer.json()) as Children).delegations;
}

async function keys(): Promise<readonly { readonly keyTag: number; readonly state: string }[]> {
  const answer = await child.api('GET', `/v1/zones/${CHILD}/dnssec`);
  return ((await answer.json()) as { keys: { keyTag: number; state: string }[] }).keys;
}

/** What is wrong with the child's answers now, by the resolver and by delv with the DS that the parent has. */
async function faults(): Promise<string[]> {
  const found: string[] = [];
  for (const [label, type] of [
    ['www.', 'A'],
    ['nothing.', 'A'],
    ['', 'DNSKEY'],
  ] as const) {
    const { status, flags } = await dig(resolver, [`${label}${CHILD}`, type, '+recurse', '+dnssec', '+time=4']);
    const isRight = (status === 'NOERROR' || status === 'NXDOMAIN') && flags.includes('ad');
    if (!isRight) found.push(`unbound ${label}${CHILD} ${type}: ${status} ${flags.join(' ')}`);
  }
  const ds = (await rdata(parent, CHILD, 'DS')).map((each) => `${CHILD} 2 IN DS ${each}`);
  const { isValid, text } = await delv(child, CHILD, ds, `www.${CHILD}`, 'A');
  return isValid ? found : [...found, `delv: ${text}`];
}

test('a first DS by signals (RFC 9615), then a CSK rollover by NOTIFY(CDS) (RFC 9859): nothing is bogus at any moment', async () => {
  // Signals are a change of their own, right after that of the child.
  await expect.poll(() => rdata(child, SIGNAL, 'CDS'), { timeout: 10_000 }).toEqual(await rdata(child, CHILD, 'CDS'));
  const servers = [`127.0.0.1:${child.port}`];
  const words = ['--on', '--port', String(parent.port), '--ds-ttl', '2', '--child-server', servers[0]!];
  const turnedOn = await parent.cli('dnssec', 'children', 'set', 'example.', ...words);
  expect([turnedOn.exit, turnedOn.err]).toEqual([0, '']);
  expect((await dig(parent, ['anything._dsync.example.', 'DSYNC'])).answer).toHaveLength(1);
  await expect.poll(() => rdata(parent, CHILD, 'DS'), { timeout: 10_000 }).toHaveLength(1);
  expect(await rdata(parent, CHILD, 'DS')).toEqual(await rdata(child, CHILD, 'CDS'));
  expect(await childrenOf()).toMatchObject([{ name: CHILD, outcome: 'taken' }]);
  // The resolver may still know that there was no DS.
  await expect
    .poll(async () => (await dig(resolver, [`www.${CHILD}`, 'A', '+recurse', '+dnssec'])).flags, { timeout: 8000 })
    .toContain('ad');

  const [before] = await keys();
  await send(child, 'POST', `/v1/zones/${CHILD}/dnssec/roll`, { role: 'csk' });
  const bogus: string[] = [];
  const seen = new Set<string>();
  const ended = new AbortController();
  // By itself: on a busy machine a round of the resolver's questions takes longer than a stage.
  const watch = async (): Promise<void> => {
    for (let turn = 0; turn < 600; turn++) {
      const now = await keys();
      seen.add(now.map(({ state }) => state).join());
      if (now.length === 1 && now[0]!.keyTag !== before!.keyTag) break;
      await delay(50);
    }
    ended.abort();
  };
  const watching = watch();
  for (; !ended.signal.aborted; await delay(100)) bogus.push(...(await faults()));
  await watching;
  expect([...new Set(bogus)]).toEqual([]);
  const [last, ...others] = await keys();
  expect([last!.state, others, [...seen].includes('signing,submitted')]).toEqual(['active', [], true]);
  expect(await rdata(parent, CHILD, 'DS')).toEqual(await rdata(child, CHILD, 'CDS'));
  const status = await child.cli('dnssec', 'status', CHILD);
  expect(status.out).toMatch(/NOTIFY\(CDS\) to the parent, .*: ns\.example:\d+ took NOTIFY\(CDS\)/);
  await expect.poll(() => rdata(child, SIGNAL, 'CDS'), { timeout: 10_000 }).toEqual([]);
}, 90_000);
