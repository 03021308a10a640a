/** `/v1/zones/{zone}/rrsets`: lists, and several changes at once. */
import { describe, expect, test } from 'vitest';
import { type ProblemBody, type RrsetBody, bench } from '../../support/admin/bench.ts';

const base = '/v1/zones/example.com/rrsets';

describe('PATCH rrsets', () => {
  test('does all operations in one change', async () => {
    const { call, control } = await bench();
    const payload = [
      { op: 'add', name: 'www', type: 'A', records: ['192.0.2.3'] },
      { op: 'remove', name: 'www.example.com', type: 'A', records: ['192.0.2.1'] },
      { op: 'set', name: '@', type: 'TXT', ttl: 300, records: ['"v=spf1 -all"'] },
      { op: 'delete', name: 'mail', type: 'A' },
    ];
    const answer = await call('PATCH', base, { payload });
    expect([answer.statusCode, answer.json<{ serial: number }>().serial]).toEqual([200, 2]);
    expect((await call('GET', `${base}/www/A`)).json<RrsetBody>().records).toEqual(['192.0.2.2', '192.0.2.3']);
    expect(control.commands.at(-1)?.command).toMatchObject({
      operations: [{ name: 'www.example.com.' }, { name: 'www.example.com.' }, { name: 'example.com.' }, {}],
    });
  });

  test('does none when one is bad, and tells all that are', async () => {
    const { call, control } = await bench();
    const payload = [
      { op: 'delete', name: 'www', type: 'A' },
      { op: 'set', name: 'x', type: 'A', ttl: 60, records: ['nonsense'] },
      { op: 'set', name: 'y', type: 'NONSENSE', ttl: 60, records: ['x'] },
      { op: 'set', name: 'z.example.net.', type: 'A', ttl: 60, records: ['192.0.2.1'] },
    ];
    const answer = await call('PATCH', base, { payload });
    expect(answer.statusCode).toBe(422);
    expect(answer.json<ProblemBody>().errors.map(({ pointer }) => pointer)).toEqual(['/1/records/0', '/2/type', '/3/name']);
    expect((await call('GET', `${base}/www/A`)).statusCode).toBe(200);
    expect(control.generation).toBe(1);
  });

  test('refuses fields that mean nothing', async () => {
    const { call } = await bench();
    const answer = await call('PATCH', base, {
      payload: [
        { op: 'replace', name: 'www', type: 'A', tll: 5 },
        { op: 'delete', name: 'www', type: 'A', records: ['192.0.2.1'] },
      ],
    });
    expect(
      answer
        .json<ProblemBody>()
        .errors.map(({ code, at, fix }) => [code, at, fix])
        .toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    ).toEqual([
      ['FIELD_UNKNOWN', '/0/tll', 'did you mean "ttl"?'],
      ['FIELD_VALUE', '/0/op', undefined],
    ]);
  });
});

describe('GET rrsets', () => {
  test('pages through every RRset once, whatever the page size', async () => {
    const { call } = await bench();
    const all = (await call('GET', base)).json<{ rrsets: RrsetBody[] }>().rrsets.map(({ name, type }) => `${name} ${type}`);
    expect(all).toHaveLength(7);
    for (const limit of [1, 2, 3]) {
      const seen: string[] = [];
      for (let cursor = ''; ;) {
        const page = (await call('GET', `${base}?limit=${limit}${cursor}`)).json<{ rrsets: RrsetBody[]; next?: string }>();
        seen.push(...page.rrsets.map(({ name, type }) => `${name} ${type}`));
        if (page.next === undefined) break;
        cursor = `&cursor=${page.next}`;
      }
      expect(seen).toEqual(all);
    }
  });

  test('filters by name and type', async () => {
    const { call } = await bench();
    const list = async (query: string) =>
      (await call('GET', `${base}?${query}`)).json<{ rrsets: RrsetBody[] }>().rrsets.map(({ name, type }) => `${name} ${type}`);
    expect(await list('name=@')).toEqual(['example.com. NS', 'example.com. SOA', 'example.com. MX']);
    expect(await list('type=a&name=WWW')).toEqual(['www.example.com. A']);
    expect(await list('type=TYPE15')).toEqual(['example.com. MX']);
    expect(await list('name=none')).toEqual([]);
  });

  test('starts at the apex for a cursor that somebody made up', async () => {
    const { call } = await bench();
    const cursor = Buffer.from(JSON.stringify(['\u0000', 'x'])).toString('base64url');
    expect((await call('GET', `${base}?cursor=${cursor}`)).json<{ rrsets: unknown[] }>().rrsets).toHaveLength(7);
  });
});
