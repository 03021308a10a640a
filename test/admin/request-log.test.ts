/** The log of requests: one event for each, JSON without a key twice, and probes only at level debug. */
import { expect, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { createLog, type LogLevel } from '#base/log.ts';
import { fakeWithZone } from '../support/admin/fake-control.ts';

type Ask = readonly (readonly ['GET' | 'DELETE', string])[];

async function linesOf(level: LogLevel, ask: Ask): Promise<{ readonly lines: readonly string[]; readonly secret: string }> {
  const lines: string[] = [];
  const log = createLog({ level, fields: { process: 'control' }, to: { write: (line: string) => void lines.push(line) } });
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control, logger: log.with({ part: 'admin' }).pino });
  for (const [method, url] of ask) await app.inject({ method, url, headers: { authorization: `Bearer ${tokens.admin}` } });
  await app.close();
  return { lines, secret: tokens.admin.split('_').at(-1)! };
}

const ASK = [
  ['GET', '/livez'],
  ['GET', '/v1/zones?limit=1'],
  ['DELETE', '/v1/zones/example.com/rrsets/www/A'],
] as const;

test('at level info: what changes something, once; at level debug: all', async () => {
  const info = (await linesOf('info', ASK)).lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(info).toHaveLength(1);
  const [changed] = info;
  expect(changed).toMatchObject({ event: 'http.request', method: 'DELETE', status: 200, client: '127.0.0.1' });
  expect(changed!['ms']).toBeTypeOf('number');
  const { lines, secret } = await linesOf('debug', ASK);
  const debug = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const requests = debug.filter(({ event }) => event === 'http.request');
  expect(requests.map(({ method, url }) => [method, url])).toEqual(ASK.map(([method, url]) => [method, url]));
  // The token by its public name: none of what a client sends as its secret.
  const [probe, read, change] = requests.map(({ tokenId }) => tokenId);
  expect(probe).toBeUndefined();
  expect(read).toMatch(/^[\w-]+$/);
  expect(change).toBe(read);
  for (const line of lines) expect(line).not.toContain(secret);
});

test('no key stands twice in a line', async () => {
  for (const line of (await linesOf('debug', ASK)).lines) {
    const keys = [...line.matchAll(/[{,]"([^"\\]+)":/g)].map(([, key]) => key);
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  }
});
