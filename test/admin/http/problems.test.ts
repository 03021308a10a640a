/** What each kind of place becomes in answers of the API: a pointer, a parameter, or words; a path of the server never. */
import { expect, test } from 'vitest';
import { problemForm } from '#admin/http/problems.ts';
import {
  type Place,
  WHOLE,
  atAddress,
  atFlag,
  atObject,
  atPath,
  atRrset,
  atTag,
  atVariable,
  atZone,
  inBody,
  inFile,
  inHeader,
  inQuery,
  inUrl,
  within,
} from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { type ProblemBody, bench } from '../../support/admin/bench.ts';

interface Shown {
  readonly at: string;
  readonly pointer?: string;
  readonly parameter?: string;
}

const CASES: { readonly [Kind in Place['kind']]: readonly (readonly [Extract<Place, { readonly kind: Kind }> | Place, Shown])[] } = {
  whole: [[WHOLE, { at: '' }]],
  text: [[atTag('p'), { at: 'p=' }]],
  body: [
    [inBody('/1/records/0'), { at: '/1/records/0', pointer: '/1/records/0' }],
    [inBody(''), { at: '' }],
    [within(inBody('/bimi'), atTag('l')), { at: '/bimi (l=)', pointer: '/bimi' }],
  ],
  parameter: [
    [inUrl('zone'), { at: 'zone', parameter: 'zone' }],
    [inQuery('cursor'), { at: '?cursor', parameter: 'cursor' }],
    [inHeader('If-Match'), { at: 'If-Match', parameter: 'If-Match' }],
  ],
  file: [[inFile('new.zone', 2, 3), { at: 'new.zone:2:3' }]],
  rrset: [[atRrset('a.example.', 'MX'), { at: 'a.example. MX' }]],
  zone: [[atZone('example.'), { at: 'example.' }]],
  object: [[atObject('/looks/like/a/pointer'), { at: '/looks/like/a/pointer' }]],
  setting: [
    [atFlag('dns'), { at: '--dns' }],
    [atVariable('WAXSEAL_DATA'), { at: 'WAXSEAL_DATA' }],
  ],
  address: [[atAddress('127.0.0.1:53'), { at: '127.0.0.1:53' }]],
  path: [[atPath('/var/lib/waxseal', 'the data directory'), { at: '' }]],
};

test.each(Object.values(CASES).flat())('%j: %j', (place, shown) => {
  const made = problemForm(problem('STORE_FULL', place, 'no room under /var/lib/waxseal/store'));
  const detail = place.kind === 'path' ? 'no room under the data directory/store' : 'no room under /var/lib/waxseal/store';
  expect(made).toEqual({ code: 'STORE_FULL', severity: 'error', ...shown, detail });
});

test('500 says nothing of the inside', async () => {
  const { call, control } = await bench();
  control.failure = new Error('disk /secret/path failed');
  const answer = await call('DELETE', '/v1/zones/example.com');
  expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([500, 'SERVER_BUG']);
  expect(answer.body).not.toContain('secret');
});

test.each([
  ['POST', '/v1/zones', 'send it as application/json'],
  ['PUT', '/v1/zones/example.com/zonefile', 'send it as text/dns'],
  ['POST', '/v1/zones/example.com/mta-sts/reports', expect.stringContaining('application/tlsrpt+json')],
] as const)('RFC 9110 §15.5.16: 415 for %s %s names the types of that resource', async (method, url, fix) => {
  const { call } = await bench();
  const answer = await call(method, url, { headers: { 'content-type': 'text/html' }, payload: 'x' });
  expect([answer.statusCode, answer.json<ProblemBody>().fix]).toEqual([415, fix]);
});
