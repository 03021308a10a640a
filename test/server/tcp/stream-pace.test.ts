/** Streams rest while UDP is busy, and only then; what else waits for a turn does not. */
import { setImmediate as nextRound, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  STREAM_PAUSE_MS_MIN,
  STREAM_PAUSE_TIMES,
  UDP_BUSY_LOOK_MS,
  UDP_BUSY_QUERIES_PER_SECOND,
} from '#base/limits/server.ts';
import { startWorkerListeners } from '#server/listen.ts';
import { StreamPace } from '#server/tcp/stream-pace.ts';
import { TCP_LIMITS } from '#server/tcp/table.ts';
import { TcpTurns } from '#server/tcp/turns.ts';
import { TcpClient, framed, idOf, simpleQuery, tcpQuery } from '../../support/dns-client.ts';
import { freeAddress, testCounters } from '../fixtures/echo.ts';
import { numberOf, streamQuery, streamResponder } from '../fixtures/streams.ts';

describe('how long streams rest', () => {
  const room = () => {
    let queries = 0;
    const pace = new StreamPace(() => queries);
    const after = (count: number) => (queries += count);
    return { pace, after };
  };
  const perLook = (UDP_BUSY_QUERIES_PER_SECOND * UDP_BUSY_LOOK_MS) / 1000;

  test('not at all while UDP has little to do, and not for what was asked long ago', () => {
    const { pace, after } = room();
    after(1_000_000);
    expect(pace.pauseMs(5_000, 1)).toBe(0);
    after(perLook);
    expect(pace.pauseMs(5_000 + UDP_BUSY_LOOK_MS, 1)).toBe(0);
  });

  test('by what they took, from a look that shows more queries until one that shows fewer', () => {
    const { pace, after } = room();
    expect(pace.pauseMs(5_000, 1)).toBe(0);
    after(perLook + 1);
    expect(pace.pauseMs(5_000 + UDP_BUSY_LOOK_MS / 2, 1)).toBe(0);
    expect(pace.pauseMs(5_000 + UDP_BUSY_LOOK_MS, 1)).toBe(STREAM_PAUSE_TIMES);
    expect(pace.pauseMs(5_001 + UDP_BUSY_LOOK_MS, 3)).toBe(3 * STREAM_PAUSE_TIMES);
    expect(pace.pauseMs(5_002 + UDP_BUSY_LOOK_MS, 0)).toBe(STREAM_PAUSE_MS_MIN);
    expect(pace.pauseMs(5_000 + 2 * UDP_BUSY_LOOK_MS, 1)).toBe(0);
  });
});

/** As many more with each look as no machine answers. */
function busy(): () => number {
  let queries = 0;
  return () => (queries += 1e9);
}

test('while UDP is busy, streams have a small part of the time; other turns have theirs in each round', async () => {
  const turns = new TcpTurns(busy());
  let isOver = false;
  let streamMs = 0;
  onTestFinished(() => void (isOver = true));
  const stream = () => {
    const startedMs = performance.now();
    while (performance.now() - startedMs < 0.3);
    streamMs += performance.now() - startedMs;
    if (!isOver) turns.addStream(stream);
  };
  turns.addStream(stream);
  // The first look has nothing to compare with.
  await sleep(2 * UDP_BUSY_LOOK_MS);
  streamMs = 0;
  const startedMs = performance.now();
  let [rounds, others] = [0, 0];
  while (performance.now() - startedMs < 400) {
    turns.add(() => (others += 1));
    await nextRound();
    rounds += 1;
  }
  const share = streamMs / (performance.now() - startedMs);
  expect(share).toBeGreaterThan(0);
  expect(share).toBeLessThan(0.3);
  expect(others).toBeGreaterThan(rounds / 2);
});

test('a stream that rests comes whole and in order, and another client is answered meanwhile', async () => {
  const { responder, streams } = streamResponder(300, 16_000);
  const [at] = [await freeAddress()];
  const { row } = testCounters();
  const options = { responder, addresses: [at], counters: row, tcpLimits: TCP_LIMITS, udpQueries: busy() };
  const listeners = await startWorkerListeners(options);
  onTestFinished(() => listeners.close(0));
  const client = await TcpClient.open(at, { reading: true });
  onTestFinished(() => client.destroy());
  client.send(Buffer.concat([framed(streamQuery(simpleQuery(1))), framed(simpleQuery(2))]));
  const received = client.receive(301, 60_000);
  const reply = await tcpQuery(at, simpleQuery(7));
  expect(reply === undefined ? 'no answer' : idOf(reply)).toBe(7);
  const messages = await received;
  expect(messages.slice(0, 300).every((message, place) => numberOf(message) === place)).toBe(true);
  expect(idOf(messages[300]!)).toBe(2);
  expect(streams).toEqual([{ made: 300, closed: 1 }]);
});
