/** Bodies of POST: whole or refused; each, all together and those of one network bounded; and nothing stays reserved. */
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { HTTPS_BODIES_BYTES_MAX, HTTPS_BODIES_PER_NETWORK_BYTES_MAX } from '#base/limits/https.ts';
import { type Connection } from '#policy-host/connections.ts';
import { emptyAnswer } from '#policy-host/hosted.ts';
import { BodyReader } from '#policy-host/posted-body.ts';

const from = (network: string) => ({ network, client: '192.0.2.1', bodyBytes: 0 }) as Connection;
const headers = { 'content-type': 'a/b', 'content-encoding': 'gzip' };

function reader() {
  let limited = 0;
  const bodies = new BodyReader({ limited: () => (limited += 1) });
  const got: string[] = [];
  const post = (bytesMax: number) => ({
    bytesMax,
    take: async ({ octets, contentType, contentEncoding }: { octets: Uint8Array; contentType: string; contentEncoding: string }) => {
      got.push(`${contentType} ${contentEncoding} ${Buffer.from(octets).toString()}`);
      return emptyAnswer(204);
    },
  });
  const take = (parts: readonly string[], bytesMax: number, declared?: number) =>
    bodies.take({ stream: Readable.from(parts.map((part) => Buffer.from(part))), headers, declared }, from('a'), post(bytesMax));
  return { bodies, post, take, got, limits: () => limited };
}

test('in parts, with a length and without: the whole body, and what its headers say of it', async () => {
  const { take, got } = reader();
  expect((await take(['he', 'll', 'o'], 5, 5)).status).toBe(204);
  expect((await take(['he', 'llo'], 5)).status).toBe(204);
  expect(got).toEqual(['a/b gzip hello', 'a/b gzip hello']);
});

test('RFC 9110 §15.5.14: too long, as it says or as it comes, is 413, and taken by none', async () => {
  const { take, got, limits } = reader();
  expect((await take([], 5, 6)).status).toBe(413);
  expect((await take(['hello', 'x'], 5)).status).toBe(413);
  // More than it promised.
  expect((await take(['hello'], 5, 4)).status).toBe(413);
  expect(got).toEqual([]);
  expect(limits()).toBe(3);
});

test('cut off in the middle: 400, and its space is free again', async () => {
  const { bodies, post } = reader();
  const bytes = HTTPS_BODIES_PER_NETWORK_BYTES_MAX;
  for (let each = 0; each < 2; each++) {
    const stream = new Readable({ read() {} });
    const answer = bodies.take({ stream, headers, declared: bytes }, from('a'), post(bytes));
    stream.destroy();
    expect((await answer).status).toBe(400);
  }
});

test('one network has its share, others have theirs, and all together a bound: 503 beyond', async () => {
  const { bodies, post } = reader();
  const bytes = HTTPS_BODIES_PER_NETWORK_BYTES_MAX;
  const streams: Readable[] = [];
  const begin = (network: string, declared: number) => {
    const stream = new Readable({ read() {} });
    streams.push(stream);
    return bodies.take({ stream, headers, declared }, from(network), post(bytes));
  };
  const networks = Array.from({ length: HTTPS_BODIES_BYTES_MAX / bytes }, (_, at) => `n${at}`);
  const under = [begin('n0', bytes)];
  expect(await begin('n0', 1)).toMatchObject({ status: 503, headers: { 'retry-after': '60' } });
  under.push(...networks.slice(1).map((network) => begin(network, bytes)));
  expect((await begin('another', 1)).status).toBe(503);
  streams[0]!.destroy();
  expect((await under[0]!).status).toBe(400);
  const next = begin('another', 1);
  streams.at(-1)!.push('x');
  streams.at(-1)!.push(null);
  expect((await next).status).toBe(204);
  for (const each of streams) each.destroy();
  await Promise.all(under);
});
