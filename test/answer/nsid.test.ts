/** RFC 5001: the name of a server, for who asks and nobody else. */
import { describe, expect, test } from 'vitest';
import { RateLimiter } from '#answer/defence/rate-limit.ts';
import { CookieSecrets } from '#answer/defence/cookie-secrets.ts';
import { Responder } from '#answer/respond.ts';
import { type ResponderOptions } from '#answer/responder-options.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { NSID_BYTES_MAX } from '#base/limits/dns.ts';
import { dummySigned } from '../support/dummy-signed.ts';
import { MemorySource } from '../support/memory-source.ts';
import { zoneOf } from '../support/random-zone.ts';
import { type QueryShape, buildQuery, parseMessage } from '../support/wire.ts';

const view = dummySigned(zoneOf('z.', '@ 60 SOA ns.z. host.z. 1 3600 600 86400 300\n@ 60 NS ns\nns 60 A 192.0.2.53\nwww 60 A 192.0.2.80'));
const ASK = Buffer.from([0, 3, 0, 0]);
const NAME = Buffer.from('fra1');
const client = newClientAddress();
setClientAddress(client, '192.0.2.9');

function server(options: ResponderOptions = { nsid: NAME }) {
  const responder = new Responder(new MemorySource([{ view, signed: true }]), options);
  const out = Buffer.alloc(65_535);
  return (shape: Partial<QueryShape>, octets?: Buffer, transport: 'udp' | 'tcp' = 'udp') => {
    const query = octets ?? buildQuery({ name: 'www.z.', type: 'A', edns: { size: 1232, options: ASK }, ...shape });
    const length = responder.respond(query, query.length, out, transport, client);
    const message = parseMessage(Buffer.from(out.subarray(0, length)));
    return { ...message, length, queryLength: query.length, nsid: message.edns?.options.get(3) };
  };
}
const HEX = NAME.toString('hex');

describe('RFC 5001 §2.2: asked for, it is in the answer', () => {
  test('over UDP and TCP, with and without data, of a name, of none, and with an error', () => {
    const ask = server();
    expect([ask({}).nsid, ask({}, undefined, 'tcp').nsid]).toEqual([HEX, HEX]);
    expect(ask({ name: 'no.z.' })).toMatchObject({ nsid: HEX, rcode: 'NXDOMAIN' });
    expect(ask({ name: 'other.test.' })).toMatchObject({ nsid: HEX, rcode: 'REFUSED' });
    expect(ask({ edns: { size: 1232, options: Buffer.concat([ASK, ASK]) } }).nsid).toBe(HEX);
  });

  test('not asked for, it is not: from the cache neither', () => {
    const ask = server();
    const plain = { edns: { size: 1232 } };
    for (let round = 0; round < 3; round++) {
      expect(ask({}).nsid).toBe(HEX);
      expect(ask(plain).nsid).toBeUndefined();
      expect(ask({ name: 'no.z.' }).nsid).toBe(HEX);
      expect(ask({ name: 'none.z.', ...plain }).nsid).toBeUndefined();
    }
    const query = buildQuery({ name: 'www.z.', type: 'A' });
    expect(ask({}, query).edns).toBeUndefined();
  });

  test('a server without a name gives none', () => {
    expect(server({})({}).nsid).toBeUndefined();
    expect(server({ nsid: new Uint8Array(0) })({}).nsid).toBe('');
  });
});

describe('space', () => {
  test('the longest one fits 512 octets with the longest question, a cookie and an extended error', () => {
    const cookieSecrets = new CookieSecrets();
    cookieSecrets.set(new Uint8Array(16));
    const clock = { monotonicMs: 0, unixSeconds: 1_700_000_000, look: () => undefined };
    const ask = server({ nsid: Buffer.alloc(NSID_BYTES_MAX, 1), defences: { cookieSecrets, clock } });
    const label = 'l'.repeat(63);
    const name = `${label}.${label}.${label}.${'l'.repeat(61)}.`;
    const cookie = Buffer.concat([Buffer.from([0, 10, 0, 8]), Buffer.alloc(8, 7)]);
    const answer = ask({ name, edns: { size: 512, options: Buffer.concat([ASK, cookie]) } });
    expect(answer.edns?.options.get(10)).toHaveLength(48);
    expect([answer.nsid?.length, answer.edns?.options.has(15), answer.rcode]).toEqual([2 * NSID_BYTES_MAX, true, 'REFUSED']);
    expect(answer.length).toBeLessThanOrEqual(512);
  });

  test('a limited answer has none: a forged address is sent no more than was asked with', () => {
    const limiter = new RateLimiter({ rate: 1, slip: 1, dryRun: false, allow: [] }, new Uint8Array(16));
    const clock = { monotonicMs: 0, unixSeconds: 1_700_000_000, look: () => undefined };
    const ask = server({ nsid: Buffer.alloc(NSID_BYTES_MAX, 1), defences: { limiter, clock } });
    const answers = Array.from({ length: 20 }, () => ask({}));
    expect(answers[0]!.nsid).toBeDefined();
    const limited = answers.filter(({ length, queryLength }) => length <= queryLength);
    expect(limited.length).toBeGreaterThan(10);
    for (const each of limited) expect(each.nsid).toBeUndefined();
  });
});
