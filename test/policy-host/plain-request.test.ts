/**
 * RFC 9112 §3, §5. The law: what is read as a plain request, Node's strict parser reads as the same request and nothing more. So no client
 * can be answered in two ways, whichever of the two reads it.
 */
import * as fc from 'fast-check';
import { type IncomingMessage, createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { HTTPS_HEADER_BYTES_MAX, HTTPS_HEADER_LINES_MAX } from '#base/limits/https.ts';
import { readPlainRequest } from '#policy-host/plain-request.ts';

const read = (text: string) => readPlainRequest(Buffer.from(text, 'latin1'));
const PATH = '/.well-known/mta-sts.txt';

describe('plain', () => {
  test.each<[string, string, object]>([
    ['the shortest', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { method: 'GET', target: '/', host: 'a', closes: false }],
    ['HEAD', `HEAD ${PATH} HTTP/1.1\r\nhost:a\r\n\r\n`, { method: 'HEAD', target: PATH, host: 'a', closes: false }],
    ['blanks around values', 'GET / HTTP/1.1\r\nHOST: \t a b \t\r\nX:\r\nY: \r\n\r\n', { host: 'a b' }],
    ['close', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n', { closes: true }],
    ['stay', 'GET / HTTP/1.1\r\nConnection: keep-alive\r\nHost: a\r\n\r\n', { closes: false }],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', { host: '' }],
    ['other forms of the target', 'GET https://a/b?c#d HTTP/1.1\r\nHost: a\r\n\r\n', { target: 'https://a/b?c#d' }],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toMatchObject(expected);
  });
});

describe('left to the parser', () => {
  const head = (line: string) => `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`;
  test.each([
    ...['', 'GET', 'GET / HTTP/1.1\r\nHost: a\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r', 'GET / HTTP/1.1\r\n\r\n'],
    ...['GET / HTTP/1.0\r\nHost: a\r\n\r\n', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
    ...['get / HTTP/1.1\r\nHost: a\r\n\r\n', 'POST / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ...['\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 'GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n'],
    ...['GET / HTTP/1.1\nHost: a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\n\r\n', 'GET /\tHTTP/1.1\r\nHost: a\r\n\r\n'],
    ...[`${head('X: y')}GET / HTTP/1.1`, `${head('X: y')}\r\n`, head('Host: a'), head('host: b')],
    ...['Content-Length: 0', 'content-length: 5', 'Transfer-Encoding: chunked', 'Expect: 100-continue', 'Upgrade: h2c', 'TE: trailers'].map(
      head,
    ),
    ...[
      'Connection: upgrade',
      'Connection: close, te',
      'Connection: close\r\nConnection: keep-alive',
      'Connection:',
      'Keep-Alive: 5',
      'HTTP2-Settings: x',
      'Trailer: x',
    ].map(head),
    ...['X : y', ' X: y', ': y', 'X y', 'X: a\0b', 'X: a\x7fb', 'X: a\xffb', 'X\xff: y', 'X: a\rb', '\tfolded', 'X\0: y'].map(head),
    head(`X: ${'a'.repeat(HTTPS_HEADER_BYTES_MAX)}`),
    head(Array.from({ length: HTTPS_HEADER_LINES_MAX }, () => 'X: y').join('\r\n')),
  ])('%j', (text) => {
    expect(read(text)).toBeUndefined();
  });
});

interface Parsed {
  readonly method: string;
  readonly target: string;
  readonly hosts: readonly string[];
  readonly closes: boolean;
}

/** All requests that Node's server reads in `octets`, or `error`. */
async function parse(octets: Buffer): Promise<readonly Parsed[] | 'error'> {
  const found: Parsed[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly Parsed[] | 'error'>();
  const server = createServer({ maxHeaderSize: HTTPS_HEADER_BYTES_MAX, requireHostHeader: false });
  server.on('clientError', () => resolve('error'));
  server.on('request', (request: IncomingMessage) => {
    const { method = '', url: target = '', rawHeaders, headers } = request;
    const hosts = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === 'host');
    found.push({ method, target, hosts, closes: headers.connection?.toLowerCase() === 'close' });
    expect(request.complete || headers['content-length'] === undefined).toBe(true);
  });
  const duplex = new Duplex({ read() {}, write: (_part, _encoding, done) => done() });
  server.emit('connection', duplex);
  duplex.push(octets);
  await new Promise((turned) => setImmediate(turned));
  await new Promise((turned) => setImmediate(turned));
  resolve(found);
  duplex.destroy();
  return promise;
}

test('RFC 9112: what is read as plain is the one request that the parser reads', async () => {
  const line = fc.constantFrom(
    ...['Host: a\r\n', 'hOST:b \r\n', 'Host : a\r\n', 'X: y\r\n', 'X-Y:z\t z\r\n', 'Accept: */*\r\n', 'Connection: close\r\n', 'A:\r\n'],
    ...['Connection: keep-alive\r\n', 'Content-Length: 0\r\n', 'Content-Length: 1\r\n', 'Transfer-Encoding: chunked\r\n', 'Expect: x\r\n'],
  );
  const piece = fc.constantFrom('GET ', 'HEAD ', PATH, ' HTTP/1.1\r\n', '\r\n', '\r', '\n', ' ', '\t', '\0', '\xff', ':', 'x');
  const text = (of: fc.Arbitrary<string>, maxLength: number) => fc.array(of, { maxLength }).map((parts) => parts.join(''));
  const near = fc
    .tuple(fc.constantFrom('GET ', 'HEAD '), text(piece, 1), text(line, 3), text(piece, 1), text(line, 1))
    .map(([method, target, before, odd, after]) => `${method}/${target} HTTP/1.1\r\nHost: a\r\n${before}${odd}${after}\r\n`);
  let plain = 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(near, text(fc.oneof(piece, line), 6)), async (each) => {
      const octets = Buffer.from(each, 'latin1');
      const own = readPlainRequest(octets);
      if (own === undefined) return;
      plain += 1;
      const { method, target, host, closes } = own;
      expect(await parse(octets)).toEqual([{ method, target, hosts: [host], closes }]);
    }),
    { numRuns: 3_000, seed: 9112 },
  );
  // It is not a law about nothing.
  expect(plain).toBeGreaterThan(100);
});
