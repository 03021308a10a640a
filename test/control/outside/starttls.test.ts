/** One conversation with a real mail host on this machine: what it presents, and the text for each way in which nothing is seen. */
import { X509Certificate } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { STARTTLS_REPLY_BYTES_MAX } from '#base/limits/outside.ts';
import { type ProbeFailure } from '#control/outside/probe-failure.ts';
import { presentedAt } from '#control/outside/starttls.ts';
import { type Presented } from '#control/outside/tls-handshake.ts';
import { type StarttlsBehaviour, starttlsServer } from '../../support/mail/starttls-server.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';

const HOST = 'mx1.example.com';
let ca: ThrowawayCa;
let leaf: Pair;
let other: Pair;
beforeAll(() => {
  ca = throwawayCa();
  leaf = ca.leaf([HOST]);
  other = ca.leaf(['other.example']);
});
afterAll(() => ca.remove());

interface Setting {
  readonly behaviour?: StarttlsBehaviour;
  readonly pair?: Pair;
  readonly limitMs?: number;
}

async function host({ behaviour, pair = leaf }: Setting = {}) {
  const server = await starttlsServer(pair, behaviour);
  onTestFinished(() => server.stop());
  return server;
}

/** What was seen as `TLSv1.3 subject < issuer`, or why nothing was. */
const seen = ({ port }: { readonly port: number }, { limitMs = 20_000 }: Setting = {}) =>
  presentedAt({ ip: '127.0.0.1', port, host: HOST, signal: AbortSignal.timeout(limitMs) }).then(
    ({ tlsVersion, chain }: Presented) => `${tlsVersion} ${chain.map((der) => new X509Certificate(der).subject).join(' < ')}`,
    (failure: ProbeFailure) => failure.message,
  );

const failing = async (setting: Setting) => seen(await host(setting), setting);

describe('RFC 3207: what a mail host presents', () => {
  test('its certificate by SNI of the host, after EHLO and STARTTLS and nothing else', async () => {
    const server = await host();
    expect(await seen(server)).toBe(`TLSv1.3 CN=${HOST}`);
    expect(server.said).toEqual(['EHLO [127.0.0.1]', 'STARTTLS']);
    expect(server.names).toEqual([HOST]);
  });

  test('the issuers that are in the handshake, in their order, and none that is not there', async () => {
    const chained = { key: leaf.key, cert: `${leaf.cert}${ca.root}` };
    expect(await failing({ pair: chained })).toBe(`TLSv1.3 CN=${HOST} < CN=Throwaway CA`);
    const stranger = { key: leaf.key, cert: `${leaf.cert}${other.cert}` };
    expect(await failing({ pair: stranger })).toBe(`TLSv1.3 CN=${HOST}`);
  });

  test('a certificate that is expired, for another name, or signed by itself: TLSA records judge that', async () => {
    const expired = ca.leaf([HOST], { to: '20210101000000Z' });
    for (const pair of [expired, other, ca.selfSigned('x.test')]) expect(await failing({ pair })).toMatch(/^TLSv1\.3 CN=/);
  });

  test('TLS 1.2 is taken; replies may have many lines', async () => {
    const features = `${'250-X\r\n'.repeat(99)}250-starttls\r\n250 HELP\r\n`;
    const greeting = '220-mx.test waits\r\n220 mx.test ESMTP\r\n';
    expect(await failing({ behaviour: { maxVersion: 'TLSv1.2', features, greeting } })).toBe(`TLSv1.2 CN=${HOST}`);
  });
});

/** After its reply to STARTTLS the host says this, which is no TLS. */
const withoutTls = (after: string): StarttlsBehaviour => ({
  instead(socket) {
    socket.write('220 mx.test\r\n');
    socket.on('data', (octets) => {
      const word = octets.toString().slice(0, 4);
      socket.write(word === 'EHLO' ? '250-x\r\n250 STARTTLS\r\n' : word === 'STAR' ? '220 go on\r\n' : after);
    });
  },
});

describe('nothing is seen', () => {
  const write = (text: string | Buffer, end = false): StarttlsBehaviour => ({
    instead: (socket) => void (end ? socket.end(text) : socket.write(text)),
  });
  test.each<[string, StarttlsBehaviour, string]>([
    ['a host that is busy', { greeting: '421 too many\r\n' }, 'SMTP: the greeting: the host replies 421 too many'],
    ['EHLO is refused', { features: '550-go\r\n550 away\r\n' }, 'SMTP: EHLO: the host replies 550 go / away'],
    ['no STARTTLS', { features: '250-mx.test\r\n250 STARTTLSX\r\n' }, 'STARTTLS: it is not offered'],
    ['STARTTLS is refused', { ready: '454 no TLS now\r\n' }, 'SMTP: STARTTLS: the host replies 454 no TLS now'],
    [
      'RFC 3207 §6: a reply that was put in before TLS',
      { ready: '220 go on\r\n250 injected\r\n' },
      'STARTTLS: the host says more after its reply to STARTTLS and before TLS',
    ],
    ['another protocol', write('SSH-2.0-x\r\n'), 'SMTP: "SSH-2.0-x" is no reply of a mail server'],
    ['control characters', { greeting: '554 \x1b[31m\r\n' }, 'SMTP: the greeting: the host replies 554 \\x1b[31m'],
    [
      'too much',
      write('220-x\r\n'.repeat(STARTTLS_REPLY_BYTES_MAX / 7 + 1)),
      `SMTP: more than ${STARTTLS_REPLY_BYTES_MAX} octets before TLS`,
    ],
    ['the end', write('', true), 'SMTP: the host broke off'],
    ['the end inside a reply', write('220-mx', true), 'SMTP: the host broke off'],
  ])('%s', async (_title, behaviour, text) => expect(await failing({ behaviour })).toBe(text));

  test('TLS 1.1, and no TLS after STARTTLS', async () => {
    expect(await failing({ behaviour: { maxVersion: 'TLSv1.1' } })).toMatch(/^TLS: /);
    expect(await failing({ behaviour: withoutTls('220 no TLS here\r\n') })).toMatch(/^TLS: /);
  });

  test('a closed port', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await seen({ port })).toBe('connect: refused');
  });

  test('silence, at each step: the time for all of it is limited', async () => {
    const limitMs = 300;
    expect(await failing({ behaviour: { instead: () => {} }, limitMs })).toBe('SMTP: not done in time');
    expect(await failing({ behaviour: { ready: '' }, limitMs })).toBe('STARTTLS: not done in time');
    const drops: StarttlsBehaviour['instead'] = (socket) => {
      const timer = setInterval(() => socket.write('2'), 20);
      socket.once('close', () => clearInterval(timer));
    };
    expect(await failing({ behaviour: { instead: drops }, limitMs })).toBe('SMTP: not done in time');
    expect(await failing({ behaviour: withoutTls(''), limitMs })).toBe('TLS: not done in time');
  });
});
