/**
 * The answer process under a real supervisor, with workers that echo and a control process that writes down what it hears: once with UDP and
 * TCP in the same threads (node:dgram), once with UDP in threads that block (recvmmsg).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatIpPort } from '#base/address.ts';
import { eventually, framed, idOf, simpleQuery, TcpClient, tcpQuery, udpQuery } from '../support/dns-client.ts';
import { freeAddress } from './fixtures/echo.ts';
import { supervise } from '../process/fixtures/supervise.ts';
import { temporaryFolder } from '../support/temporary-store.ts';

describe.each([
  ['dgram', 2],
  // Two that serve UDP, one that serves TCP.
  ['mmsg', 3],
] as const)('%s', (udp, threads) => {
  async function superviseEcho(withStore = true) {
    const dir = temporaryFolder();
    const store = join(dir, 'generation');
    if (withStore) writeFileSync(store, '7');
    const at = await freeAddress();
    const supervised = supervise({
      dir,
      answer: { script: new URL('./fixtures/echo-answer.ts', import.meta.url).pathname, args: [] },
      settings: { storeDir: dir, listen: [formatIpPort(at)], workers: 2, udp },
    });
    const served = (generation: number) => {
      const worker = (id: number) => `{"id":${id},"alive":true,"generation":${generation}}`;
      return `{"kind":"served","workers":[${Array.from({ length: threads }, (_, id) => worker(id)).join(',')}]}`;
    };
    return {
      ...supervised,
      at,
      store,
      /** One query over UDP is answered. */
      answers: async (timeoutMs = 1000) => {
        const reply = await udpQuery(at, simpleQuery(1), timeoutMs);
        return reply !== undefined && idOf(reply) === 1;
      },
      serves: (generation: number) => eventually(() => supervised.has('control', served(generation)), 20_000),
    };
  }

  test('listening, generation and counters reach control; TERM drains and exits 0', async () => {
    const { answers, at, child, ended, has, lines, serves } = await superviseEcho();
    expect(await serves(7)).toBe(true);
    expect(has('control', `{"kind":"listening","addresses":["${formatIpPort(at)}"]}`)).toBe(true);
    expect(has('control', '{"kind":"ready","role":"answer"}')).toBe(true);
    expect(await answers()).toBe(true);
    expect(idOf((await tcpQuery(at, simpleQuery(2)))!)).toBe(2);
    const total = (name: string) => {
      const newest = lines('control').findLast((line) => line.includes('"counters"')) ?? '';
      return [...newest.matchAll(new RegExp(`"${name}":(\\d+)`, 'g'))].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    expect(await eventually(() => total('echoed') === 2 && total('udpQueries') === 1 && total('tcpQueries') === 1)).toBe(true);
    const idle = await TcpClient.open(at);
    idle.send(framed(simpleQuery(3)));
    await idle.receive(1);
    child.kill('SIGTERM');
    expect(await idle.ending()).toBe('end');
    expect(await ended()).toBe(0);
    expect(await answers(100)).toBe(false);
  });

  test('a newer generation is served even if nobody tells of it', async () => {
    const { serves, store } = await superviseEcho();
    expect(await serves(7)).toBe(true);
    writeFileSync(store, '8');
    expect(await serves(8)).toBe(true);
  });

  test('without a store it waits, and serves when there is one', async () => {
    const { answers, serves, store } = await superviseEcho(false);
    expect(await answers(300)).toBe(false);
    writeFileSync(store, '1');
    expect(await serves(1)).toBe(true);
    expect(await answers()).toBe(true);
  });

  test('kill -9 of control again and again: not one query is lost', async () => {
    const { answers, lastPid, serves, starts } = await superviseEcho();
    expect(await serves(7)).toBe(true);
    for (let round = 1; round <= 3; round++) {
      process.kill(lastPid('control'), 'SIGKILL');
      while (starts('control').length === round) expect(await answers()).toBe(true);
    }
  });

  test('kill -9 of the answer process: it answers again on the same address', async () => {
    const { answers, lines, serves } = await superviseEcho();
    expect(await serves(7)).toBe(true);
    const hello = lines('control').findLast((line) => line.includes('"hello"')) ?? '';
    process.kill(Number(/"pid":(\d+)/.exec(hello)?.[1]), 'SIGKILL');
    // How soon is a figure of `npm run bench` (--figures=recovery): here it depends on what else the machine does.
    expect(await eventually(() => answers(50), 30_000)).toBe(true);
  });

  test('a worker that dies is started again; control sees it go and come', async () => {
    const { answers, at, has, lines, serves } = await superviseEcho();
    expect(await serves(7)).toBe(true);
    await udpQuery(at, Buffer.from(simpleQuery(1)).fill(0x70, 2, 3), 50);
    expect(await eventually(() => has('control', '"alive":false,"generation":7'))).toBe(true);
    const newest = () => lines('control').findLast((line) => line.includes('"served"'));
    expect(await eventually(() => newest()?.includes('false') === false)).toBe(true);
    for (let n = 0; n < 20; n++) expect(await answers()).toBe(true);
  });
});
