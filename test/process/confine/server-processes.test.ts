/**
 * The real server, confined: all that it does still works, after a restart too, and its compiled code is filled by
 * another process. What it cannot do is in hostile.test.ts.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { TYPE } from '#dns/types.ts';
import { TcpClient, framed, simpleQuery } from '../../support/dns-client.ts';
import { exchangeUdp } from '../../support/exchange.ts';
import { type RunningServer, startServer } from '../../support/running-server.ts';
import { putZones } from '../../support/waxseal.ts';
import { buildQuery, parseMessage } from '../../support/wire.ts';

const TEXT = '$ORIGIN confined.test.\n@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n';

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'latin1');
}

async function expectAnswers(server: RunningServer): Promise<void> {
  const isServed = await server.eventually(async () => {
    const [reply] = await exchangeUdp(server, [buildQuery({ name: 'confined.test.', type: 'SOA' })]);
    return reply !== undefined && parseMessage(reply).answer.length === 1;
  }, 30_000);
  expect(isServed).toBe(true);
  const client = await TcpClient.open(ipPort(server.address, server.port));
  client.send(framed(simpleQuery(7, 'confined.test', TYPE.SOA)));
  const [reply] = await client.receive(1);
  expect(reply!.readUInt16BE(6)).toBe(1);
  client.destroy();
}

test.each(['mmsg', 'dgram'] as const)('%s: UDP and TCP, a killed answer process, HUP, a drain', async (udp) => {
  const server = await startServer({ udp, workers: 2, hasOwnCompileCache: true });
  onTestFinished(async () => void (await server.stop()));
  await putZones(server, [{ name: 'confined.test.', text: TEXT }], 'on');
  await expectAnswers(server);
  const first = server.pids().answer!;
  expect(statusOf(first)).toMatch(/^NoNewPrivs:\t1$/m);
  expect(statusOf(first)).toMatch(/^Seccomp:\t2$/m);
  expect(statusOf(first)).toMatch(/^Seccomp_filters:\t2$/m);
  // All threads, not only the first.
  for (const thread of readdirSync(`/proc/${first}/task`))
    expect(readFileSync(`/proc/${first}/task/${thread}/status`, 'latin1')).toMatch(/^Seccomp_filters:\t2$/m);
  // Filled by another process, while this one answers.
  const cache = join(server.directory, 'compile-cache', 'answer');
  const cached = () => readdirSync(cache).flatMap((version) => readdirSync(join(cache, version)));
  expect(await server.eventually(() => cached().length > 100, 60_000)).toBe(true);
  await server.killChild('answer');
  await expectAnswers(server);
  expect(server.pids().answer).not.toBe(first);
  expect(statusOf(server.pids().answer!)).toMatch(/^Seccomp:\t2$/m);
  server.child.kill('SIGHUP');
  expect(await server.eventually(() => server.log().includes('config.reloaded'))).toBe(true);
  await expectAnswers(server);
  expect(server.log()).toContain('"event":"process.confined"');
  expect(server.log()).not.toContain('worker.failed');
  expect(await server.terminate()).toBe(0);
});
