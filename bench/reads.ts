/**
 * How long each read of one large zone holds the control process: the longest answer of `/livez` while it is made, which
 * is what all other tenants wait. All GET routes of the API's own description that name a zone, one after the other.
 * Use: npm run bench:reads -- [names]     default 100,000
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningServer, startServer } from '../test/support/running-server.ts';

const NAMES = Number(process.argv[2] ?? 100_000);
const ZONE = 'large.test';
const HEAD = '$TTL 3600\n@ SOA ns1 host 1 7200 900 1209600 900\n@ NS ns1\nns1 A 192.0.2.1\n@ MX 10 ns1\n';
/** What stands for the parts of a URL. */
const PARTS: ReadonlyMap<string, string> = new Map([
  ['{zone}', ZONE],
  ['{zone_id}', `${ZONE}.`],
  ['{server_id}', 'localhost'],
  ['{name}', '@'],
  ['{type}', 'MX'],
]);

interface Description {
  readonly paths: Readonly<Record<string, { readonly get?: unknown }>>;
}

async function ask(server: RunningServer, path: string, put?: string): Promise<Response> {
  const token = readFileSync(join(server.directory, 'admin.token'), 'utf8').trim();
  const headers = { authorization: `Bearer ${token}`, ...(put !== undefined && { 'content-type': 'text/dns' }) };
  const method = put === undefined ? 'GET' : 'PUT';
  return fetch(`http://127.0.0.1:${server.adminPort}${path}`, { method, headers, ...(put !== undefined && { body: put }) });
}

/** Milliseconds of the longest answer of /livez until `work` is done. */
async function longestBeside(server: RunningServer, work: () => Promise<void>): Promise<number> {
  const state = { isDone: false };
  let longest = 0;
  const looking = (async () => {
    while (!state.isDone) {
      const startedMs = performance.now();
      await (await fetch(`http://127.0.0.1:${server.adminPort}/livez`)).text();
      longest = Math.max(longest, performance.now() - startedMs);
      await delay(2);
    }
  })();
  await delay(30);
  await work();
  state.isDone = true;
  await looking;
  return longest;
}

function pathOf(template: string): string | undefined {
  const path = template.replaceAll(/\{[^}]+\}/g, (part) => PARTS.get(part) ?? part);
  return path.includes('{') || !path.includes(ZONE) ? undefined : path;
}

const server = await startServer({ config: '[admin]\nrequest_timeout = "30m"\n' });
try {
  const names = Array.from({ length: NAMES }, (_, at) => `h${at} A 192.0.${at % 250}.${at % 249}\n`);
  const made = await ask(server, `/v1/zones/${ZONE}/zonefile?wait=served`, HEAD + names.join(''));
  if (!made.ok) throw new Error(await made.text());
  await made.text();
  const { paths } = (await (await ask(server, '/v1/openapi.json')).json()) as Description;
  const rows: { readonly path: string; readonly status: number; readonly ms: number }[] = [];
  for (const [template, { get }] of Object.entries(paths)) {
    const path = get === undefined ? undefined : pathOf(template);
    if (path === undefined) continue;
    let status = 0;
    const ms = await longestBeside(server, async () => {
      const answer = await ask(server, path);
      await answer.arrayBuffer();
      ({ status } = answer);
    });
    rows.push({ path, status, ms });
  }
  console.log(`${NAMES} names, signed; the longest answer of /livez beside each read, longest first`);
  for (const { path, status, ms } of rows.toSorted((a, b) => b.ms - a.ms))
    console.log(`${ms.toFixed(0).padStart(6)} ms  ${status}  ${path}`);
} finally {
  await server.stop();
}
