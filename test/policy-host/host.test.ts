/** RFC 8461 §3.3: what a sender gets from the policy host, over HTTP/1.1 and HTTP/2. */
import { connect as connect2 } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { good } from '../support/temporary-control.ts';
import { PATH, bodyOf, testPolicyHost } from '../support/policy-host.ts';

const HOST = 'mta-sts.one.example';
const REFUSED = /handshake failure|closed|ECONNRESET/;
const get = (more = '', host = HOST, version = '1.1') => `GET ${PATH} HTTP/${version}\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;

/** Status, headers and body of one request over HTTP/2. */
async function get2(port: number, serverName: string, headers: object) {
  const session = connect2(`https://127.0.0.1:${port}`, { servername: serverName, rejectUnauthorized: false });
  try {
    return await new Promise<{ headers: Record<string, unknown>; body: string }>((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request({ ':authority': serverName, ':path': PATH, ...headers });
      let answer: Record<string, unknown> = {};
      let body = '';
      stream.on('response', (got) => (answer = { ...got }));
      stream.on('data', (part: Buffer) => (body += part.toString('latin1')));
      stream.once('error', reject);
      stream.once('end', () => resolve({ headers: answer, body }));
    });
  } finally {
    session.destroy();
  }
}

test('HTTP/1.1: 200, text/plain, the octets of the body, and no header that is not needed', async () => {
  const { raw } = await testPolicyHost();
  const [head = '', body] = (await raw(get())).split('\r\n\r\n', 2);
  const [status, ...lines] = head.split('\r\n');
  expect(status).toBe('HTTP/1.1 200 OK');
  expect(`${body}\r\n`).toContain('version: STSv1');
  expect((await raw(get())).endsWith(bodyOf('one.example'))).toBe(true);
  expect(lines.map((line) => line.split(':')[0]!.toLowerCase()).toSorted()).toEqual([
    ...['cache-control', 'connection', 'content-length', 'content-type', 'date', 'strict-transport-security', 'x-content-type-options'],
  ]);
  expect(lines).toContain('content-type: text/plain; charset=utf-8');
});

test('HEAD gets the same headers without the body, a 1.0 client its answer and the end', async () => {
  const { raw } = await testPolicyHost();
  const head = await raw(get().replace('GET', 'HEAD'));
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(head).toContain(`content-length: ${bodyOf('one.example').length}`);
  expect(head.endsWith('\r\n\r\n')).toBe(true);
  expect(await raw(`GET ${PATH} HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`)).toMatch(/ 200 OK[^]*max_age: 86400\r\n$/);
});

test('each zone gets its own policy, by HTTP/2 too; HTTP/2 has the same headers', async () => {
  const { port } = await testPolicyHost();
  for (const zone of ['one.example', 'two.example']) {
    const { headers, body } = await get2(port, `mta-sts.${zone}`, {});
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'text/plain; charset=utf-8' });
    expect(body).toBe(bodyOf(zone));
    expect(Object.keys(headers).toSorted()).toEqual([
      ':status',
      'cache-control',
      'content-length',
      'content-type',
      'date',
      'strict-transport-security',
      'x-content-type-options',
    ]);
  }
});

describe('certificates', () => {
  test('RFC 6066 §3: no server name, or one without a certificate: the handshake fails', async () => {
    const { shake, count, host } = await testPolicyHost();
    for (const name of [undefined, 'mta-sts.three.example', 'one.example', 'mta-sts.one.example.', 'x.mta-sts.one.example'])
      await expect(shake(name)).rejects.toThrow(REFUSED);
    expect(count('httpsHandshake.no_certificate')).toBe(5);
    expect(host.connections.count).toBe(0);
  });

  test('a new one serves with the next generation, a removed zone no more, without a restart', async () => {
    const { addZone, shake, reader, run } = await testPolicyHost({ zones: ['one.example'] });
    await expect(shake('mta-sts.late.example')).rejects.toThrow(REFUSED);
    await addZone('late.example');
    reader.refresh();
    const socket = await shake('mta-sts.late.example');
    expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:mta-sts.late.example');
    good(await run({ kind: 'zone.remove', zone: nameOf('late.example.') }));
    reader.refresh();
    await expect(shake('mta-sts.late.example')).rejects.toThrow(REFUSED);
  });

  test('a self-signed one is not served where https.self_signed is off', async () => {
    const { shake } = await testPolicyHost({ isSelfSigned: false });
    await expect(shake(HOST)).rejects.toThrow(REFUSED);
  });

  test('versions before TLS 1.2, CBC and RSA key exchange: no handshake', async () => {
    const { shake } = await testPolicyHost();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(shake(HOST, old)).rejects.toThrow(/alert|unsupported/);
    for (const ciphers of ['ECDHE-ECDSA-AES128-SHA256', 'AES128-GCM-SHA256'])
      await expect(shake(HOST, { maxVersion: 'TLSv1.2', ciphers })).rejects.toThrow(/alert/);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) expect((await shake(HOST, { maxVersion })).getProtocol()).toBe(maxVersion);
  });

  test.each(['TLSv1.2', 'TLSv1.3'])('%s: a session is not resumed with another host', async (version) => {
    const { shake, raw } = await testPolicyHost();
    const first = await shake(HOST, { maxVersion: version });
    first.write(get());
    const session = await new Promise<Buffer>((resolve) => {
      first.once('session', resolve);
      const known = first.getSession();
      if (version === 'TLSv1.2' && known !== undefined) resolve(known);
    });
    const again = await shake('mta-sts.two.example', { maxVersion: version, session });
    expect(again.isSessionReused()).toBe(false);
    expect(again.getPeerCertificate().subjectaltname).toBe('DNS:mta-sts.two.example');
    expect(await raw(get())).toContain(' 200 OK');
  });
});

test('RFC 9110 §15.5.20: a connection for one zone is 421 for another, whatever it asks for', async () => {
  const { raw, port } = await testPolicyHost();
  const answer = await raw(get('', 'mta-sts.two.example'));
  expect(answer).toMatch(/^HTTP\/1\.1 421 /);
  expect(answer.endsWith('content-length: 0\r\n\r\n') || /\r\n\r\n$/.test(answer)).toBe(true);
  expect(await get2(port, HOST, { ':authority': 'mta-sts.two.example' })).toMatchObject({ headers: { ':status': 421 }, body: '' });
});

test('the health page is for the loopback interface, by its own name', async () => {
  const { port } = await testPolicyHost();
  const page = await get2(port, 'localhost', { ':authority': `localhost:${port}`, ':path': '/healthz' });
  expect(page).toMatchObject({ headers: { ':status': 200 }, body: 'ok\n' });
  expect(await get2(port, HOST, { ':path': '/healthz' })).toMatchObject({ headers: { ':status': 404 }, body: '' });
});

test.each(['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '128.0.0.1', '::2'])(
  'a client at %s has no certificate for the health page',
  async (clientAddress) => {
    const { shake, raw } = await testPolicyHost({ clientAddress });
    await expect(shake('localhost')).rejects.toThrow(/alert|handshake failure/);
    expect(await raw(get())).toContain(' 200 OK');
  },
);

test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('a client at %s has one', async (clientAddress) => {
  const { shake } = await testPolicyHost({ clientAddress });
  expect((await shake('localhost')).getPeerCertificate().subjectaltname).toBe('DNS:localhost');
});

test('switched off, the access log has no line, and all is counted as before', async () => {
  const { raw, lines, count } = await testPolicyHost({ isAccessLogged: false });
  await raw(get());
  expect(lines).toEqual([]);
  expect([count('httpsStatus.200'), count('httpsSeconds.inf')]).toEqual([1, 1]);
});

test('the access log says who asked for what, and numbers say how much', async () => {
  const { raw, lines, count } = await testPolicyHost();
  await raw(get());
  await raw(get('', 'other.example'));
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { event: 'https.request', client: '127.0.0.1', method: 'GET', host: HOST, path: PATH, status: 200, version: '1.1' },
    { status: 421 },
  ]);
  expect([count('httpsStatus.200'), count('httpsStatus.421'), count('httpsHandshakeOk')]).toEqual([1, 1, 2]);
  expect(count('httpsBodyBytes')).toBe(bodyOf('one.example').length);
  expect(count('httpsSeconds.inf')).toBe(2);
});
