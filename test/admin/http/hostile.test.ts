/**
 * What an attacker sends, octet by octet, over a real socket: requests that two programs understand differently, web
 * pages in an operator's browser, packed bodies, addresses and tokens where they do not count, and clients that do not
 * read. Expectations from RFC 9110 and RFC 9112.
 */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { HTTP_PIPELINED_MAX } from '#base/limits/admin.ts';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { adminRoutes } from '#admin/routes.ts';
import { ipPort } from '#base/address.ts';
import { fakeWithZone } from '../../support/admin/fake-control.ts';

interface Server {
  readonly port: number;
  readonly secret: string;
  /** What was logged. */
  readonly lines: readonly string[];
  /** How many changes were made so far. */
  readonly changes: () => number;
  readonly close: () => Promise<void>;
}

interface Times {
  readonly requestMsMax?: number;
  readonly idleMsMax?: number;
  /** How long a change takes. */
  readonly changeMs?: number;
}

async function start({ changeMs = 0, ...times }: Times = {}): Promise<Server> {
  const { control, tokens } = await fakeWithZone();
  const run = control.run.bind(control);
  if (changeMs > 0) control.run = async (...order) => delay(changeMs).then(() => run(...order));
  const lines: string[] = [];
  const log = createLog({ level: 'debug', fields: { process: 'control' }, to: { write: (line: string) => void lines.push(line) } });
  const app = await buildAdmin({ control, logger: log.with({ part: 'admin' }).pino, trustedProxies: ['192.0.2.10'] });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined, ...times });
  const port = Number(listeners.address.split(':')[1]);
  return { port, secret: tokens.admin, lines, changes: () => control.commands.length, close: () => listeners.close(0) };
}

/** What comes until the server closes the connection. */
function send(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => {
      for (const each of parts) socket.write(each);
    });
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => (text += chunk.toString('latin1')))
      .on('close', () => resolve(text));
  });
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
const codeOf = (text: string) => /"code":"([A-Z_]+)"/.exec(text)?.[1];
const HOST = 'Host: localhost\r\n';
const CLOSE = `${HOST}Connection: close\r\n`;
const JSON_TYPE = 'Content-Type: application/json\r\n';
const BODY = '{"ttl":60,"records":["192.0.2.7"]}';
const CHUNKED = `22\r\n${BODY}\r\n0\r\n\r\n`;
const PUT = 'PUT /v1/zones/example.com/rrsets/www/A HTTP/1.1';
/** A change with these headers; the token is put where it says so. */
const put = (headers: string, body: string | Buffer, line = PUT) => [`${line}\r\n${CLOSE}{token}${JSON_TYPE}${headers}\r\n`, body] as const;
const get = (headers = '', target = '/v1/zones', version = 'HTTP/1.1') =>
  [`GET ${target} ${version}\r\n${CLOSE}{token}${headers}\r\n`] as const;
const length = (body: string | Buffer) => `Content-Length: ${body.length}\r\n`;
const SECOND = `DELETE /v1/zones/example.com HTTP/1.1\r\n${CLOSE}{token}\r\n`;
const packed = gzipSync(BODY);

interface Row {
  readonly name: string;
  readonly sent: readonly (string | Buffer)[];
  readonly status: readonly number[];
  readonly code?: string;
  /** How many changes follow. */
  readonly changes?: number;
}

const row = (name: string, sent: Row['sent'], status: number | readonly number[], more: Partial<Row> = {}): Row => {
  return { name, sent, status: typeof status === 'number' ? [status] : status, ...more };
};

const FRAMING: readonly Row[] = [
  row('a change as it should be', put(length(BODY), BODY), 200, { changes: 1 }),
  row('the same in chunks', put('Transfer-Encoding: chunked\r\n', CHUNKED), 200, { changes: 1 }),
  row('RFC 9112 §6.1: a length, then chunks', put('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SECOND}`), 400),
  row('RFC 9112 §6.1: chunks, then a length', put('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${SECOND}`), 400),
  row('RFC 9112 §6.3: two lengths', put('Content-Length: 5\r\nContent-Length: 6\r\n', SECOND), 400),
  row('the same length twice', put(length(BODY) + length(BODY), BODY), 400),
  row('a list of lengths', put('Content-Length: 34, 34\r\n', BODY), 400),
  ...['+34', '-1', '0x22', '34 0', '99999999999999999999'].map((each) =>
    row(`the length ${each}`, put(`Content-Length: ${each}\r\n`, BODY), 400),
  ),
  row('RFC 9112 §6.1: a coding before chunked', put('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 400, { code: 'REQUEST' }),
  row('a coding after chunked', put('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'), 400),
  row('a coding that is almost chunked', put('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), 400),
  row('chunked twice', put('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', CHUNKED), 400),
  row('RFC 9112 §5.1: a blank before the colon', put('Transfer-Encoding : chunked\r\n', CHUNKED), 400),
  row('a control character before the value', put('Transfer-Encoding: \u000bchunked\r\n', CHUNKED), 400),
  row('RFC 9112 §6.1: chunks in HTTP/1.0', put('Transfer-Encoding: chunked\r\n', CHUNKED, PUT.replace('1.1', '1.0')), 400, {
    code: 'REQUEST',
  }),
  row('RFC 9112 §7.1: a chunk size that ends with LF alone', put('Transfer-Encoding: chunked\r\n', `22\n${BODY}\r\n0\r\n\r\n`), 400),
  row('a chunk size beyond all numbers', put('Transfer-Encoding: chunked\r\n', `fffffffffffffffff\r\n${BODY}`), 400),
  row(
    'RFC 9110 §6.5.1: a token in a trailer',
    [`${PUT}\r\n${CLOSE}${JSON_TYPE}Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n`, `22\r\n${BODY}\r\n0\r\n{token}\r\n`],
    401,
  ),
  row('RFC 9112 §5.2: a folded line', put(`X-Change-Reason: a\r\n b\r\n${length(BODY)}`, BODY), 400),
  row('RFC 9112 §2.2: lines that end with LF alone', [`GET /v1/zones HTTP/1.1\nHost: localhost\n\n`], 400),
  row('NUL in a value', get('X: a\0b\r\n'), 400),
  row('a blank in a name', get('X Y: a\r\n'), 400),
  row('RFC 9112 §2.3: HTTP/2.0', get('', '/v1/zones', 'HTTP/2.0'), 400, { code: 'REQUEST' }),
  row('HTTP/0.9', ['GET /v1/zones\r\n\r\n'], 400, { code: 'REQUEST' }),
  row('RFC 9113 §3.4: the preface of HTTP/2', ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], 400),
  row(
    'the body of a request without a token is no request',
    [`PUT /v1/zones HTTP/1.1\r\n${HOST}${JSON_TYPE}${length(SECOND)}\r\n`, SECOND, `GET /livez HTTP/1.1\r\n${CLOSE}\r\n`],
    [401, 200],
  ),
  row(
    'nor is that of a GET',
    [`GET /v1/zones HTTP/1.1\r\n${HOST}{token}${length(SECOND)}\r\n`, SECOND, `GET /livez HTTP/1.1\r\n${CLOSE}\r\n`],
    [200, 200],
  ),
  row(
    'RFC 9112 §9.3.2: three requests at once are answered in order',
    [
      `GET /livez HTTP/1.1\r\n${HOST}\r\n`,
      `GET /v1/none HTTP/1.1\r\n${HOST}{token}\r\n`,
      `${PUT}\r\n${CLOSE}{token}${JSON_TYPE}${length(BODY)}\r\n${BODY}`,
    ],
    [200, 404, 200],
    { changes: 1 },
  ),
];

const FIELDS: readonly Row[] = [
  row('RFC 9112 §3.2: two hosts', get('Host: evil.example.net\r\n'), 400, { code: 'REQUEST' }),
  row('the other host first', [`GET /v1/zones HTTP/1.1\r\nHost: evil.example.net\r\n${CLOSE}{token}\r\n`], 400, { code: 'REQUEST' }),
  row('no host', ['GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n'], 400),
  row('two tokens', get('Authorization: Bearer x\r\n'), 400, { code: 'REQUEST' }),
  row('two types of a body', put(`Content-Type: text/plain\r\n${length(BODY)}`, BODY), 400, { code: 'REQUEST' }),
  row('beyond two thousand other fields too', get(`${'a:\r\n'.repeat(2100)}Authorization: Bearer x\r\n`), 400, { code: 'REQUEST' }),
  row('RFC 9112 §3.2.2: the host of an absolute URL counts', get('', 'http://evil.example.net/v1/zones'), 421, { code: 'HOST_UNKNOWN' }),
  row(
    'and so does the header',
    [`GET http://localhost/v1/zones HTTP/1.1\r\nHost: evil.example.net\r\nConnection: close\r\n{token}\r\n`],
    421,
    { code: 'HOST_UNKNOWN' },
  ),
  row('with a name before the host', get('', 'http://localhost@evil.example.net/v1/zones'), 421, { code: 'HOST_UNKNOWN' }),
  row('an absolute URL of this server', get('', 'http://localhost/v1/zones'), 200),
  row('a URL of another kind', get('', 'ftp://localhost/v1/zones'), 404),
  row('a path that looks like a host', get('', '//evil.example.net/v1/zones'), 404),
  row('DNS rebinding', [`GET /v1/zones HTTP/1.1\r\nHost: rebound.example.net\r\nConnection: close\r\n{token}\r\n`], 421, {
    code: 'HOST_UNKNOWN',
  }),
  row('two hosts in one field', [`GET /livez HTTP/1.1\r\nHost: localhost, evil.example.net\r\nConnection: close\r\n\r\n`], 421),
  row('RFC 9110 §7.8: an upgrade is not made', get('Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'), 200),
  row('RFC 9110 §9.3.6: CONNECT', [`CONNECT evil.example.net:443 HTTP/1.1\r\n${CLOSE}{token}\r\n`], []),
  row('RFC 9110 §9.3.8: TRACE sends nothing back', [`TRACE /v1/zones HTTP/1.1\r\n${CLOSE}{token}\r\n`], 405),
  row('OPTIONS of the server', [`OPTIONS * HTTP/1.1\r\n${CLOSE}{token}\r\n`], 404),
  row(
    'a method in a header',
    [`POST /v1/zones/example.com HTTP/1.1\r\n${CLOSE}{token}X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n`],
    405,
  ),
  row('RFC 9110 §10.1.1: an expectation that is not met', put(`Expect: 200-magic\r\n${length(BODY)}`, BODY), 417),
  row('RFC 9110 §8.4: a packed body', put(`Content-Encoding: gzip\r\n${length(packed)}`, packed), 415, { code: 'BODY_TYPE' }),
  row('a body that says it is packed', put(`Content-Encoding: br\r\n${length(BODY)}`, BODY), 415, { code: 'BODY_TYPE' }),
  row('packed twice', put(`Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n${length(packed)}`, packed), 415, { code: 'BODY_TYPE' }),
  row('one that says that it is not', put(`Content-Encoding: identity\r\n${length(BODY)}`, BODY), 200, { changes: 1 }),
  row('a long name', get('', `/v1/zones/${'a'.repeat(8000)}`), 414),
  row('a long URL', get('', `/v1/zones/${'a'.repeat(80_000)}`), 431),
  row('long fields', get(`X: ${'a'.repeat(80_000)}\r\n`), 431),
  row('a long parameter', get('', `/v1/zones?limit=${'1'.repeat(8000)}`), 400, { code: 'PARAMETER' }),
  row('a path upwards', get('', '/v1/../v1/zones'), 404),
  row('a path out of the pages of the description', get('', '/docs/static/..%2f..%2f..%2f..%2fetc%2fpasswd'), 404, {
    code: 'ROUTE_NOT_FOUND',
  }),
  row('what is no escape', get('', '/v1/zones/%zz'), 400),
  row('what is no UTF-8', get('', '/v1/zones/%c0%af'), 400),
  row('an escaped NUL', get('', '/v1/zones/a%00b'), 422),
];

const WHO: readonly Row[] = [
  ...['access_token={secret}', 'token={secret}', 'q={secret}', 'a=wax%5F{id}%5Fx'].map((each) =>
    row(`RFC 6750 §2.3: ${each} in the URL`, [`GET /v1/zones?${each} HTTP/1.1\r\n${CLOSE}\r\n`], 400, { code: 'REQUEST' }),
  ),
  row('a token in the path', [`DELETE /v1/tokens/{secret} HTTP/1.1\r\n${CLOSE}{token}\r\n`], 400, { code: 'REQUEST' }),
  row('a token before the host', [`GET http://admin:{secret}@localhost/v1/zones HTTP/1.1\r\n${CLOSE}\r\n`], 400, { code: 'REQUEST' }),
  row('a token in a cookie', [`GET /v1/zones HTTP/1.1\r\n${CLOSE}Cookie: token={secret}\r\n\r\n`], 401),
  row(
    'RFC 6750 §2.2: a token in a form',
    [`POST /v1/zones HTTP/1.1\r\n${CLOSE}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\n\r\naccess_token=x`],
    401,
  ),
  row('a token as a password', [`GET /v1/zones HTTP/1.1\r\n${CLOSE}Authorization: Basic {basic}\r\n\r\n`], 401),
  row('the header of another API', [`GET /v1/zones HTTP/1.1\r\n${CLOSE}X-API-Key: {secret}\r\n\r\n`], 401),
];

/** What a page of another origin makes a browser send (Fetch Standard §3.2, §4.8): never with a token. */
const PAGE = 'Origin: https://evil.example.net\r\nSec-Fetch-Site: cross-site\r\nReferer: https://evil.example.net/\r\n';
const BROWSER: readonly Row[] = [
  ...['PUT', 'DELETE', 'PATCH', 'POST'].map((method) =>
    row(
      `a preflight for ${method}`,
      [
        `OPTIONS /v1/zones/example.com/rrsets HTTP/1.1\r\n${CLOSE}${PAGE}Access-Control-Request-Method: ${method}\r\nAccess-Control-Request-Headers: authorization\r\n\r\n`,
      ],
      401,
    ),
  ),
  ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json'].map((type) =>
    row(`a form of type ${type}`, [`POST /v1/zones HTTP/1.1\r\n${CLOSE}${PAGE}Content-Type: ${type}\r\n${length(BODY)}\r\n${BODY}`], 401),
  ),
  row('an image', [`GET /v1/zones/example.com/export HTTP/1.1\r\n${CLOSE}${PAGE}\r\n`], 401),
  row('an answer that is open to all, which a page cannot read', [`GET /livez HTTP/1.1\r\n${CLOSE}${PAGE}\r\n`], 200),
];

describe.each([
  ['requests that two programs read differently', FRAMING],
  ['fields and targets', FIELDS],
  ['a token where it does not belong', WHO],
  ['a web page in the browser of an operator', BROWSER],
])('%s', (_, rows) => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.close());

  test.each(rows)('$name: $status', async ({ sent, status, code, changes: made = 0 }) => {
    const { port, secret, changes, lines } = server;
    const texts: Readonly<Record<string, string>> = {
      token: `Authorization: Bearer ${secret}\r\n`,
      secret,
      id: secret.split('_')[1]!,
      basic: Buffer.from(`x:${secret}`).toString('base64'),
    };
    const fill = (each: string) => each.replaceAll(/\{(token|secret|id|basic)\}/g, (_all, name: string) => texts[name]!);
    // The length of a body that has the token in it is that of the filled one.
    const filled = sent.map((each) => (typeof each === 'string' ? fill(each.replaceAll(length(SECOND), length(fill(SECOND)))) : each));
    const before = changes();
    const answer = await send(port, ...filled);
    expect([statuses(answer), changes() - before]).toEqual([status, made]);
    if (code !== undefined) expect(codeOf(answer)).toBe(code);
    // Neither an answer nor the log has the secret, and no page of another origin may read an answer.
    for (const text of [answer, ...lines]) expect(text).not.toContain(secret);
    expect(answer).not.toMatch(/access-control-allow/i);
    if (codeOf(answer) !== undefined) expect(answer).toMatch(/cross-origin-resource-policy: same-origin/i);
  });
});

describe('slow and silent clients', () => {
  test.each([
    ['a head that comes octet by octet', 'GET /livez HTTP/1.1\r\nHos', [408]],
    ['a body that never ends', `${PUT}\r\n${HOST}${JSON_TYPE}Authorization: Bearer {secret}\r\nContent-Length: 100\r\n\r\n{`, [408]],
    [
      'chunks that never end',
      `${PUT}\r\n${HOST}${JSON_TYPE}Authorization: Bearer {secret}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{`,
      [408],
    ],
  ])('%s is ended', async (_, text, status) => {
    const { port, secret, changes, close } = await start({ requestMsMax: 300 });
    onTestFinished(close);
    const before = changes();
    expect([statuses(await send(port, text.replace('{secret}', secret))), changes()]).toEqual([status, before]);
  });

  /** Half a megabyte for each. */
  const large = (secret: string, count: number) =>
    `GET /docs/json HTTP/1.1\r\n${HOST}Authorization: Bearer ${secret}\r\n\r\n`.repeat(count);

  test('a thousand requests at once are answered by the first few, and an end', async () => {
    const { port, secret, close } = await start();
    onTestFinished(close);
    const found = statuses(await send(port, large(secret, 1000)));
    // With requests unread the end is a reset, which the last answers may not outrun.
    const good = found.filter((status) => status === 200).length;
    expect([good > 0, good <= HTTP_PIPELINED_MAX, found.length - good <= 1]).toEqual([true, true, true]);
  });

  test('one that reads nothing of what it asked for is cut off, and what it did not take is freed', async () => {
    const { port, secret, close } = await start({ idleMsMax: 300 });
    onTestFinished(close);
    const socket = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve));
    socket.pause().write(large(secret, HTTP_PIPELINED_MAX));
    await delay(2000);
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
    await closed;
    // What the kernels of both ends held.
    const [whole] = (await send(port, large(secret, 1).replace(HOST, CLOSE))).split('\r\n\r\n').slice(1);
    expect(bytes).toBeLessThan(whole!.length * (HTTP_PIPELINED_MAX - 1));
  });

  test('one whose import takes long is answered; other changes have that time', async () => {
    const { port, secret, close } = await start({ idleMsMax: 300, changeMs: 1500 });
    onTestFinished(close);
    const head = `PUT /v1/zones/example.com/zonefile HTTP/1.1\r\n${CLOSE}Authorization: Bearer ${secret}\r\n`;
    const answer = await send(port, `${head}Content-Type: text/dns\r\nContent-Length: 1\r\n\r\n;`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    const other = `DELETE /v1/zones/example.com/rrsets/www/A HTTP/1.1\r\n${CLOSE}Authorization: Bearer ${secret}\r\n\r\n`;
    expect(await send(port, other)).toBe('');
  });
});

test('RFC 7239 §8.1: what a client says of addresses, hosts and schemes counts for nothing', async () => {
  const { port, secret, lines, close } = await start();
  onTestFinished(close);
  const forged =
    'X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: evil.example.net\r\nX-Forwarded-Proto: https\r\nForwarded: for=203.0.113.9;host=evil.example.net\r\nX-Real-IP: 203.0.113.9\r\n';
  const answer = await send(
    port,
    `DELETE /v1/zones/example.com/rrsets/www/A HTTP/1.1\r\n${CLOSE}Authorization: Bearer ${secret}\r\n${forged}\r\n`,
  );
  expect(statuses(answer)).toEqual([200]);
  const [logged] = lines.filter((line) => line.includes('"http.request"'));
  expect(logged).toContain('"client":"127.0.0.1"');
  for (const text of [answer, ...lines]) expect(text).not.toMatch(/203\.0\.113\.9|evil/);
});

test('no route does anything for TRACE, OPTIONS or an unknown method, whoever asks', async () => {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control });
  onTestFinished(() => app.close());
  const before = control.commands.length;
  const urls = [...new Set(adminRoutes({}).map(({ url }) => url.replaceAll(/:zone/g, 'example.com').replaceAll(/:\w+/g, 'x')))];
  expect(urls.length).toBeGreaterThan(50);
  const wrong: string[] = [];
  for (const url of urls)
    for (const method of ['TRACE', 'OPTIONS', 'PROPFIND'] as const) {
      const { statusCode } = await app.inject({ method: method as 'OPTIONS', url, headers: { authorization: `Bearer ${tokens.admin}` } });
      if (statusCode !== 405) wrong.push(`${method} ${url} ${statusCode}`);
    }
  expect([wrong, control.commands.length]).toEqual([[], before]);
});
