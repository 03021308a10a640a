/**
 * Requests that no client would send, to every route: none fails the server, none hangs, and each is answered as the description of the API says
 * (exampleServer compares). Bodies are those of the examples with parts exchanged, other JSON, and octets.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Route } from '#admin/http/route.ts';
import { powerdnsRoutes } from '#admin/powerdns/routes.ts';
import { adminRoutes } from '#admin/routes.ts';
import { exampleServer } from '../support/admin/example-server.ts';
import { fuzzSeed } from '../support/fuzz/corpus.ts';

const REQUESTS_PER_ROUTE = 14;
const ANSWER_MS_MAX = 20_000;
const SEED = fuzzSeed();

const ODD_NAMES = [
  ...[
    'example.com',
    '@',
    '*',
    '.',
    '=2E',
    '..',
    'a..b',
    'a.example.com.',
    'xn--4ca.example.com',
    '\\255',
    '\\256',
    '\\',
    '"',
    ' ',
    '%',
    '💥',
  ],
  ...['-1', '0', '1e9', '99999999999999999999', '__proto__', 'constructor', 'toString', 'null', '\u0000', '\u202e', '../..', 'a/b'],
  ...['x'.repeat(64), 'x.'.repeat(127), `${'x'.repeat(63)}.`.repeat(5), 'A'.repeat(2000), '192.0.2.1', '::1', '::ffff:1.2.3.4%eth0'],
];
const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD_NAMES) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);
const odd: fc.Arbitrary<unknown> = fc.oneof(
  name,
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, [], {}, [[]], [null], { a: {} }, [''], ''),
  fc.jsonValue({ maxDepth: 3 }),
);

/** The example with some of its values exchanged for odd ones, some fields gone and some more. */
function mutated(example: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(example)) {
    const items = fc.tuple(...example.map((each) => mutated(each)));
    return fc.oneof({ weight: 4, arbitrary: items }, { weight: 1, arbitrary: fc.array(odd, { maxLength: 3 }) }, odd);
  }
  if (typeof example !== 'object' || example === null)
    return fc.oneof({ weight: 2, arbitrary: fc.constant(example) }, { weight: 1, arbitrary: odd });
  const fields = Object.fromEntries(Object.entries(example).map(([key, value]) => [key, mutated(value)]));
  const same = fc.record(fields, { requiredKeys: [] });
  const more = fc.tuple(same, name, odd).map(([body, key, value]) => ({ ...body, [key]: value }));
  return fc.oneof({ weight: 5, arbitrary: fc.record(fields) }, { weight: 2, arbitrary: same }, { weight: 1, arbitrary: more });
}

const POWERDNS_BODY = {
  name: 'new.example.',
  kind: 'Native',
  nameservers: ['ns1.new.example.'],
  rrsets: [{ name: 'www.example.com.', type: 'A', ttl: 300, changetype: 'REPLACE', records: [{ content: '192.0.2.1', disabled: false }] }],
};

type Payload = { readonly payload?: string; readonly headers: Readonly<Record<string, string>> };

function bodyOf({ example, octets, isHidden }: Route): fc.Arbitrary<Payload> {
  const json = (value: unknown): Payload => ({ payload: JSON.stringify(value), headers: { 'content-type': 'application/json' } });
  const base: unknown = isHidden === true ? POWERDNS_BODY : (example ?? {});
  const types = [
    ...(octets?.types ?? []),
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    '*/*',
    'multipart/form-data',
    '',
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom('', '{', '[', '{"a":1,"a":2}', '{"__proto__":{"x":1}}', '['.repeat(5000), '\u0000', octets?.example ?? 'null'),
    fc.tuple(fc.constant(octets?.example ?? ''), fc.nat(), fc.string({ maxLength: 5 })).map(([file, at, cut]) => {
      const place = file.length === 0 ? 0 : at % file.length;
      return file.slice(0, place) + cut + file.slice(place + cut.length);
    }),
  );
  const raw = fc.tuple(text, fc.constantFrom(...types)).map(([payload, type]) => ({ payload, headers: { 'content-type': type } }));
  if (octets !== undefined) return raw;
  return fc.oneof(
    { weight: 5, arbitrary: mutated(base).map(json) },
    { weight: 1, arbitrary: odd.map(json) },
    { weight: 2, arbitrary: raw },
  );
}

/** Parameters as they are known, and others. */
function urlOf({ url, params = {}, query = {}, isHidden }: Route): fc.Arbitrary<string> {
  const path = fc.tuple(
    ...url.split('/').map((segment) => {
      if (!segment.startsWith(':')) return fc.constant(segment);
      const examples: unknown = Reflect.get(params[segment.slice(1)] ?? {}, 'examples');
      const known: unknown = Array.isArray(examples) ? examples[0] : isHidden === true ? 'example.com.' : undefined;
      return fc
        .oneof(
          { weight: 3, arbitrary: fc.constant(typeof known === 'number' ? String(known) : typeof known === 'string' ? known : 'x') },
          { weight: 1, arbitrary: name },
        )
        .map(encode);
    }),
  );
  const names = [...Object.keys(query), 'dryRun', 'limit', 'cursor', 'x'];
  const value = fc.oneof(name, fc.constantFrom('1', '0', '', 'served', 'on', 'eyJ4IjoxfQ', 'W10', 'WyJhIl0'));
  const pairs = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 3 });
  return fc.tuple(path, pairs).map(([segments, found]) => {
    const search = found.map(([key, text]) => `${key}=${encode(text)}`).join('&');
    return `${segments.join('/')}${search === '' ? '' : `?${search}`}`;
  });
}

/** As a URL has it, whatever it is: a lone surrogate has no form there. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/[\ud800-\udfff]/g, '\u{fffd}'));
}

const ROUTES = [...adminRoutes(), ...powerdnsRoutes()].filter(({ hasHead }) => hasHead !== false);
const GROUPS = Map.groupBy(ROUTES, ({ url, tag, isHidden }) =>
  isHidden === true ? 'the PowerDNS-compatible API' : url.startsWith('/v1') ? tag : 'probes',
);

describe(`seed ${SEED}`, () => {
  test.each([...GROUPS])('%s', { timeout: 120_000 }, async (_group, routes) => {
    const server = await exampleServer();
    for (const route of routes) {
      const requests = fc.sample(fc.tuple(urlOf(route), bodyOf(route)), { seed: SEED, numRuns: REQUESTS_PER_ROUTE });
      for (const [url, { payload, headers }] of requests) {
        const hasBody = route.method !== 'GET' && route.method !== 'DELETE';
        const request = { method: route.method, url, headers, ...(hasBody ? { payload } : {}) };
        const answer = await Promise.race([server.inject(route, request), timeUp(request)]);
        const shown = JSON.stringify(request).slice(0, 600);
        expect([answer.statusCode, shown]).not.toEqual([500, shown]);
        if (answer.statusCode >= 400 && route.isHidden !== true && !(answer.statusCode in route.answers))
          expect([answer.headers['content-type'], shown]).toEqual(['application/problem+json', shown]);
      }
    }
    // It is the same server as before.
    expect((await server.inject(ROUTES[0]!, { method: 'GET', url: '/v1/status' })).statusCode).toBe(200);
  });
});

function timeUp(request: object): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer after ${ANSWER_MS_MAX} ms: ${JSON.stringify(request)}`)), ANSWER_MS_MAX).unref();
  });
}
