/**
 * Facts §4.5 E5: more than 200 requests that are almost the right one, over HTTP/1.1 and HTTP/2. None gets another
 * zone's policy, none is redirected, none ends the server, and none of two requests is read as a part of the other.
 */
import { type ClientHttp2Session, connect as connect2 } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { PATH, type TestPolicyHost, bodyOf, testPolicyHost } from '../support/policy-host.ts';

const HOST = 'mta-sts.one.example';
const OTHER = 'mta-sts.two.example';
const OWN = bodyOf('one.example');
const FOREIGN = 'mx: mx1.two.example';

const line = (target: string, host = HOST, more = '') => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;

const TARGETS = [
  ...['/', '//', '/.', '/..', '*', HOST, `/${HOST}`, '/.well-known', '/.well-known/', '/.well-known/mta-sts', '/mta-sts.txt'],
  ...[`/${PATH}`, `${PATH}/`, `${PATH}//`, `${PATH}?`, `${PATH}?x=1`, `${PATH}#`, `${PATH}#x`, `${PATH};`, `${PATH};x=1`, `${PATH}.`],
  ...[`${PATH}%20`, `${PATH}%00`, `${PATH}%0d%0a`, `${PATH}%2f`, `${PATH}%3f`, `${PATH}/..`, `${PATH}/../mta-sts.txt`, `/.${PATH}`],
  ...['/.well-known/./mta-sts.txt', '/.well-known/../.well-known/mta-sts.txt', '/x/../.well-known/mta-sts.txt'],
  ...['/%2ewell-known/mta-sts.txt', '/.well-known%2fmta-sts.txt', '/.well-known/mta-sts%2etxt', '/.well%2dknown/mta-sts.txt'],
  ...['/.well-known/%6dta-sts.txt', '/.well-known/mta-sts.tx%74', '/%2e%2e/.well-known/mta-sts.txt', '/..%2f.well-known/mta-sts.txt'],
  ...['/.Well-Known/mta-sts.txt', '/.well-known/MTA-STS.TXT', '/.well-known/mta-sts.TXT', '/.WELL-KNOWN/MTA-STS.TXT'],
  ...['/.well-known\\mta-sts.txt', '/.well-known//mta-sts.txt', '//.well-known/mta-sts.txt', '/./.well-known/mta-sts.txt'],
  ...['/healthz', '/.well-known/acme-challenge/x', '/.well-known/security.txt', '/favicon.ico', '/robots.txt', '/etc/passwd'],
  ...['/.well-known/mta-sts.txt.bak', '/.well-known/mta-sts.txt~', '/.well-known/mta-sts.txtx', '/.well-known/xmta-sts.txt'],
  ...[`http://${HOST}${PATH}`, `https://${OTHER}${PATH}`, `https://${HOST}@${OTHER}${PATH}`, `//${OTHER}${PATH}`, `ftp://${HOST}${PATH}`],
  ...[`https://${OTHER}/${HOST}${PATH}`, `https:///${HOST}${PATH}`, `https://${HOST}`, `https://${HOST}:80${PATH}`, `https://`],
];

const HOSTS = [
  ...[OTHER, OTHER.toUpperCase(), 'one.example', 'two.example', `${HOST}.`, `.${HOST}`, `${HOST}:`, `${HOST}:80`, `${HOST}:0443`],
  ...[
    `${HOST}:443:443`,
    `${HOST}:99999`,
    `${HOST}:-1`,
    `${HOST}:x`,
    `${HOST}:443x`,
    `user@${HOST}`,
    `${HOST}@${OTHER}`,
    `${OTHER}@${HOST}`,
  ],
  ...[
    `${HOST}/`,
    `${HOST}?`,
    `${HOST}#`,
    `${HOST}\\`,
    `${HOST};`,
    `"${HOST}"`,
    `${HOST},${HOST}`,
    `${HOST}, ${OTHER}`,
    `${OTHER}, ${HOST}`,
  ],
  ...[`x.${HOST}`, `${HOST}.two.example`, 'mta-sts.one.exampl', 'mta-sts..one.example', 'mta-sts.one.example.example', 'localhost'],
  ...[
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0',
    '*',
    '*.one.example',
    '%6dta-sts.one.example',
    'mta-sts%2eone.example',
    '-',
    '_',
    '.',
  ],
  ...[
    'xn--mta-sts.one.example',
    'a'.repeat(255),
    `${'a.'.repeat(120)}example`,
    `https://${HOST}`,
    `//${HOST}`,
    'mta-sts.one.example\u00a0',
  ],
];

/** An answer as HTTP/1.1 wrote it: one status and nothing of a policy but, with 200, its own. */
function judge(answer: string, statuses: readonly number[]): void {
  expect(answer).not.toContain(FOREIGN);
  expect(answer).not.toMatch(/^location:/im);
  expect(answer).not.toMatch(/^(?:set-cookie|server|x-powered-by):/im);
  if (answer === '') return;
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(answer)?.[1]);
  expect(statuses).toContain(status);
  if (status === 200) expect(answer.endsWith(`\r\n\r\n${OWN}`)).toBe(true);
  else expect(answer).toMatch(/^HTTP[^]*\r\n\r\n$/);
}

/** It serves on. */
async function serves({ raw, host, complaints }: Pick<TestPolicyHost, 'raw' | 'host' | 'complaints'>): Promise<boolean> {
  await expect.poll(() => host.connections.count, { timeout: 20_000 }).toBe(0);
  return (await raw(line(PATH))).endsWith(OWN) && complaints.length === 0;
}

describe('HTTP/1.1', () => {
  test(`${TARGETS.length} targets: 404, or 400 or 421 for what is no target of this host`, async () => {
    const server = await testPolicyHost();
    for (const target of TARGETS) judge(await server.raw(line(target)), [400, 404, 421]);
    expect(await serves(server)).toBe(true);
  });

  test(`${HOSTS.length} values of Host: 421, or 400`, async () => {
    const server = await testPolicyHost();
    for (const host of HOSTS) judge(await server.raw(line(PATH, host)), [400, 421]);
    expect(await serves(server)).toBe(true);
  });

  test('methods: GET and HEAD; everything else is 404, or no method at all', async () => {
    const server = await testPolicyHost();
    const methods = 'POST PUT DELETE OPTIONS PATCH TRACE PROPFIND MKCOL LOCK REPORT PURGE SEARCH LINK get Get GETT G-ET CONNECT PRI'.split(
      ' ',
    );
    for (const method of methods) judge(await server.raw(line(PATH).replace('GET', method)), [400, 404]);
    expect(await serves(server)).toBe(true);
  });

  test('no Host, two of them, versions that are none', async () => {
    const server = await testPolicyHost();
    const cases = [
      `GET ${PATH} HTTP/1.1\r\nConnection: close\r\n\r\n`,
      `GET ${PATH} HTTP/1.0\r\n\r\n`,
      `GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\nHost: ${OTHER}\r\nConnection: close\r\n\r\n`,
      `GET ${PATH} HTTP/1.1\r\nHost: ${OTHER}\r\nhost: ${HOST}\r\nConnection: close\r\n\r\n`,
      `GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`,
      `GET ${PATH} HTTP/1.0\r\nHost: ${OTHER}\r\n\r\n`,
      `GET ${PATH} HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n`,
      `GET ${PATH} HTTP/2.0\r\nHost: ${HOST}\r\n\r\n`,
      `GET ${PATH} HTTP/1.2\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`,
      `GET ${PATH} HTTP/0.9\r\n\r\n`,
      `GET ${PATH}\r\n\r\n`,
      `GET ${PATH} http/1.1\r\nHost: ${HOST}\r\n\r\n`,
      `GET\t${PATH}\tHTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
      `\0GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    ];
    for (const each of cases) judge(await server.raw(each, { ms: 1500 }), [400, 404, 421, 505]);
    // Blanks that the parser takes for one: the same request.
    judge(await server.raw(line(PATH).replace('GET ', 'GET  ')), [200, 400]);
    expect(await serves(server)).toBe(true);
  });

  test('smuggling: what comes after a request of unclear length is never answered as another', async () => {
    const server = await testPolicyHost();
    const inner = `GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
    const shapes = [
      `Content-Length: ${inner.length}\r\nTransfer-Encoding: chunked\r\n`,
      `Transfer-Encoding: chunked\r\nContent-Length: 0\r\n`,
      'Content-Length: 0\r\nContent-Length: 5\r\n',
      'Content-Length: 5, 5\r\n',
      'Content-Length: +5\r\n',
      'Content-Length: -1\r\n',
      'Content-Length: 0x5\r\n',
      'Content-Length: 99999999999999999999\r\n',
      'Content-Length : 0\r\n',
      'Transfer-Encoding: identity\r\n',
      'Transfer-Encoding: chunked, identity\r\n',
      'Transfer-Encoding: xchunked\r\n',
      'Transfer-Encoding:\x0bchunked\r\n',
      'Transfer-Encoding : chunked\r\n',
      ' Transfer-Encoding: chunked\r\n',
      'X: y\r\n Transfer-Encoding: chunked\r\n',
      'X: y\r\n\tcontinued\r\n',
      'X: a\rb\r\n',
      'X: a\0b\r\n',
      'X\0: a\r\n',
      ': empty\r\n',
      'no colon\r\n',
      'X: y\nContent-Length: 5\n',
    ];
    for (const shape of shapes) {
      const answer = await server.raw(`GET /none HTTP/1.1\r\nHost: ${HOST}\r\n${shape}\r\n0\r\n\r\n${inner}`, { ms: 1500 });
      judge(answer, [400, 404]);
      expect(answer.match(/HTTP\/1\.1 \d/g)?.length ?? 0).toBeLessThanOrEqual(1);
    }
    for (const chunk of [
      '5;ext=1\r\nhello\r\n0\r\n\r\n',
      '5\nhello\r\n0\r\n\r\n',
      '0x5\r\nhello\r\n0\r\n\r\n',
      '-1\r\n\r\n',
      'fffffffffffffffff\r\n',
    ]) {
      const head = `POST ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const answer = await server.raw(`${head}${chunk}${inner}`, { ms: 1500 });
      judge(answer, [400, 404]);
      expect(answer.match(/HTTP\/1\.1 \d/g)?.length ?? 0).toBeLessThanOrEqual(1);
    }
    expect(await serves(server)).toBe(true);
  });

  test('headers beyond the limits: 431, and the end', async () => {
    const server = await testPolicyHost();
    judge(await server.raw(line(PATH, HOST, `X: ${'a'.repeat(9000)}\r\n`)), [431]);
    judge(await server.raw(line(PATH, HOST, 'X: a\r\n'.repeat(70))), [431]);
    judge(await server.raw(line(`/${'a'.repeat(9000)}`)), [414, 431]);
    judge(await server.raw(`GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\n${'X: a\r\n'.repeat(5000)}`), [431]);
    expect(await serves(server)).toBe(true);
  });

  test('two requests in one packet have two answers in order; a broken one after a good one ends it', async () => {
    const server = await testPolicyHost();
    const two = await server.raw(`GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${line('/none')}`);
    expect(two.match(/HTTP\/1\.1 (\d{3})/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
    const broken = await server.raw(`GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\n\r\nGARBAGE\r\n\r\n`);
    expect(broken).not.toContain(FOREIGN);
    expect(await serves(server)).toBe(true);
  });
});

describe('HTTP/2', () => {
  /** The status, or the end of the stream or session, and the body. */
  function ask(session: ClientHttp2Session, headers: object): Promise<{ status: unknown; body: string; location: unknown }> {
    return new Promise((resolve) => {
      let answer: Record<string, unknown> = {};
      let body = '';
      const done = () => resolve({ status: answer[':status'], body, location: answer['location'] });
      try {
        const stream = session.request({ ':authority': HOST, ':path': PATH, ...headers });
        stream.on('response', (got) => (answer = { ...got }));
        stream.on('data', (part: Buffer) => (body += part.toString('latin1')));
        stream.on('error', () => undefined);
        stream.once('close', done);
      } catch {
        // Node's client does not send everything.
        done();
      }
    });
  }

  async function withSession(server: TestPolicyHost, work: (session: ClientHttp2Session) => Promise<void>): Promise<void> {
    const session = connect2(`https://127.0.0.1:${server.port}`, { servername: HOST, rejectUnauthorized: false });
    session.on('error', () => undefined);
    await work(session);
    session.destroy();
  }

  test.each([
    ['targets', TARGETS.map((target) => ({ ':path': target })), [404, 421]],
    ['values of :authority', HOSTS.map((host) => ({ ':authority': host })), [421]],
    ['another Host beside a good :authority', HOSTS.filter((host) => /^[a-z.-]+$/i.test(host)).map((host) => ({ host })), [400, 421]],
    ['methods', 'POST PUT DELETE OPTIONS PATCH TRACE get GETT'.split(' ').map((method) => ({ ':method': method })), [404]],
    ['schemes', ['http', 'HTTPS', 'ftp', 'wss'].map((scheme) => ({ ':scheme': scheme })), [421]],
  ])('%s', async (_name, all, statuses) => {
    const server = await testPolicyHost();
    for (const headers of all)
      await withSession(server, async (session) => {
        const { status, body, location } = await ask(session, headers);
        expect(body).toBe('');
        expect(location).toBeUndefined();
        if (status !== undefined) expect(statuses).toContain(status);
      });
    await withSession(server, async (session) => {
      expect(await ask(session, {})).toMatchObject({ status: 200, body: OWN });
    });
    expect(server.complaints).toEqual([]);
  });
});
