/**
 * Hosted logos from the policy host: the octets and the headers that let an SVG do nothing, and more than a hundred
 * requests that are almost the right one, over HTTP/1.1 and HTTP/2. None gets another zone's file.
 */
import { connect as connect2 } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { hostedFileName } from '#mail/bimi/hosted-file.ts';
import { hostedFileWrite } from '#store/hosted/files.ts';
import { LOGO, markCa } from '../support/mail/mark-certificate.ts';
import { testPolicyHost, type TestPolicyHost } from '../support/policy-host.ts';
import { auditEvent, TEST_NOW_MS } from '../support/temporary-store.ts';
import { good, MAIL_ZONE_TEXT } from '../support/temporary-control.ts';

const HOST = 'bimi.one.example';
const OTHER = 'bimi.two.example';
const OTHER_LOGO = Buffer.from(LOGO.toString().replace('Example', 'Two'));
const FILE = hostedFileName(LOGO, 'svg');
const PATH = `/bimi/${FILE}`;
const OTHER_PATH = `/bimi/${hostedFileName(OTHER_LOGO, 'svg')}`;
const EVIDENCE = markCa(TEST_NOW_MS).issue({ names: ['one.example'] }).chain;
const EVIDENCE_PATH = `/bimi/${hostedFileName(Buffer.from(EVIDENCE), 'pem')}`;
const FOREIGN = '<title>Two</title>';
const POLICY = { dkim: { algorithms: [] }, mtaSts: { mode: 'testing' }, bimi: { hosted: true } };

async function logoHost(): Promise<TestPolicyHost & { upload(zone: string, logo: Uint8Array, evidence?: string): Promise<void> }> {
  const made = await testPolicyHost({ zones: [] });
  const run: TestPolicyHost['run'] = async (command) => {
    const done = await made.run(command);
    made.reader.refresh();
    return done;
  };
  const host = { ...made, run };
  const upload = async (zone: string, logo: Uint8Array, evidence?: string) => {
    const apex = nameOf(`${zone}.`);
    const given = evidence === undefined ? {} : { evidence };
    good(await host.run({ kind: 'bimi.upload', zone: apex, selector: 'default', logo: new Uint8Array(logo), ...given }));
    good(await host.run({ kind: 'mail.apply', zone: apex, policy: POLICY }));
    await host.signHosts();
    host.reader.refresh();
  };
  for (const zone of ['one.example', 'two.example']) await host.addZone(zone);
  await upload('one.example', LOGO, EVIDENCE);
  await upload('two.example', OTHER_LOGO);
  return { ...host, upload };
}

const request = (target: string, { host = HOST, method = 'GET', more = '', version = '1.1' } = {}) =>
  `${method} ${target} HTTP/${version}\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;
const asked = ({ raw }: TestPolicyHost, text: string, serverName = HOST) => raw(text, { serverName });
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

test('the octets, the type, and headers that let a document do nothing; RFC 8555 §9.1: the type of evidence', async () => {
  const host = await logoHost();
  const answer = await asked(host, request(PATH));
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(body).toBe(LOGO.toString('latin1'));
  const [status, ...lines] = head.split('\r\n');
  expect(status).toBe('HTTP/1.1 200 OK');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
  headers.delete('date');
  expect(Object.fromEntries(headers)).toEqual({
    'cache-control': 'public, max-age=86400, immutable',
    connection: 'close',
    'content-length': String(LOGO.length),
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'content-type': 'image/svg+xml',
    'cross-origin-resource-policy': 'cross-origin',
    etag: `"${FILE}"`,
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=31536000',
    'x-content-type-options': 'nosniff',
  });
  const evidence = await asked(host, request(EVIDENCE_PATH));
  expect(evidence).toContain('\r\ncontent-type: application/pem-certificate-chain\r\n');
  expect(evidence.endsWith(EVIDENCE)).toBe(true);
});

const CONDITIONS: readonly (readonly [string, string, number])[] = [
  ['its tag', `"${FILE}"`, 304],
  ['a weak form of it', `W/"${FILE}"`, 304],
  ['one of several', `"x", "${FILE}"`, 304],
  ['whatever there is', '*', 304],
  ['another tag', '"x"', 200],
  ['without quotes', FILE, 200],
  ['nothing', '', 200],
];

test('RFC 9110 §13.1.2: a client that has the file gets no second copy', async () => {
  const host = await logoHost();
  for (const [what, tag, status] of CONDITIONS) {
    const answer = await asked(host, request(PATH, { more: `If-None-Match: ${tag}\r\n` }));
    expect([what, statusOf(answer)]).toEqual([what, status]);
    if (status !== 304) continue;
    expect(answer).toContain(`\r\netag: "${FILE}"\r\n`);
    expect(answer).not.toMatch(/\r\ncontent-(?:length|type):/i);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  }
});

test('HEAD has the headers alone; no other method is taken', async () => {
  const host = await logoHost();
  const head = await asked(host, request(PATH, { method: 'HEAD' }));
  expect(head).toContain(`content-length: ${LOGO.length}`);
  expect(head.endsWith('\r\n\r\n')).toBe(true);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'get'])
    expect([method, statusOf(await asked(host, request(PATH, { method })))]).toEqual([method, method === 'get' ? 400 : 404]);
});

const NAME = FILE.slice(0, -4);
const TARGETS = [
  ...['/', '/bimi', '/bimi/', '//bimi/', `/${FILE}`, `/BIMI/${FILE}`, `/bimi//${FILE}`, `//bimi/${FILE}`, `/bimi/./${FILE}`],
  ...[`/bimi/../bimi/${FILE}`, `/x/../bimi/${FILE}`, `/.well-known/${FILE}`, `/bimi/${NAME}`, `/bimi/${NAME}.pem`, `/bimi/${NAME}.svgz`],
  ...[`/bimi/${NAME}.SVG`, `/bimi/${NAME.toUpperCase()}.svg`, `/bimi/${NAME.slice(1)}.svg`, `/bimi/0${NAME}.svg`, `/bimi/${NAME}.svg.pem`],
  ...[
    `${PATH}/`,
    `${PATH}?`,
    `${PATH}?v=1`,
    `${PATH}#`,
    `${PATH}%00`,
    `${PATH}%20`,
    `${PATH};`,
    `${PATH}.`,
    `/%62imi/${FILE}`,
    `/bimi%2f${FILE}`,
  ],
  ...[`/bimi/${NAME}%2esvg`, `/bimi\\${FILE}`, `/bimi/%2e%2e/bimi/${FILE}`, `/bimi/${'0'.repeat(32)}.svg`, OTHER_PATH],
  ...['/bimi/bimi-uploads', '/bimi/hosted-file', '/bimi/*.svg', '/bimi/__proto__', '/bimi/constructor', '/tlsrpt', '/healthz'],
  ...['/.well-known/mta-sts.txt', `https://${OTHER}${PATH}`, `https://${HOST}@${OTHER}${PATH}`, `//${OTHER}${PATH}`, '*'],
];
const HOSTS = [
  ...[OTHER, 'one.example', 'mta-sts.one.example', 'www.one.example', `${HOST}.`, `.${HOST}`, `${HOST}:80`, `${HOST}:x`, `x.${HOST}`],
  ...[
    `${HOST}@${OTHER}`,
    `${OTHER}, ${HOST}`,
    `"${HOST}"`,
    'bimi',
    'bimi..one.example',
    'bimi.bimi.one.example',
    '127.0.0.1',
    '*',
    '%62imi.one.example',
  ],
];

describe('almost the right request', () => {
  test('over HTTP/1.1: 404 or 421 or 400, no body, no other zone', async () => {
    const host = await logoHost();
    for (const target of TARGETS) {
      const answer = await asked(host, request(target));
      expect([target, [400, 404, 421].includes(statusOf(answer))]).toEqual([target, true]);
      expect(answer).not.toContain('<svg');
    }
    for (const name of HOSTS) {
      const answer = await asked(host, request(PATH, { host: name }));
      expect([name, [400, 404, 421].includes(statusOf(answer))]).toEqual([name, true]);
      expect(answer).not.toContain('<svg');
    }
  });

  test('over HTTP/2 the same, by :path and by :authority', async () => {
    const { port } = await logoHost();
    const session = connect2(`https://127.0.0.1:${port}`, { servername: HOST, rejectUnauthorized: false });
    const get = (authority: string, path: string) =>
      new Promise<{ status: number; body: string }>((resolve) => {
        const stream = session.request({ ':authority': authority, ':path': path });
        let [status, body] = [0, ''];
        stream.on('response', (headers) => (status = headers[':status'] ?? 0));
        stream.on('data', (part: Buffer) => (body += part.toString('latin1')));
        stream.on('error', () => undefined);
        stream.on('close', () => resolve({ status, body }));
      });
    try {
      expect(await get(HOST, PATH)).toEqual({ status: 200, body: LOGO.toString('latin1') });
      for (const target of TARGETS.filter((each) => each.startsWith('/')))
        expect([target, await get(HOST, target)]).toEqual([target, { status: 404, body: '' }]);
      for (const name of HOSTS.slice(0, 9)) expect([name, await get(name, PATH)]).toEqual([name, { status: 421, body: '' }]);
    } finally {
      session.destroy();
    }
  });

  test('each host has its own files, and another zone with the same logo its own copy', async () => {
    const host = await logoHost();
    expect(await asked(host, request(OTHER_PATH, { host: OTHER }), OTHER)).toContain(FOREIGN);
    expect(statusOf(await asked(host, request(PATH, { host: OTHER }), OTHER))).toBe(404);
    await host.upload('two.example', LOGO);
    expect(statusOf(await asked(host, request(PATH, { host: OTHER }), OTHER))).toBe(200);
    good(await host.run({ kind: 'zone.remove', zone: nameOf('two.example.') }));
    expect(statusOf(await asked(host, request(PATH)))).toBe(200);
  });
});

test('nothing is left serving when the policy is removed, when it stops hosting, when the zone is removed', async () => {
  const host = await logoHost();
  const status = async (name: string, path: string) => statusOf(await asked(host, request(path, { host: name }), name));
  expect([await status(HOST, PATH), await status(OTHER, OTHER_PATH)]).toEqual([200, 200]);
  good(await host.run({ kind: 'mail.remove', zone: nameOf('one.example.'), records: 'delete' }));
  // The certificate may stay a while; no record ever named the other logo.
  good(await host.run({ kind: 'mail.apply', zone: nameOf('two.example.'), policy: { mtaSts: { mode: 'testing' } } }));
  expect([await status(HOST, PATH), await status(OTHER, OTHER_PATH)]).toEqual([404, 404]);
  good(await host.run({ kind: 'zone.remove', zone: nameOf('two.example.') }));
  await expect(host.shake(OTHER)).rejects.toThrow(/handshake failure|closed|ECONNRESET/);
  // A zone of the name of the host is another domain, whatever the zone above has.
  const command = {
    kind: 'zone.import',
    zone: nameOf(`${HOST}.`),
    text: MAIL_ZONE_TEXT,
    file: 'x',
    dnssec: false,
    parent: 'ignore',
  } as const;
  good(await host.run({ kind: 'mail.apply', zone: nameOf('one.example.'), policy: POLICY }));
  expect(await status(HOST, PATH)).toBe(200);
  good(await host.run(command));
  await expect(host.shake(HOST)).rejects.toThrow(/handshake failure|closed|ECONNRESET/);
});

test('a damaged file is 503, not another file and not 404, and the log says which', async () => {
  const host = await logoHost();
  await host.writer.commit({
    audit: auditEvent(),
    documents: [{ ...hostedFileWrite(host.writer.zoneByName(nameOf('one.example.'))!.id, FILE, null), value: 'AAAA' }],
  });
  host.reader.refresh();
  expect(statusOf(await asked(host, request(PATH)))).toBe(503);
  expect(host.complaints.join('\n')).toContain(FILE);
});
