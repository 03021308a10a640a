/** `GET /v1/zones/{zone}/rrsets` of a zone that is looked at in several steps: each RRset once, and others meanwhile. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type RrsetBody, bench } from '../../support/admin/bench.ts';

const HEAD = '@ 60 SOA ns1 host 1 7200 900 1209600 60\n@ 60 NS ns1\nns1 60 A 192.0.2.1\n';
/** More than two steps. */
const HOSTS = 5000;
const TEXTS = ['h17', 'h2041', 'h4999'];

interface Page {
  readonly rrsets: readonly RrsetBody[];
  readonly next?: string;
}

async function large() {
  const made = await bench();
  const hosts = Array.from({ length: HOSTS }, (_, at) => {
    const text = TEXTS.includes(`h${at}`) ? `h${at} 60 TXT "x"\n` : '';
    return `h${at} 60 A 192.0.2.1\n${text}`;
  });
  const put = { payload: HEAD + hosts.join(''), headers: { 'content-type': 'text/dns' } };
  const answer = await made.call('PUT', '/v1/zones/large.test/zonefile', put);
  expect(answer.statusCode).toBe(201);
  const page = async (query: string) => {
    const { statusCode, headers, json } = await made.call('GET', `/v1/zones/large.test/rrsets?${query}`);
    expect(statusCode).toBe(200);
    return { ...json<Page>(), etag: headers.etag };
  };
  return { ...made, page };
}

test('by type: those far behind are found, in order, with the tag of the zone', async () => {
  const { page, call } = await large();
  let turns = 0;
  const counting = (async () => {
    for (; turns < 500; turns++) await turn();
  })();
  const found = await page('type=TXT');
  expect(turns).toBeGreaterThanOrEqual(2);
  await counting;
  expect(found.rrsets.map(({ name }) => name)).toEqual(TEXTS.map((name) => `${name}.large.test.`));
  expect(found.next).toBeUndefined();
  expect(found.etag).toBe((await call('GET', '/v1/zones/large.test')).headers.etag);
});

test('pages of all, and of one type: each RRset once', async () => {
  const { page } = await large();
  for (const [query, count] of [
    ['limit=1000', HOSTS + 3 + TEXTS.length],
    ['limit=2&type=TXT', TEXTS.length],
  ] as const) {
    const seen: string[] = [];
    for (let next: string | undefined = '', pages = 0; next !== undefined; pages++) {
      const found: Page = await page(`${query}${next === '' ? '' : `&cursor=${encodeURIComponent(next)}`}`);
      seen.push(...found.rrsets.map(({ name, type }) => `${name} ${type}`));
      next = found.next;
      expect(pages).toBeLessThan(20);
    }
    expect([seen.length, new Set(seen).size]).toEqual([count, count]);
  }
});

test('by name: that name alone, with each of its types, and none of a name that is not there', async () => {
  const { page } = await large();
  const types = async (query: string) => (await page(query)).rrsets.map(({ name, type }) => `${name} ${type}`);
  expect(await types('name=h2041')).toEqual(['h2041.large.test. A', 'h2041.large.test. TXT']);
  expect(await types('name=h2041&type=TXT')).toEqual(['h2041.large.test. TXT']);
  expect(await types('name=missing')).toEqual([]);
  const first = await page('name=h2041&limit=1');
  expect(await types(`name=h2041&limit=1&cursor=${encodeURIComponent(first.next!)}`)).toEqual(['h2041.large.test. TXT']);
});
