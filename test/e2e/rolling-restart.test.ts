/**
 * Restarts of one process after the other, with sockets of the service manager: a client that asks all the time has an answer to every
 * query. test/support/activate.py plays systemd.
 */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { QueryLoad } from '../support/query-load.ts';
import { startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';
import { buildQuery } from '../support/wire.ts';

const ROOT = join(import.meta.dirname, '../..');
const QUERY = buildQuery({ name: 'meridian-post.example.', type: 'SOA' });

async function start() {
  const server = await startServer({
    ...{ zones: join(ROOT, 'zones'), udp: 'mmsg', workers: 2, environment: { WAXSEAL_RRL__ENABLED: 'false' } },
    program: [toolPath('python3'), join(ROOT, 'test/support/activate.py'), 'dns=udp:@dns,dns=tcp:@dns', join(ROOT, 'waxseal')],
  });
  onTestFinished(async () => void (await server.stop()));
  return server;
}

test('control, policy host and answer process one after the other: no query is without an answer', { timeout: 120_000 }, async () => {
  const server = await start();
  expect(await server.eventually(() => server.pids().policyHost !== undefined, 30_000)).toBe(true);
  const load = new QueryLoad(server, QUERY, 100);
  for (const role of ['control', 'policyHost', 'answer'] as const) {
    const before = server.pids()[role];
    process.kill(before!, 'SIGTERM');
    expect(await server.eventually(() => ![undefined, before].includes(server.pids()[role]), 30_000)).toBe(true);
    await server.ready();
  }
  const { sent, unanswered } = await load.stop(20_000);
  expect(sent).toBeGreaterThan(20);
  expect(unanswered).toEqual([]);
});
