/** Cookies and rate limits in the responder, on a clock of the test's: what is exempt, what shares a bucket, what a limited answer looks like. */
import { describe, expect, test } from 'vitest';
import { ANSWER_SLOTS, ANSWER_SLOT_COUNT } from '#answer/count/counters.ts';
import { CookieSecrets } from '#answer/defence/cookie-secrets.ts';
import { RateLimiter } from '#answer/defence/rate-limit.ts';
import { Responder } from '#answer/respond.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { type RateLimitSettings } from '#base/ipc/messages.ts';
import { RRL_BURST_SECONDS } from '#base/limits/answer.ts';
import { dummySigned } from '../support/dummy-signed.ts';
import { MemorySource } from '../support/memory-source.ts';
import { zoneOf } from '../support/random-zone.ts';
import { type QueryShape, type WireMessage, buildQuery, parseMessage } from '../support/wire.ts';

const RATE = 5;
const BURST = RATE * RRL_BURST_SECONDS;
const SECRET = Uint8Array.from({ length: 16 }, (_, each) => each);
const CLIENT_COOKIE = '0123456789abcdef';
const FROM = '192.0.2.1';

const view = dummySigned(
  zoneOf(
    'z.',
    `@ 60 SOA ns.z. host.z. 1 3600 600 86400 300
     @ 60 NS ns
     ns 60 A 192.0.2.53
     www 60 A 192.0.2.80
     www 60 TXT "${'t'.repeat(200)}"
     *.wild 60 A 192.0.2.81
     *.alias 60 CNAME www
     cut 60 NS ns.cut
     ns.cut 60 A 192.0.2.54
     tree 60 DNAME elsewhere.test.`,
  ),
);

const cookieOption = (hex: string) => {
  const data = Buffer.from(hex, 'hex');
  return Buffer.concat([Buffer.from([0, 10, 0, data.length]), data]);
};

function server(changed: Partial<RateLimitSettings> = {}) {
  const clock = { monotonicMs: 0, unixSeconds: 1_700_000_000, look: () => undefined };
  const cookieSecrets = new CookieSecrets();
  cookieSecrets.set(SECRET);
  const limiter = new RateLimiter({ rate: RATE, slip: 1, dryRun: false, allow: [], ...changed }, SECRET);
  const counters = new Float64Array(ANSWER_SLOT_COUNT);
  const responder = new Responder(new MemorySource([{ view, signed: true }]), { counters, defences: { cookieSecrets, limiter, clock } });
  const out = Buffer.alloc(65_535);
  const client = newClientAddress();
  const send = (query: Buffer, from = FROM, transport: 'udp' | 'tcp' = 'udp'): WireMessage | undefined => {
    setClientAddress(client, from);
    const length = responder.respond(query, query.length, out, transport, client);
    return length === 0 ? undefined : parseMessage(Buffer.from(out.subarray(0, length)));
  };
  const shape = (name: string, type: string, cookie?: string): QueryShape => ({
    name,
    type,
    edns: { size: 1232, ...(cookie === undefined ? {} : { options: cookieOption(cookie) }) },
  });
  const ask = (
    question: string,
    { from = FROM, transport = 'udp', cookie }: { from?: string; transport?: 'udp' | 'tcp'; cookie?: string } = {},
  ) => {
    const [name, type = 'A'] = question.split(' ');
    return send(buildQuery(shape(name!, type, cookie)), from, transport);
  };
  /** How many of so many are answered whole, at one moment. */
  const whole = (count: number, question: (each: number) => string, options?: Parameters<typeof ask>[1]) => {
    let answered = 0;
    for (let each = 0; each < count; each++) if (ask(question(each), options)?.flags.has('TC') === false) answered++;
    return answered;
  };
  const count = (slot: string) => counters[ANSWER_SLOTS.indexOf(slot)];
  return { clock, send, ask, whole, count };
}

describe('answers of one kind about one thing share a limit', () => {
  test.for([
    ['data of one name, in any case, of any type', (each: number) => (each % 2 === 0 ? 'www.z. A' : 'wWw.Z. TXT')],
    ['a wildcard`s data', (each: number) => `h${each}.wild.z.`],
    ['a wildcard`s alias', (each: number) => `h${each}.alias.z.`],
    ['NXDOMAIN and NODATA of a zone', (each: number) => (each % 2 === 0 ? `h${each}.z.` : 'www.z. MX')],
    ['names below a delegation', (each: number) => `h${each}.cut.z.`],
    ['names below a DNAME', (each: number) => `h${each}.tree.z.`],
    ['REFUSED', (each: number) => `h${each}.test.`],
  ] as const)('%s', ([, question]) => {
    expect(server().whole(10 * BURST, question)).toBe(BURST);
  });

  test('and names apart are apart', () => {
    const { whole } = server();
    for (const question of ['www.z.', 'ns.z.', 'a.wild.z.', 'no.z.', 'cut.z.', 'a.tree.z.', 'test.'])
      expect(
        whole(2 * BURST, () => question),
        `question ${question}`,
      ).toBe(BURST);
  });

  test('malformed queries too', () => {
    const { send } = server();
    const broken = Buffer.concat([buildQuery({ name: 'www.z.', type: 'A' }), Buffer.from([0])]);
    const outcomes = Array.from({ length: 2 * BURST }, () => send(broken)!);
    expect(outcomes.filter((each) => !each.flags.has('TC') && each.rcode === 'FORMERR')).toHaveLength(BURST);
  });
});

describe('a limited answer', () => {
  const limited = (changed?: Partial<RateLimitSettings>) => {
    const all = server(changed);
    all.whole(20 * BURST, () => 'www.z. TXT');
    return all;
  };
  test('has TC, the question, and nothing else, and is no longer than its query', () => {
    const { ask } = limited();
    const query = buildQuery({ name: 'www.z.', type: 'TXT', edns: { size: 1232 } });
    expect(ask('www.z. TXT')).toMatchObject({ rcode: 'NOERROR', answer: [], authority: [], additional: [], size: query.length });
    expect([...ask('www.z. TXT')!.flags].toSorted()).toEqual(['AA', 'QR', 'TC']);
  });
  test('is BADCOOKIE for who sent a cookie without server part, or a bad one; then with its cookie everything is answered', () => {
    for (const cookie of [CLIENT_COOKIE, `${CLIENT_COOKIE}${'0'.repeat(32)}`]) {
      const { ask, whole, count } = limited();
      const told = ask('www.z. TXT', { cookie }) ?? ask('www.z. TXT', { cookie });
      expect(told).toMatchObject({ rcode: 'RCODE23', answer: [] });
      expect(whole(10 * BURST, () => 'www.z. TXT', { cookie: told!.edns!.options.get(10)! })).toBe(10 * BURST);
      expect(count('rrl.badcookie')).toBe(1);
      expect(count('cookie.valid')).toBe(10 * BURST);
    }
  });
  test('that is longer than its query comes every second time at most', () => {
    const { ask } = limited();
    const answers = Array.from({ length: 20 }, () => ask('www.z. TXT', { cookie: CLIENT_COOKIE }));
    expect(answers.filter((each) => each !== undefined)).toHaveLength(10);
  });
  test('never stays limited over TCP, for the allow list, or once it is over', () => {
    expect(limited().whole(BURST, () => 'www.z. TXT', { transport: 'tcp' })).toBe(BURST);
    expect(limited({ allow: ['192.0.2.0/24'] }).whole(BURST, () => 'www.z. TXT')).toBe(BURST);
    const { clock, whole } = limited();
    clock.monotonicMs += 4000;
    expect(whole(BURST, () => 'www.z. TXT')).toBe(BURST);
  });
  test('is counted by what was done', () => {
    const { count } = limited({ slip: 4 });
    expect([count('rrl.truncated'), count('rrl.dropped')]).toEqual([Math.ceil((19 * BURST) / 4), 19 * BURST - Math.ceil((19 * BURST) / 4)]);
  });
  test('in a dry run is whole, and counted', () => {
    const { whole, count } = limited({ dryRun: true });
    expect(whole(BURST, () => 'www.z. TXT')).toBe(BURST);
    expect(count('rrl.dry_run')).toBe(20 * BURST);
  });
});

test('without a client address there are no cookies and no limits', () => {
  const cookieSecrets = new CookieSecrets();
  cookieSecrets.set(SECRET);
  const limiter = new RateLimiter({ rate: 1, slip: 1, dryRun: false, allow: [] }, SECRET);
  const clock = { monotonicMs: 0, unixSeconds: 0, look: () => undefined };
  const responder = new Responder(new MemorySource([{ view, signed: true }]), { defences: { cookieSecrets, limiter, clock } });
  const out = Buffer.alloc(1232);
  const query = buildQuery({ name: 'www.z.', type: 'A', edns: { size: 1232, options: cookieOption(CLIENT_COOKIE) } });
  for (let each = 0; each < 100; each++) {
    const message = parseMessage(Buffer.from(out.subarray(0, responder.respond(query, query.length, out, 'udp'))));
    expect([message.flags.has('TC'), message.edns?.options.size]).toEqual([false, 0]);
  }
});
