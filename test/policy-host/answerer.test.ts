/** From a judged request to its answer: sources in their order, damaged documents, and an access log that a flood cannot fill. */
import { expect, test } from 'vitest';
import { HTTPS_LOG_LINES_PER_SECOND_MAX, HTTPS_LOG_PATH_CHARACTERS_MAX } from '#base/limits/https.ts';
import { createLog } from '#base/log.ts';
import { atPath } from '#base/place.ts';
import { Answerer } from '#policy-host/answerer.ts';
import { PolicyHostCounters } from '#policy-host/counters.ts';
import { type HostedSource, emptyAnswer } from '#policy-host/hosted.ts';
import { StoreFailure } from '#store/failure.ts';

const HOST = 'mta-sts.one.example';
const head = (method: string, target: string) => ({ method, target, hosts: [HOST], serverName: HOST, localPort: 443 });
const page = (path: string, status = 200): HostedSource => ({
  find: (_, asked) => (asked === path ? { get: emptyAnswer(status) } : undefined),
});

function answererOf(...sources: readonly HostedSource[]) {
  const lines: Record<string, unknown>[] = [];
  const complaints: string[] = [];
  const counters = new PolicyHostCounters();
  let nowMs = 5_000_000;
  const log = createLog({ level: 'info', to: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } });
  const complain = (host: string, text: string) => void complaints.push(`${host}: ${text}`);
  const answerer = new Answerer({ sources, counters, accessLog: log, complain, nowMs: () => nowMs });
  const status = (method: string, target: string) => {
    const reply = answerer.reply(head(method, target));
    return reply.kind === 'answer' ? reply.answer.status : reply.kind;
  };
  const answered = (target: string) =>
    answerer.answered({ head: head('GET', target), client: '192.0.2.1', version: '2', status: 200, bodyBytes: 7, beganMs: nowMs - 3 });
  return { status, answered, lines, complaints, counters, later: (ms: number) => (nowMs += ms) };
}

test('the first source that has something at the path decides, also that a method is not for it', () => {
  const post: HostedSource = {
    find: (_, path) => (path === '/in' ? { post: { bytesMax: 1, take: async () => emptyAnswer(204) } } : undefined),
  };
  const { status } = answererOf(page('/a', 200), page('/a', 410), post);
  expect(['GET', 'HEAD', 'POST', 'DELETE', 'get'].map((method) => status(method, '/a'))).toEqual([200, 200, 404, 404, 404]);
  expect(['GET', 'POST'].map((method) => status(method, '/in'))).toEqual([404, 'post']);
  expect(status('GET', '/b')).toBe(404);
});

test('a damaged document is 503 and told; another failure is a bug', () => {
  const damaged = new StoreFailure('STORE_DAMAGED', atPath('/store', 'the store'), 'cut');
  const { status, complaints } = answererOf({
    find() {
      throw damaged;
    },
  });
  expect(status('GET', '/a')).toBe(503);
  expect(complaints.join()).toContain('cut');
  const bug = answererOf({
    find() {
      throw new TypeError('a bug');
    },
  });
  expect(() => bug.status('GET', '/a')).toThrow('a bug');
});

test('a line for each request, so many a second, and then how many were left out; each is counted', () => {
  const { answered, lines, counters, later } = answererOf();
  for (let each = 0; each < HTTPS_LOG_LINES_PER_SECOND_MAX + 5; each++) answered('/a');
  expect(lines).toHaveLength(HTTPS_LOG_LINES_PER_SECOND_MAX);
  expect(lines[0]).toMatchObject({
    event: 'https.request',
    client: '192.0.2.1',
    method: 'GET',
    host: HOST,
    path: '/a',
    status: 200,
    version: '2',
  });
  expect(lines[0]).not.toHaveProperty('linesLeftOut');
  later(1000);
  answered('/b');
  answered('/c');
  expect(lines.slice(-2)).toMatchObject([{ path: '/b', linesLeftOut: 5 }, { path: '/c' }]);
  expect(counters.values()['httpsSecondsCount']).toBe(HTTPS_LOG_LINES_PER_SECOND_MAX + 7);
});

test('a long path is cut in the log', () => {
  const { answered, lines } = answererOf();
  answered(`/${'a'.repeat(2 * HTTPS_LOG_PATH_CHARACTERS_MAX)}`);
  expect(lines[0]!['path']).toHaveLength(HTTPS_LOG_PATH_CHARACTERS_MAX);
});
