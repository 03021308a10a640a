import { expect, test, vi } from 'vitest';
import { type ClientAddress, newClientAddress, setClientAddress } from '#base/client-address.ts';
import { QUERY_LOG_LINES_PER_SECOND_MAX } from '#base/limits/server.ts';
import { type QueryLine, sampled } from '#server/query-log.ts';
import { buildQuery } from '../support/wire.ts';

const QUERY = buildQuery({ name: 'www\\009.EXAMPLE.', type: 'TXT', id: 7, edns: { size: 1232, dnssecOk: true } });

function clientOf(text: string): ClientAddress {
  const client = newClientAddress();
  setClientAddress(client, text);
  return client;
}

/** One in `every` of `count` queries from `client`, answered NXDOMAIN with 60 octets. */
function ask(every: number, count: number, client: string, query: Uint8Array = QUERY): QueryLine[] {
  const lines: QueryLine[] = [];
  const logged = sampled(
    {
      respond(_query, _length, out) {
        out[2] = 0x84;
        out[3] = 3;
        return 60;
      },
    },
    every,
    (line) => lines.push(line),
  );
  const out = new Uint8Array(1232);
  for (let each = 0; each < count; each++) expect(logged.respond(query, query.length, out, 'udp', clientOf(client))).toBe(60);
  return lines;
}

test('one query in so many is told, with the network of its client', () => {
  expect(ask(10, 35, '192.0.2.77')).toEqual([
    {
      name: 'www\\009.EXAMPLE.',
      type: 'TXT',
      transport: 'udp',
      client: '192.0.2.0/24',
      dnssecOk: true,
      queryBytes: QUERY.length,
      answerBytes: 60,
      rcode: 3,
      truncated: false,
    },
    expect.anything(),
    expect.anything(),
  ]);
  expect(ask(1, 1, '2001:db8:1:2345:6::7')[0]!.client).toBe('2001:db8:1:2300::/56');
});

test('a query without a question is told without one', () => {
  const [line] = ask(1, 1, '192.0.2.1', QUERY.subarray(0, 5));
  expect(line).toMatchObject({ queryBytes: 5 });
  expect(line).not.toHaveProperty('name');
});

test('a flood does not flood the log', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    expect(ask(1, 1000, '192.0.2.1').length).toBe(QUERY_LOG_LINES_PER_SECOND_MAX);
  } finally {
    vi.useRealTimers();
  }
});
