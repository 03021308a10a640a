/** The log of requests: one event for each, JSON without a key twice, and probes only at level debug. */
import { expect, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { createLog, type LogLevel } from '#base/log.ts';
import { fakeWithZone } from '../support/admin/fake-control.ts';

async function linesOf(level: LogLevel, ask: readonly (readonly ['GET' | 'DELETE', string])[]): Promise<string[]> {
  const lines: string[] = [];
  const log = createLog({ level, fields: { process: 'control' }, to: { write: (line: string) => void lines.push(line) } });
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control, logger: log.with({ part: 'admin' }).pino });
  for (const [method, url] of ask) await app.inject({ method, url, headers: { authorization: `Bearer ${tokens.admin}` } });
  await app.close();
  return lines;
}

const ASK = [
  ['GET', '/livez'],
  ['GET', '/v1/zones?limit=1'],
  ['DELETE', '/v1/zones/example.com/rrsets/www/A'],
] as const;

test('at level info: what changes something, once; at level debug: all', async () => {
  const info = (await linesOf('info', ASK)).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(info.map(({ event, method, status }) => [event, method, status])).toEqual([['http.request', 'DELETE', 200]]);
  const debug = (await linesOf('debug', ASK)).map((line) => JSON.parse(line) as Record<string, unknown>);
  const requests = debug.filter(({ event }) => event === 'http.request');
  expect(requests.map(({ method, url }) => [method, url])).toEqual(ASK.map(([method, url]) => [method, url]));
});

test('no key stands twice in a line', async () => {
  for (const line of await linesOf('debug', ASK)) {
    const keys = [...line.matchAll(/[{,]"([^"\\]+)":/g)].map(([, key]) => key);
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  }
});
