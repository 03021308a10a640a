/** Server cookies: the vectors of RFC 9018 appendix A, and the edges of every rule. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COOKIE, COOKIE_OPTION_BYTES, Cookies } from '#answer/defence/cookie.ts';
import { CookieSecrets, parseCookieSecret } from '#answer/defence/cookie-secrets.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';

const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const STATES = Object.fromEntries(Object.entries(COOKIE).map(([name, state]) => [state, name]));

function server(current = SECRET, other = current) {
  const secrets = new CookieSecrets();
  secrets.set(Buffer.from(current, 'hex'), Buffer.from(other, 'hex'));
  const cookies = new Cookies(secrets);
  return {
    secrets,
    /** What the option is worth, and the one in the answer, both in hex. */
    ask: (cookie: string, from: string, nowSeconds: number): readonly [string, string] => {
      const client = newClientAddress();
      setClientAddress(client, from);
      // Something before and behind, as in a message.
      const query = Buffer.from(`ffff${cookie}ffff`, 'hex');
      const state = STATES[cookies.read(query, 2, cookie.length / 2, client, nowSeconds)]!;
      if (state === 'MALFORMED') return [state, ''];
      const out = Buffer.alloc(64, 0xaa);
      expect(cookies.write(out, 3)).toBe(3 + COOKIE_OPTION_BYTES);
      expect(out.readUInt16BE(3)).toBe(10);
      expect(out.readUInt16BE(5)).toBe(24);
      expect(out[3 + COOKIE_OPTION_BYTES]).toBe(0xaa);
      return [state, out.toString('hex', 7, 3 + COOKIE_OPTION_BYTES)];
    },
  };
}

describe('RFC 9018 appendix A', () => {
  test('A.1: learning a new server cookie', () => {
    expect(server().ask('2464c4abcf10c957', '198.51.100.100', 0x5cf79f11)).toEqual([
      'CLIENT_ONLY',
      '2464c4abcf10c957010000005cf79f111f8130c3eee29480',
    ]);
  });
  test('A.2: the same client, with a cookie of 40 minutes ago', () => {
    expect(server().ask('2464c4abcf10c957010000005cf79f111f8130c3eee29480', '198.51.100.100', 0x5cf7a871)).toEqual([
      'VALID',
      '2464c4abcf10c957010000005cf7a871d4a564a1442aca77',
    ]);
  });
  test('A.3: another client, whose cookie has reserved octets set: they are hashed as they came, and 0 in the new one', () => {
    const cookie = 'fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5';
    expect(server().ask(cookie, '203.0.113.203', 0x5cf78f71 + 1900)[0]).toBe('VALID');
    // In the RFC's example it has meanwhile become too old.
    expect(server().ask(cookie, '203.0.113.203', 0x5cf7a9ac)).toEqual(['INVALID', 'fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e']);
  });
  test('A.4: an IPv6 client after the secret was changed', () => {
    const next = server('445536bcd2513298075a5d379663c962', 'dd3bdf9344b678b185a6f5cb60fca715');
    expect(next.ask('22681ab97d52c298010000005cf7c57926556bd0934c72f8', '2001:db8:220:1:59de:d0f4:8769:82b8', 0x5cf7c609)).toEqual([
      'VALID',
      '22681ab97d52c298010000005cf7c609a6bb79d16625507a',
    ]);
  });
});

describe('RFC 7873 §5.2.2: lengths of the option', () => {
  test.for(Array.from({ length: 45 }, (_, each) => each))('%i octets', (length) => {
    const [state] = server().ask('ab'.repeat(length), '192.0.2.1', 1_600_000_000);
    if (length === 8) expect(state).toBe('CLIENT_ONLY');
    else expect(state).toBe(length >= 16 && length <= 40 ? 'INVALID' : 'MALFORMED');
  });
});

describe('RFC 9018 §4.3: how long a cookie lasts', () => {
  const made = 0x6000_0000;
  const [, cookie] = server().ask('0011223344556677', '192.0.2.1', made);
  test.for([
    [-301, 'INVALID', 'new'],
    [-300, 'VALID', 'same'],
    [0, 'VALID', 'same'],
    [1800, 'VALID', 'same'],
    [1801, 'VALID', 'new'],
    [3600, 'VALID', 'new'],
    [3601, 'INVALID', 'new'],
    [0x7fff_ffff, 'INVALID', 'new'],
    [0x8000_0001, 'INVALID', 'new'],
  ] as const)('after %i s: %s, %s', ([seconds, state, which]) => {
    const answered = server().ask(cookie, '192.0.2.1', made + seconds);
    expect(answered[0]).toBe(state);
    expect(answered[1] === cookie ? 'same' : 'new').toBe(which);
  });

  test('the count of seconds runs over in 2106, cookies do not', () => {
    const [, late] = server().ask('0011223344556677', '192.0.2.1', 0xffff_fff0);
    expect(server().ask(late, '192.0.2.1', 0x1_0000_0020)[0]).toBe('VALID');
  });
});

describe('RFC 9018 §4: whose cookie it is', () => {
  const now = 1_700_000_000;
  const [, cookie] = server().ask('0011223344556677', '192.0.2.1', now);
  const flip = (at: number) => {
    const octets = Buffer.from(cookie, 'hex');
    octets[at]! ^= 1;
    return octets.toString('hex');
  };
  test('another address, also in the same network', () => {
    expect(server().ask(cookie, '192.0.2.2', now)[0]).toBe('INVALID');
    expect(server().ask(cookie, '2001:db8::1', now)[0]).toBe('INVALID');
  });
  test('an IPv4-mapped address is the IPv4 address', () => {
    expect(server().ask(cookie, '::ffff:192.0.2.1', now)[0]).toBe('VALID');
  });
  test('any octet changed', () => {
    for (let at = 0; at < 24; at++) expect(server().ask(flip(at), '192.0.2.1', now)[0], `octet ${at}`).toBe('INVALID');
  });
  test('a server cookie of another length or version is another server`s', () => {
    expect(server().ask(cookie.slice(0, 46), '192.0.2.1', now)[0]).toBe('INVALID');
    expect(server().ask(`${cookie}00`, '192.0.2.1', now)[0]).toBe('INVALID');
  });
  test('forged cookies, whatever they are', () => {
    const taken = server();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (hash) => {
        const forged = cookie.slice(0, 32) + Buffer.from(hash).toString('hex');
        expect(taken.ask(forged, '192.0.2.1', now)[0]).toBe(forged === cookie ? 'VALID' : 'INVALID');
      }),
    );
  });
});

describe('RFC 9018 §5: secrets', () => {
  const now = 1_700_000_000;
  const next = '00112233445566778899aabbccddeeff';
  test('a rotated secret counts at once, in every thread; the one before it is still taken, the one before that is not', () => {
    const { secrets, ask } = server();
    const elsewhere = new Cookies(new CookieSecrets(secrets.shared));
    const client = newClientAddress();
    setClientAddress(client, '192.0.2.1');
    const [, cookie] = ask('0011223344556677', '192.0.2.1', now);
    const octets = Buffer.from(cookie, 'hex');
    expect(elsewhere.read(octets, 0, 24, client, now)).toBe(COOKIE.VALID);
    secrets.set(Buffer.from(next, 'hex'), Buffer.from(SECRET, 'hex'));
    expect(elsewhere.read(octets, 0, 24, client, now)).toBe(COOKIE.VALID);
    // Made with the secret of before, it is replaced even when young.
    expect(ask(cookie, '192.0.2.1', now)[1]).toBe(server(next).ask('0011223344556677', '192.0.2.1', now)[1]);
    secrets.set(Buffer.from('ff'.repeat(16), 'hex'), Buffer.from(next, 'hex'));
    expect(elsewhere.read(octets, 0, 24, client, now)).toBe(COOKIE.INVALID);
  });

  test.for([
    [SECRET, true],
    [`0x${SECRET.toUpperCase()}\n`, true],
    [SECRET.slice(1), false],
    [`${SECRET}00`, false],
    ['', false],
    [`${SECRET}\n${SECRET}`, false],
  ] as const)('the text %j', ([text, good]) => {
    expect(parseCookieSecret(text) === undefined).toBe(!good);
    if (good) expect(Buffer.from(parseCookieSecret(text)!).toString('hex')).toBe(SECRET);
  });
});
