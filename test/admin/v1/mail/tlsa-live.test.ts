/** `/v1/zones/{zone}/tlsa/live` in front of a real mail host. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DANE_HOST, daneHouse, recordFor } from '../../../support/mail/dane-house.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../../../support/throwaway-ca.ts';

let ca: ThrowawayCa;
let pair: Pair;
beforeAll(() => {
  ca = throwawayCa();
  pair = ca.leaf([DANE_HOST], { to: '20491231000000Z' });
});
afterAll(() => ca.remove());

test('tells for each host and address which record matches which certificate', async () => {
  const { call, mx } = await daneHouse(pair);
  expect(await call('GET', 'tlsa/live')).toMatchObject({
    status: 200,
    body: {
      zone: 'post.example.',
      hosts: [
        {
          host: 'mx1.post.example.',
          port: 25,
          verdict: 'match',
          addresses: [
            {
              address: '127.0.0.1',
              verdict: 'match',
              tlsVersion: 'TLSv1.3',
              certificates: [
                {
                  subject: `CN=${DANE_HOST}`,
                  issuer: 'CN=Throwaway CA',
                  spkiSha256: recordFor(pair.cert).slice(6),
                  notAfter: '2049-12-31T00:00:00.000Z',
                },
              ],
              records: [{ object: 'tlsa-mx1-1', stage: 'current', record: recordFor(pair.cert), matches: true, certificate: 0 }],
            },
          ],
        },
      ],
    },
  });
  mx.present(ca.leaf([DANE_HOST]));
  const { body } = await call('GET', 'tlsa/live?host=mx1');
  expect(body['hosts']).toMatchObject([
    { verdict: 'no-match', addresses: [{ records: [{ matches: false, detail: 'it is of no certificate here' }] }] },
  ]);
});

test('404 for another host, 409 where no look is made', async () => {
  const { call } = await daneHouse(pair);
  expect(await call('GET', 'tlsa/live?host=mx9')).toMatchObject({ status: 404, body: { code: 'LIFECYCLE_OBJECT' } });
  const off = await daneHouse(pair, { isLooking: false });
  expect(await off.call('GET', 'tlsa/live')).toMatchObject({ status: 409, body: { code: 'DANE_LOOK_OFF' } });
});

test("a token's share of looks", async () => {
  const { call, token, mx } = await daneHouse(pair, { table: { [DANE_HOST]: { a: ['127.0.0.1'] } }, limitMs: 20_000 });
  const headers = { authorization: `Bearer ${await token('zone:post.example')}` };
  const all = await Promise.all(Array.from({ length: 8 }, () => call('GET', 'tlsa/live', undefined, headers)));
  expect(all.filter(({ status }) => status === 200)).toHaveLength(4);
  expect(all.filter(({ body }) => body['code'] === 'OVERLOADED')).toHaveLength(4);
  expect(mx.said.filter((line) => line === 'STARTTLS')).toHaveLength(4);
});
