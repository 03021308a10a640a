/** `/v1/search` and `search-data`: what is asked, how it is answered, and what is rejected. */
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { ipPort } from '#base/address.ts';
import { SEARCH_NAMES_MAX } from '#base/limits/search.ts';
import { fakeWithZone } from '../../support/admin/fake-control.ts';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

interface Body {
  readonly rrsets: readonly { readonly zone: string; readonly name: string; readonly type: string }[];
  readonly next?: string;
}

const lines = ({ rrsets }: Body) => rrsets.map(({ zone, name, type }) => `${zone} ${name} ${type}`);

test('part of a name, part of a record, a type, a manager', async () => {
  const { call } = await bench();
  const ask = async (query: string) => lines((await call('GET', `/v1/search?${query}`)).json<Body>());
  expect(await ask('q=www&type=A')).toEqual(['example.com. www.example.com. A']);
  expect(await ask('name=www.example.com')).toContain('example.com. www.example.com. A');
  expect(await ask('type=soa')).toContain('example.com. example.com. SOA');
  expect(await ask('q=no-such-text')).toEqual([]);
  expect(await ask('manager=acme')).toEqual([]);
});

test('pages have a Link and a next', async () => {
  const { call } = await bench();
  const first = await call('GET', '/v1/search?q=example.com&limit=1');
  expect([first.json<Body>().next !== undefined, first.headers.link]).toEqual([
    true,
    expect.stringContaining('cursor='),
  ]);
});

test.each(['', 'q=', `q=${'*a'.repeat(9)}`, 'type=NONE', 'name=a..b', 'q=x&cursor=x'])(
  '%s is rejected',
  async (query) => {
    const { call } = await bench();
    const answer = await call('GET', `/v1/search?${query}`);
    expect([400, 422]).toContain(answer.statusCode);
    expect(answer.json<ProblemBody>().code).toBeTypeOf('string');
  },
);

test("PowerDNS's search compares all of a name or content, with * and ?", async () => {
  const { call } = await bench();
  const ask = async (query: string) =>
    (await call('GET', `/api/v1/servers/localhost/search-data?${query}`)).json<object[]>();
  expect(await ask('q=example.com')).toEqual(
    expect.arrayContaining([{ name: 'example.com.', object_type: 'zone', zone_id: 'example.com.' }]),
  );
  const [record] = await ask('q=www.example.com&object_type=record');
  expect(Object.keys(record!)).toEqual([
    'content',
    'disabled',
    'name',
    'object_type',
    'ttl',
    'type',
    'zone',
    'zone_id',
  ]);
  expect(record).toMatchObject({ name: 'www.example.com.', type: 'A', zone: 'example.com.', object_type: 'record' });
  expect(await ask('q=ww')).toEqual([]);
  expect((await ask('q=ww*')).length).toBeGreaterThan(0);
  expect(await ask('q=*&max=2')).toHaveLength(2);
  for (const query of ['', 'q=x&max=0', 'q=x&object_type=none'])
    expect((await call('GET', `/api/v1/servers/localhost/search-data?${query}`)).statusCode).toBe(422);
});

test("PowerDNS's search finds what stands beyond the names of one request, over a socket and with a body too", async () => {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined });
  onTestFinished(() => listeners.close(0));
  const names = Array.from({ length: SEARCH_NAMES_MAX + 100 }, (_, at) => `n${at} A 192.0.2.1`).join('\n');
  const text = `$TTL 60\n@ SOA ns1.example.net. host.example.net. 1 3600 600 86400 60\n@ NS ns1.example.net.\n${names}\nzzz A 192.0.2.7\n`;
  const headers = { authorization: `Bearer ${tokens.admin}`, 'content-type': 'text/dns' };
  await app.inject({ method: 'PUT', url: '/v1/zones/big.example/zonefile', headers, payload: text });
  const ask = (more: string) =>
    new Promise<string>((resolve) => {
      let all = '';
      const socket = connect(Number(listeners.address.split(':')[1]), '127.0.0.1', () =>
        socket.write(
          `GET /api/v1/servers/localhost/search-data?q=192.0.2.7&object_type=record HTTP/1.1\r\nHost: localhost\r\n` +
            `Connection: close\r\nX-API-Key: ${tokens.admin}\r\n${more}`,
        ),
      );
      socket.on('data', (chunk) => (all += chunk.toString())).on('close', () => resolve(all));
    });
  for (const more of ['\r\n', 'Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}'])
    expect(await ask(more)).toContain('"name":"zzz.big.example."');
});
