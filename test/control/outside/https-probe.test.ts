/** The probe against real HTTPS servers on this machine: what senders take, and the text for each way to fail. */
import { type AddressInfo, createServer } from 'node:net';
import { type RequestListener } from 'node:http';
import { type ServerOptions } from 'node:https';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseNetwork } from '#base/network.ts';
import { STS_POLICY_BYTES_MAX } from '#base/limits/mail.ts';
import { stsProbe } from '#control/outside/file-probes.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';
import { type Pair, type ThrowawayCa, httpsServer, throwawayCa } from '../../support/throwaway-ca.ts';

const HOST = 'mta-sts.example.com';
const URL = `https://${HOST}/.well-known/mta-sts.txt`;
const BODY = 'version: STSv1\r\nmode: testing\r\nmx: mx1.example.com\r\nmax_age: 86400\r\n';
const HERE = [parseNetwork('127.0.0.0/8')!];
const TEXT = { 'content-type': 'text/plain' };

let ca: ThrowawayCa;
let right: Pair;
beforeAll(() => {
  ca = throwawayCa();
  right = ca.leaf([HOST]);
});
afterAll(() => ca.remove());

const serves =
  (body: string | Buffer, headers: Record<string, string> = TEXT, status = 200): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

interface Setting {
  readonly tls?: ServerOptions;
  readonly table?: Table;
  readonly roots?: string;
  readonly networks?: typeof HERE;
  readonly stopped?: AbortSignal;
  readonly limitMs?: number;
}

/** What the probe gets from a server that does `listener`: the body, or the text of its failure. */
async function fetched(listener: RequestListener, setting: Setting = {}): Promise<string> {
  const server = await httpsServer({ ...right, ...setting.tls }, listener);
  onTestFinished(() => server.stop());
  return probed(server.port, setting);
}

function probed(port: number, { table = { [HOST]: { a: ['127.0.0.1'] } }, roots = ca.root, networks = HERE, ...more }: Setting = {}) {
  return stsProbe({ resolver: tableResolver(table), extraRoots: roots, networks, port, ...more })(URL).catch((error: unknown) =>
    String(error),
  );
}

describe('RFC 8461 §3.3: the fetch', () => {
  test('sends the name in SNI and Host, and nothing that caches would heed', async () => {
    const seen: unknown[] = [];
    const listener: RequestListener = (request, response) => {
      const { method, url, headers, socket } = request;
      seen.push({ method, url, headers, sni: 'servername' in socket ? socket.servername : undefined });
      response.writeHead(200, { 'Content-Type': 'Text/Plain; charset=utf-8' }).end(BODY);
    };
    expect(await fetched(listener)).toBe(BODY);
    expect(seen).toEqual([
      {
        method: 'GET',
        url: '/.well-known/mta-sts.txt',
        sni: HOST,
        headers: { host: HOST, accept: 'text/plain', 'accept-encoding': 'identity', 'user-agent': 'waxseal', connection: 'close' },
      },
    ]);
  });

  test('a wildcard certificate, and a host that is an alias', async () => {
    const table = { [HOST]: { cname: 'policies.other.example' }, 'policies.other.example': { a: ['127.0.0.1'] } };
    expect(await fetched(serves(BODY), { tls: ca.leaf(['*.example.com']), table })).toBe(BODY);
  });

  test('a body of 64 KiB is taken, one more octet is not', async () => {
    expect(await fetched(serves('x'.repeat(STS_POLICY_BYTES_MAX)))).toHaveLength(STS_POLICY_BYTES_MAX);
    expect(await fetched(serves('x'.repeat(STS_POLICY_BYTES_MAX + 1)))).toMatch(/size: more than 65536 octets/);
  });

  test.each<[string, RequestListener, RegExp]>([
    ['status 404', serves('', TEXT, 404), /HTTP: status 404, not 200/],
    ['status 203', serves(BODY, TEXT, 203), /HTTP: status 203, not 200/],
    [
      'a redirect',
      serves('', { location: 'https://other.example/x' }, 301),
      /status 301 leads to "https:\/\/other.example\/x"; senders follow no redirect/,
    ],
    ['HTML', serves(BODY, { 'content-type': 'text/html' }), /media type: "text\/html"; senders take text\/plain/],
    ['no media type', serves(BODY, {}), /media type: none/],
    ['an encoding', serves(BODY, { ...TEXT, 'content-encoding': 'gzip' }), /HTTP: content encoding "gzip"/],
    [
      'half a body',
      (_request, response) => response.writeHead(200, { ...TEXT, 'content-length': '99' }).write('half', () => response.destroy()),
      /HTTP: the host broke off/,
    ],
    ['no HTTP', (request) => request.socket.end('220 mail.example ESMTP\r\n'), /HTTP: .*HPE_/],
  ])('is refused: %s', async (_title, listener, text) => expect(await fetched(listener)).toMatch(text));
});

describe('RFC 8461 §3.3: the certificate', () => {
  const other = () => ca.leaf(['www.example.com', 'example.com']);
  test.each<[string, () => Setting, RegExp]>([
    ['for other names', () => ({ tls: other() }), /certificate: it is for www.example.com, example.com, not for mta-sts.example.com/],
    ['with a common name alone', () => ({ tls: ca.leaf([HOST], { isWithoutNames: true }) }), /certificate: it has no subjectAltName/],
    ['expired', () => ({ tls: ca.leaf([HOST], { to: '20210101000000Z' }) }), /certificate: .*has expired/],
    ['not valid yet', () => ({ tls: ca.leaf([HOST], { from: '20480101000000Z' }) }), /certificate: .*not valid yet/],
    ['self-signed', () => ({ tls: ca.selfSigned(HOST) }), /certificate: it is self-signed/],
    ['of a root nobody trusts', () => ({ tls: {}, roots: other().cert }), /certificate: its issuer is not known/],
    ['over TLS 1.1', () => ({ tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } }), /TLS: /],
  ])('is refused: %s', async (_title, setting, text) => expect(await fetched(serves(BODY), setting())).toMatch(text));
});

describe('names and addresses', () => {
  test.each<[string, Setting, RegExp]>([
    ['no such name', { table: {} }, /DNS: mta-sts.example.com does not exist/],
    ['no address', { table: { [HOST]: { txt: ['x'] } } }, /DNS: mta-sts.example.com has no address/],
    ['no answer', { table: { [HOST]: { timeout: true } } }, /DNS: mta-sts.example.com: TIMEOUT/],
    ['nobody at the port', {}, /connect: 127.0.0.1 refused/],
  ])('%s', async (_title, setting, text) => expect(await probed(await closedPort(), setting)).toMatch(text));

  test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', '::ffff:10.0.0.1', 'fd00::1', 'fe80::1', '64:ff9b::a00:1', '2001:db8::1'])(
    '%s is not connected to unless the configuration says so: nobody outside reaches it',
    async (ip) => {
      const table = { [HOST]: ip.includes(':') ? { aaaa: [ip] } : { a: [ip] } };
      expect(await fetched(serves(BODY), { table, networks: [] })).toMatch(/DNS: .* has the address .*, which no host outside can reach/);
    },
  );

  test('each address is asked; one that refuses does not count, one that gives another body does', async () => {
    const first = await httpsServer(right, serves(BODY));
    onTestFinished(() => first.stop());
    const table = { [HOST]: { a: ['127.0.0.1', '127.0.0.2'] } };
    expect(await probed(first.port, { table })).toBe(BODY);
    const second = await httpsServer(right, serves(BODY.replace('testing', 'enforce')), { ip: '127.0.0.2', port: first.port });
    onTestFinished(() => second.stop());
    expect(await probed(first.port, { table })).toBe('ProbeFailure: HTTP: not all addresses give the same body (at 127.0.0.2)');
  });

  test('the time for all of it is limited: silence before TLS, silence after it, a body by drops', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const limitMs = 300;
    expect(await probed(port, { limitMs })).toBe('ProbeFailure: TLS: not done in time');
    expect(await fetched(() => {}, { limitMs })).toBe('ProbeFailure: HTTP: not done in time');
    const drops: RequestListener = (_request, response) => {
      response.writeHead(200, TEXT);
      const timer = setInterval(() => response.write('x'), 50);
      response.once('close', () => clearInterval(timer));
    };
    expect(await fetched(drops, { limitMs })).toBe('ProbeFailure: HTTP: not done in time');
  });

  test('a process that ends waits for nobody', async () => {
    const stopped = new AbortController();
    const listener: RequestListener = () => stopped.abort();
    expect(await fetched(listener, { stopped: stopped.signal })).toMatch(/HTTP: /);
    expect(await probed(1, { stopped: stopped.signal })).toMatch(/ProbeFailure/);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
