/**
 * DNS cookies on the running server: every case of RFC 7873 §5.2 and §5.4 over UDP (both kinds of socket) and TCP, and, with one secret, that what
 * Knot and BIND mint is taken here and what is minted here is taken by them.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { type CookiePeer, startCookiePeer } from '../support/cookie-peers.ts';
import { tcpQuery, udpQuery } from '../support/dns-client.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { putZones } from '../support/waxseal.ts';
import { type WireMessage, buildQuery, parseMessage } from '../support/wire.ts';

const SECRET = '3061d6d6c9ad2f1ee4a76a0fd4c9a2b1';
const OLD_SECRET = '00112233445566778899aabbccddeeff';
const CLIENT_COOKIE = '0123456789abcdef';
/** The TXT answer has 500 octets: header 12, question 17, record 12 + 448, OPT 11. */
const ZONE = `$ORIGIN example.
@ 300 SOA ns host 1 3600 600 86400 300
@ 300 NS ns
ns 300 A 192.0.2.1
www 300 A 192.0.2.2
big 300 TXT ${'x'.repeat(255)} ${'y'.repeat(191)}
`;

const option = (cookie: string) => {
  const data = Buffer.from(cookie, 'hex');
  const head = Buffer.alloc(4);
  head.writeUInt16BE(10, 0);
  head.writeUInt16BE(data.length, 2);
  return Buffer.concat([head, data]);
};

interface Asked extends WireMessage {
  /** Of the answer, in hex; undefined without one. */
  readonly cookie: string | undefined;
}

/** Asks for www.example. A with these cookies (hex), or without EDNS. */
async function ask(to: Endpoint, cookies: readonly string[] | 'plain', transport: 'udp' | 'tcp' = 'udp', octets?: Buffer): Promise<Asked> {
  const edns = cookies === 'plain' ? undefined : { size: 1232, options: Buffer.concat(cookies.map(option)) };
  const query = octets ?? buildQuery({ name: 'www.example.', type: 'A', id: 4711, ...(edns === undefined ? {} : { edns }) });
  const reply = await (transport === 'tcp' ? tcpQuery : udpQuery)(ipPort(to.address, to.port), query);
  if (reply === undefined) throw new Error(`${to.name} gave no answer`);
  const message = parseMessage(reply);
  return { ...message, cookie: message.edns?.options.get(10) };
}

/** No question, one OPT with these cookies (RFC 7873 §5.4). */
function cookieOnly(cookie: string): Buffer {
  const query = buildQuery({ name: '.', type: 'A', id: 4711, edns: { size: 1232, options: option(cookie) } });
  query.writeUInt16BE(0, 4);
  return Buffer.concat([query.subarray(0, 12), query.subarray(17)]);
}

const folder = mkdtempSync(join(tmpdir(), 'waxseal-cookies-'));
const secretFile = join(folder, 'secret');
const previousFile = join(folder, 'previous');
const config = `[cookies]\nsecret_file = "${secretFile}"\nprevious_secret_file = "${previousFile}"\n`;

beforeAll(() => {
  writeFileSync(secretFile, `${SECRET}\n`);
  writeFileSync(previousFile, `0x${OLD_SECRET}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['mmsg', 'dgram'] as const)('cookies, UDP by %s', (udp) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ udp, config });
    await putZones(server, [{ name: 'example.', text: ZONE }], 'off');
  });
  afterAll(() => server.stop());

  test('without EDNS, or without the option, there is none in the answer', async () => {
    expect((await ask(server, 'plain')).edns).toBeUndefined();
    expect(await ask(server, [])).toMatchObject({ rcode: 'NOERROR', cookie: undefined });
  });

  test.for(['udp', 'tcp'] as const)('RFC 7873 §5.2.3–5.2.5 over %s', async (transport) => {
    const first = await ask(server, [CLIENT_COOKIE], transport);
    expect(first).toMatchObject({ rcode: 'NOERROR' });
    expect(first.cookie).toMatch(new RegExp(`^${CLIENT_COOKIE}01000000[0-9a-f]{24}$`));
    expect(first.answer).toHaveLength(1);
    // A good one that is young comes back as it is.
    expect(await ask(server, [first.cookie!], transport)).toMatchObject({ rcode: 'NOERROR', cookie: first.cookie });
    // A bad one does not matter while nobody is limited; the answer brings a good one.
    const bad = `${CLIENT_COOKIE}${'0'.repeat(32)}`;
    const second = await ask(server, [bad], transport);
    expect(second).toMatchObject({ rcode: 'NOERROR' });
    expect(second.answer).toHaveLength(1);
    expect(await ask(server, [second.cookie!], transport)).toMatchObject({ cookie: second.cookie });
    // Of several, the first counts.
    expect((await ask(server, [CLIENT_COOKIE, 'ff'], transport)).cookie).toMatch(new RegExp(`^${CLIENT_COOKIE}`));
  });

  test('RFC 7873 §5.2.2: a length that no cookie has is a FORMERR', async () => {
    for (const length of [0, 1, 7, 9, 15, 41, 100])
      expect(await ask(server, ['ab'.repeat(length)]), `${length} octets`).toMatchObject({
        rcode: 'FORMERR',
        cookie: undefined,
        answer: [],
      });
    for (const length of [8, 16, 17, 39, 40])
      expect(await ask(server, ['ab'.repeat(length)]), `${length} octets`).toMatchObject({ rcode: 'NOERROR' });
  });

  test('RFC 7873 §5.4: a query with a cookie and no question', async () => {
    const learnt = await ask(server, [], 'udp', cookieOnly(CLIENT_COOKIE));
    expect(learnt).toMatchObject({ rcode: 'NOERROR', question: '', answer: [], authority: [], additional: [] });
    expect(await ask(server, [], 'udp', cookieOnly(learnt.cookie!))).toMatchObject({ rcode: 'NOERROR', cookie: learnt.cookie });
    const bad = await ask(server, [], 'udp', cookieOnly(`${CLIENT_COOKIE}${'0'.repeat(32)}`));
    expect(bad.rcode).toBe('RCODE23');
    expect(bad.cookie).toHaveLength(48);
    // Still a fault without a cookie.
    const none = buildQuery({ name: '.', type: 'A', edns: { size: 1232 } });
    none.writeUInt16BE(0, 4);
    expect(await ask(server, [], 'udp', Buffer.concat([none.subarray(0, 12), none.subarray(17)]))).toMatchObject({ rcode: 'FORMERR' });
  });

  test('an answer that fits in 512 octets only without its cookie is truncated', async () => {
    const asked = (options: Buffer) =>
      ask(server, [], 'udp', buildQuery({ name: 'big.example.', type: 'TXT', edns: { size: 512, options } }));
    const without = await asked(Buffer.alloc(0));
    expect([without.flags.has('TC'), without.size]).toEqual([false, 500]);
    const withCookie = await asked(option(CLIENT_COOKIE));
    expect([withCookie.flags.has('TC'), withCookie.answer.length, withCookie.size]).toEqual([true, 0, 12 + 17 + 11 + 28]);
  });

  test('what was counted is in the metrics', async () => {
    const isCounted = await server.eventually(async () => {
      const metrics = await (await server.api('GET', '/metrics')).text();
      return ['client_only', 'valid', 'invalid', 'malformed'].every((result) =>
        new RegExp(`^waxseal_cookies_total\\{result="${result}"\\} [1-9]`, 'm').test(metrics),
      );
    }, 5000);
    expect(isCounted).toBe(true);
  });

  test('RFC 9018 §5: new secrets by HUP; the old one still counts', async () => {
    const before = (await ask(server, [CLIENT_COOKIE])).cookie!;
    const next = 'f0e1d2c3b4a5968778695a4b3c2d1e0f';
    writeFileSync(secretFile, next);
    writeFileSync(previousFile, SECRET);
    server.child.kill('SIGHUP');
    const changed = await server.eventually(async () => (await ask(server, [before])).cookie !== before, 5000);
    expect(changed).toBe(true);
    expect(await ask(server, [], 'udp', cookieOnly(before))).toMatchObject({ rcode: 'NOERROR' });
    writeFileSync(secretFile, 'rubbish');
    server.child.kill('SIGHUP');
    expect(await server.eventually(() => server.log().includes('cookie secrets stay as they are'), 5000)).toBe(true);
    expect(await ask(server, [], 'udp', cookieOnly(before))).toMatchObject({ rcode: 'NOERROR' });
    writeFileSync(secretFile, SECRET);
    writeFileSync(previousFile, OLD_SECRET);
  });
});

describe('RFC 9018: one secret, three servers', () => {
  let server: RunningServer;
  const peers: CookiePeer[] = [];
  beforeAll(async () => {
    const starting = [startCookiePeer('knot', SECRET), startCookiePeer('bind', SECRET)];
    server = await startServer({ config });
    peers.push(...(await Promise.all(starting)));
    await putZones(server, [{ name: 'example.', text: ZONE }], 'off');
  });
  afterAll(async () => {
    await Promise.all([...peers.map((peer) => peer.stop()), server.stop()]);
  });

  const everywhere = (): readonly Endpoint[] => [server, ...peers];
  const probe = async (to: Endpoint, cookie: string) =>
    // Knot has no §5.4; an ordinary question shows as much, since it and BIND refuse bad cookies here.
    (to.name === 'waxseal' ? await ask(to, [], 'udp', cookieOnly(cookie)) : await ask(to, [cookie])).rcode;

  test('each takes what any of them has minted', async () => {
    for (const mint of everywhere()) {
      const { cookie } = await ask(mint, [CLIENT_COOKIE]);
      expect(cookie, `minted by ${mint.name}`).toHaveLength(48);
      for (const judge of everywhere())
        expect(await probe(judge, cookie!), `minted by ${mint.name}, judged by ${judge.name}`).toBe('NOERROR');
    }
  });

  test('each refuses the same cookie with one bit changed', async () => {
    const { cookie } = await ask(server, [CLIENT_COOKIE]);
    const octets = Buffer.from(cookie!, 'hex');
    octets[20]! ^= 1;
    for (const judge of everywhere()) expect(await probe(judge, octets.toString('hex')), `judged by ${judge.name}`).toBe('RCODE23');
  });

  test('a cookie made with the other configured secret is taken here', async () => {
    const other = await startCookiePeer('bind', OLD_SECRET);
    try {
      const { cookie } = await ask(other, [CLIENT_COOKIE]);
      expect(await probe(server, cookie!)).toBe('NOERROR');
      expect(await probe(peers[0]!, cookie!)).toBe('RCODE23');
    } finally {
      await other.stop();
    }
  });
});

test('a secret that is none stops the start, with its file', async () => {
  const bad = join(folder, 'bad');
  writeFileSync(bad, 'deadbeef');
  await expect(startServer({ config: `[cookies]\nsecret_file = "${bad}"\n` })).rejects.toThrow(
    /78[^]*32 hexadecimal digits[^]*COOKIE_SECRET_FILE/,
  );
});
