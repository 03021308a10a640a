/**
 * What others see of a large import: one client changes another zone, another asks `/livez`, each one after the other,
 * while a new signed zone is imported, and then again while it is imported with other addresses.
 * Use: npm run bench:large-import -- [names]     default 100,000
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { othersBeside } from './beside.ts';
import { type RunningServer, startServer } from '../test/support/running-server.ts';

const NAMES = Number(process.argv[2] ?? 100_000);
const HEAD = '$TTL 3600\n@ SOA ns1 host 1 7200 900 1209600 900\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.1\n';

async function put(server: RunningServer, zone: string, text: string): Promise<void> {
  // The time of the import is what is measured: no limit of the client cuts it.
  const token = readFileSync(join(server.directory, 'admin.token'), 'utf8').trim();
  const answer = await fetch(`http://127.0.0.1:${server.adminPort}/v1/zones/${zone}/zonefile`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/dns' },
    body: text,
  });
  if (!answer.ok) throw new Error(`${zone}: ${answer.status} ${await answer.text()}`);
}

/** Imports the zone with these addresses, and prints what others waited meanwhile. */
async function importBeside(server: RunningServer, what: string, address: (at: number) => string): Promise<void> {
  const names = Array.from({ length: NAMES }, (_, at) => `h${at} A ${address(at)}\n`);
  const startedMs = performance.now();
  const others = await othersBeside(server, 'small.test', put(server, 'large.test', HEAD + names.join('')));
  console.log(`${NAMES} names, ${what}: imported in ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n${others}`);
}

const server = await startServer();
try {
  await put(server, 'small.test', HEAD);
  await importBeside(server, 'a new zone', (at) => `192.0.${at % 250}.${at % 249}`);
  await importBeside(server, 'a zone that is there', (at) => `198.18.${at % 250}.${at % 249}`);
} finally {
  await server.stop();
}
