/** Two workers on two queues: each has its own socket, and a worker that is away leaves its queue to the kernel's sockets. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { XdpBatch } from '#server/udp/xdp-batch.ts';
import { handOver } from '#server/udp/xdp-hand-over.ts';
import { descriptorsOfXdp, openXdp } from '#server/udp/xdp-open.ts';
import { XdpService } from '#server/udp/xdp-service.ts';
import { loadXdpSyscalls } from '#server/udp/xdp-syscalls.ts';
import { eventually, simpleQuery } from '../../support/dns-client.ts';
import { NetworkLab } from '../../support/network-lab.ts';
import { unixPair } from '../../support/unix-pair.ts';
import { echoResponder, testCounters } from '../fixtures/echo.ts';

let lab: NetworkLab;
beforeAll(async () => {
  lab = await NetworkLab.open({ queues: 2 });
});
afterAll(() => lab.close());

test('both take part; without one of them its queue is the kernel’s, and comes back', async () => {
  const calls = loadXdpSyscalls();
  const listen = [lab.at(4, 53)];
  const opened = await openXdp(calls, { interfaces: [lab.name], ports: [53] });
  const lines: string[] = [];
  const service = new XdpService(calls, { opened, listen, workers: 2, log: (_, text) => void lines.push(text) });
  const rows = [testCounters(), testCounters()];
  const handles = rows.map((_, worker) => service.handlesOf(worker));
  expect(handles.map(({ length }) => length)).toEqual([1, 1]);
  const batches = rows.map(({ row }, worker) => new XdpBatch(calls, handles[worker]![0]!, echoResponder(), row));
  const timer = setInterval(() => {
    for (const batch of batches) for (let turn = 0; turn < 64 && batch.turn() > 0; turn++);
  }, 1);
  onTestFinished(() => {
    clearInterval(timer);
    service.close();
  });
  const sent = () => rows.map(({ count }) => count('xdpQueries'));
  /** From a socket each: a flow stays on a queue. */
  const ask = async (count: number) => {
    const replies: (Buffer | undefined)[] = [];
    for (let id = 0; id < count; id++) replies.push(await lab.one(lab.at(4, 53), simpleQuery(id), { timeoutMs: 60 }));
    return replies.filter((each) => each !== undefined).length;
  };
  service.setReady(0, true);
  expect(lines).toEqual([]);
  service.setReady(1, true);
  expect(await eventually(() => lines.length === 1)).toBe(true);
  expect(lines[0]).toContain('2 queues, 2 of 2 workers');
  expect(await ask(40)).toBe(40);
  expect(Math.min(...sent())).toBeGreaterThan(0);
  for (const [worker, { row, count }] of rows.entries()) {
    service.count(worker, row);
    expect(count('xdpNative')).toBe(1);
  }
  service.setReady(1, false);
  const [, before] = sent();
  // Nobody else listens: what comes to the other queue has no answer.
  const answered = await ask(40);
  expect([answered > 0, answered < 40, sent()[1]]).toEqual([true, true, before]);
  service.setReady(1, true);
  expect(await ask(40)).toBe(40);
  expect(sent()[1]).toBeGreaterThan(before!);
});

test('one that is missing is asked for when it comes; why it cannot be had is said once', async () => {
  const calls = loadXdpSyscalls();
  const [near, far] = await unixPair();
  const handOverFd = calls.dup(far.fd);
  const opened = await openXdp(calls, { interfaces: ['none0'], ports: [53], handOverFd });
  const lines: string[] = [];
  const asked: (readonly string[])[] = [];
  const service = new XdpService(calls, {
    ...{ opened, listen: [lab.at(4, 53)], workers: 1 },
    log: (_, text) => void lines.push(text),
    ask: (interfaces) => void asked.push(interfaces),
  });
  onTestFinished(() => service.close());
  expect(service.isUseful).toBe(true);
  lab.ip('link', 'add', 'none0', 'numrxqueues', '1', 'type', 'veth', 'peer', 'name', 'none1');
  onTestFinished(() => void lab.ip('link', 'del', 'none0'));
  expect(await eventually(() => asked.length > 0)).toBe(true);
  expect(asked[0]).toEqual(['none0']);
  for (let each = 0; each < 2; each++) handOver(calls, near.fd, { name: 'none0', refusal: 'too little memory' });
  expect(await eventually(() => lines.length > 1)).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 600));
  const text = (why: string) => `UDP at none0 by the kernel's sockets (recvmmsg), not by AF_XDP: ${why}`;
  expect(lines).toEqual([text('there is no such interface (see: ip link)'), text('too little memory')]);
  // One that is served already, or that was never wanted.
  const unwanted = await openXdp(calls, { interfaces: [lab.name], ports: [53] });
  handOver(calls, near.fd, unwanted.interfaces[0]!);
  expect(await eventually(() => lines.length > 2)).toBe(true);
  expect(lines[2]).toContain('it was handed over, and is not wanted');
  for (const fd of descriptorsOfXdp(unwanted)) calls.close(fd);
  expect(lab.programs()).toEqual([]);
});
