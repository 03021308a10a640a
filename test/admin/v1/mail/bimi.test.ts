/** `/v1/zones/{zone}/bimi`: what is taken, what is rejected and leaves nothing, entity tags, and who may. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BIMI_SVG_BYTES_MAX } from '#base/limits/mail.ts';
import { hostedFileNames } from '#store/hosted/files.ts';
import { nameOf } from '#dns/name.ts';
import { LOGO, markCa } from '../../../support/mail/mark-certificate.ts';
import { type MailBench, MAIL_ZONE, mailBench } from '../../../support/admin/mail-bench.ts';
import { TEST_NOW_MS } from '../../../support/temporary-store.ts';

const SVG = LOGO.toString('utf8');
const CA = markCa(TEST_NOW_MS);
const MARK = CA.issue({ names: [MAIL_ZONE] });
const HOSTED = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' }, bimi: { hosted: true } };
const OTHER_SVG = SVG.replace('#036', '#063');

const files = ({ writer }: MailBench) => hostedFileNames(writer, writer.zoneByName(nameOf(`${MAIL_ZONE}.`))!.id);
/** Everything that the store keeps of audit and events, as text. */
const kept = ({ control }: MailBench) => JSON.stringify([control.audit.entries(100), control.events.after(0, 100)]);
const svg = (inside: string, attributes = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.2" baseProfile="tiny-ps" viewBox="0 0 96 96"${attributes}>` +
  `<title>x</title>${inside}</svg>`;

test('PUT stores both, GET shows them, the list says where they are and what each waits for, DELETE removes them', async () => {
  const bench = await mailBench(HOSTED);
  const made = await bench.call('PUT', 'bimi/default', { logo: SVG, evidence: MARK.chain });
  expect(made).toMatchObject({ status: 201, body: { changed: true, dryRun: false } });
  expect(made.body['warnings']).toMatchObject([{ code: 'BIMI_EVIDENCE_TRUST' }]);
  const shown = await bench.call('GET', 'bimi/default');
  const url = /^https:\/\/bimi\.post\.example\/bimi\/[0-9a-f]{32}\.(?:svg|pem)$/;
  expect(shown.body).toMatchObject({
    selector: 'default',
    title: 'Example',
    svg: SVG,
    pem: MARK.chain,
    stage: 'served',
    logo: { url: expect.stringMatching(url), sizeBytes: LOGO.length },
    evidence: { url: expect.stringMatching(url), notAfter: '2027-01-01T00:00:00.000Z' },
  });
  const { body } = await bench.call('GET', 'bimi');
  expect(body).toMatchObject({ uploads: [{ selector: 'default' }], served: [{ object: 'bimi-logo-1', stage: 'served' }] });
  expect(JSON.stringify(body['lines'])).toContain('bimi-logo-1 is served');
  expect(files(bench)).toHaveLength(2);
  expect(await bench.call('DELETE', 'bimi/default')).toMatchObject({ status: 200, body: { changed: true } });
  expect([files(bench), (await bench.call('GET', 'bimi/default')).body['code']]).toEqual([[], 'BIMI_UPLOAD_NOT_FOUND']);
  expect(await bench.call('DELETE', 'bimi/default')).toMatchObject({ status: 404, body: { code: 'BIMI_UPLOAD_NOT_FOUND' } });
});

test('a zone without a mail policy keeps what was uploaded, served by nothing', async () => {
  const bench = await mailBench();
  expect(await bench.call('PUT', 'bimi/default', { logo: SVG })).toMatchObject({ status: 201 });
  expect((await bench.call('GET', 'bimi')).body).toMatchObject({ uploads: [{ selector: 'default' }], served: [] });
  expect((await bench.call('GET', 'bimi/default')).body).not.toHaveProperty('stage');
  await bench.call('PUT', 'mail', HOSTED);
  expect((await bench.call('GET', 'bimi')).body).toMatchObject({ served: [{ stage: 'served' }] });
  await bench.call('DELETE', 'mail?records=delete');
  expect((await bench.call('GET', 'bimi')).body).toMatchObject({ uploads: [{ selector: 'default' }], served: [] });
});

test('the same again changes nothing; another logo is another file', async () => {
  const bench = await mailBench(HOSTED);
  const first = await bench.call('PUT', 'bimi/default', { logo: SVG });
  expect(await bench.call('PUT', 'bimi/default', { logo: SVG })).toMatchObject({ status: 200, body: { changed: false } });
  const before = files(bench);
  const second = await bench.call('PUT', 'bimi/DEFAULT', { logo: OTHER_SVG });
  expect(second).toMatchObject({ status: 200, body: { changed: true } });
  expect(files(bench)).toHaveLength(1);
  expect(files(bench)).not.toEqual(before);
  expect(second.etag).not.toBe(first.etag);
  expect(kept(bench)).toContain('BIMI logo');
});

test('RFC 9110 §13.1: If-Match, If-None-Match; a dry run says the same and stores nothing', async () => {
  const bench = await mailBench(HOSTED);
  const planned = await bench.call('PUT', 'bimi/default?dryRun=1', { logo: SVG });
  expect(JSON.stringify(planned.body['plan'])).toMatch(/bimi-logo-1 is served.*waits for a probe outside/);
  expect(planned).toMatchObject({
    status: 200,
    body: { dryRun: true, changed: true },
  });
  expect(files(bench)).toEqual([]);
  expect(await bench.call('PUT', 'bimi/default', { logo: SVG }, { 'if-match': '"x"' })).toMatchObject({ status: 412 });
  const { etag } = await bench.call('PUT', 'bimi/default', { logo: SVG }, { 'if-none-match': '*' });
  expect((await bench.call('GET', 'bimi/default')).etag).toBe(etag);
  expect(await bench.call('PUT', 'bimi/default', { logo: OTHER_SVG }, { 'if-none-match': '*' })).toMatchObject({ status: 412 });
  expect(await bench.call('PUT', 'bimi/default', { logo: OTHER_SVG }, { 'if-match': etag })).toMatchObject({ status: 200 });
  expect(await bench.call('DELETE', 'bimi/default', undefined, { 'if-match': etag })).toMatchObject({ status: 412 });
  expect(await bench.call('DELETE', 'bimi/default?dryRun=1')).toMatchObject({ status: 200, body: { changed: true } });
  expect(files(bench)).toHaveLength(1);
});

test('a token for another zone may neither see nor change it; one that reads may not write', async () => {
  const bench = await mailBench(HOSTED);
  await bench.call('PUT', 'bimi/default', { logo: SVG });
  const as = async (...scopes: Parameters<MailBench['token']>) => ({ authorization: `Bearer ${await bench.token(...scopes)}` });
  const other = await as('zone:other.example');
  for (const [method, path] of [
    ['GET', 'bimi'],
    ['GET', 'bimi/default'],
    ['PUT', 'bimi/default'],
    ['DELETE', 'bimi/default'],
  ] as const)
    expect([403, 404]).toContain((await bench.call(method, path, method === 'PUT' ? { logo: OTHER_SVG } : undefined, other)).status);
  const reader = await as('read');
  expect((await bench.call('GET', 'bimi/default', undefined, reader)).status).toBe(200);
  expect((await bench.call('DELETE', 'bimi/default', undefined, reader)).status).toBe(403);
});

describe('hostile logos: rejected, and nothing of them is stored', () => {
  const entity = (name: string) => svg(`<desc>&${name};</desc>`);
  const laughs = Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join('');
  const shapes: readonly (readonly [string, string, string])[] = [
    ['a script', svg('<script>alert(1)</script>'), 'BIMI_SVG_ELEMENT'],
    ['a script elsewhere', svg('<script xlink:href="https://x.example/a.js"/>'), 'BIMI_SVG_ELEMENT'],
    ['an event handler', svg('<rect width="9" height="9"/>', ' onload="alert(1)"'), 'BIMI_SVG_ATTRIBUTE'],
    ['an event handler of SVG', svg('<rect width="9" height="9" onclick="alert(1)"/>'), 'BIMI_SVG_ATTRIBUTE'],
    ['HTML inside', svg('<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>'), 'BIMI_SVG_ELEMENT'],
    ['an image elsewhere', svg('<image xlink:href="https://x.example/a.png"/>'), 'BIMI_SVG_ELEMENT'],
    ['an image in a data: URL', svg('<image xlink:href="data:image/png;base64,AAAA"/>'), 'BIMI_SVG_ELEMENT'],
    ['a use of a data: URL', svg('<use xlink:href="data:image/svg+xml;base64,AAAA#a"/>'), 'BIMI_SVG_REFERENCE'],
    ['a use elsewhere', svg('<use xlink:href="https://x.example/a.svg#a"/>'), 'BIMI_SVG_REFERENCE'],
    ['a fill elsewhere', svg('<rect width="9" height="9" fill="url(https://x.example/#a)"/>'), 'BIMI_SVG_REFERENCE'],
    ['a script as a link', svg('<a xlink:href="javascript:alert(1)"><rect/></a>'), 'BIMI_SVG_ELEMENT'],
    ['a style sheet', svg('<style>@import "https://x.example/a.css";</style>'), 'BIMI_SVG_ELEMENT'],
    ['a style that fetches', svg('<rect style="fill:url(https://x.example/)"/>'), 'BIMI_SVG_ATTRIBUTE'],
    ['animation', svg('<animate attributeName="x"/>'), 'BIMI_SVG_ELEMENT'],
    ['an entity from a file (XXE)', `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${entity('x')}`, 'BIMI_SVG_XML'],
    ['an entity from a host', `<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://x.example/x.dtd"> %x;]>${svg('')}`, 'BIMI_SVG_XML'],
    ['a billion laughs', `<!DOCTYPE svg [<!ENTITY l0 "lol">${laughs}]>${entity('l9')}`, 'BIMI_SVG_XML'],
    ['a document type without entities', `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">${svg('')}`, 'BIMI_SVG_XML'],
    ['a processing instruction', `<?xml-stylesheet href="https://x.example/a.css"?>${svg('')}`, 'BIMI_SVG_XML'],
    ['another encoding that it declares', `<?xml version="1.0" encoding="UTF-16"?>${svg('')}`, 'BIMI_SVG_XML'],
    ['copies of copies', svg(copies(20)), 'BIMI_SVG_REFERENCE'],
    ['depth', svg(`${'<g>'.repeat(200)}${'</g>'.repeat(200)}`), 'BIMI_SVG_XML'],
    ['no title', SVG.replace('<title>Example</title>', ''), 'BIMI_SVG_TITLE'],
    ['another profile', SVG.replace('tiny-ps', 'full'), 'BIMI_SVG_PROFILE'],
    ['octets of gzip as text', gzipSync(SVG).toString('latin1'), 'TEXT_HIDDEN'],
    ['UTF-16 as text', Buffer.from(SVG, 'utf16le').toString('latin1'), 'TEXT_HIDDEN'],
    ['half a character', SVG.replace('Example', 'x\ud800x'), 'BIMI_SVG_XML'],
    ['a character that turns the text around', SVG.replace('Example', 'x\u202ex'), 'TEXT_HIDDEN'],
    ['a page', '<html><script>alert(1)</script></html>', 'BIMI_SVG_ELEMENT'],
    ['a private key', MARK.key, 'BIMI_EVIDENCE_KEY'],
  ];
  test('each with its code', async () => {
    const bench = await mailBench(HOSTED);
    for (const [what, logo, code] of shapes) {
      const { status, body } = await bench.call('PUT', 'bimi/default', { logo });
      const codes = (body['errors'] as readonly { code: string }[]).map((each) => each.code);
      expect([what, status >= 400 && status < 500, codes.includes(code)]).toEqual([what, true, true]);
    }
    expect([files(bench), (await bench.call('GET', 'bimi')).body['uploads']]).toEqual([[], []]);
  });

  test('too large, by octets and not by characters', async () => {
    const bench = await mailBench(HOSTED);
    const padded = (text: string, count: number) => SVG.replace('<rect', `<!--${text.repeat(count)}--><rect`);
    expect((await bench.call('PUT', 'bimi/default', { logo: padded('é', BIMI_SVG_BYTES_MAX / 2) })).body).toMatchObject({
      code: 'BIMI_SVG_SIZE',
    });
    expect((await bench.call('PUT', 'bimi/default', { logo: padded('x', BIMI_SVG_BYTES_MAX) })).status).toBe(422);
    expect(files(bench)).toEqual([]);
  });

  test('XML 1.0 §F: a byte order mark is no fault, and is kept: the evidence is of these octets', async () => {
    const bench = await mailBench(HOSTED);
    expect((await bench.call('PUT', 'bimi/default', { logo: `\ufeff${SVG}` })).status).toBe(201);
    expect((await bench.call('GET', 'bimi/default')).body['svg']).toBe(`\ufeff${SVG}`);
  });
});

describe('evidence', () => {
  test('of another logo, another domain, or after its end is rejected with the logo beside it', async () => {
    const bench = await mailBench(HOSTED);
    for (const [options, code] of [
      [{ names: [MAIL_ZONE], logo: Buffer.from(OTHER_SVG) }, 'BIMI_EVIDENCE_LOGO'],
      [{ names: ['example.org'] }, 'BIMI_EVIDENCE_NAME'],
      [{ names: [MAIL_ZONE], toMs: TEST_NOW_MS - 1 }, 'BIMI_EVIDENCE_DATES'],
    ] as const) {
      const { status, body } = await bench.call('PUT', 'bimi/default', { logo: SVG, evidence: CA.issue(options).chain });
      expect([status, body['code'], files(bench)]).toEqual([422, code, []]);
    }
  });

  test('with a private key in it: rejected; the key is in no answer, no audit entry, no event, no document', async () => {
    const bench = await mailBench(HOSTED);
    const secret = MARK.key.split('\n')[1]!.slice(0, 24);
    const attempts = [
      { logo: SVG, evidence: `${MARK.chain}${MARK.key}` },
      { logo: MARK.key },
      { logo: SVG, evidence: MARK.key.repeat(900) },
      { logo: SVG, evidence: [MARK.key] },
    ];
    for (const attempt of attempts) {
      const answer = await bench.app.inject({
        method: 'PUT',
        url: `/v1/zones/${MAIL_ZONE}/bimi/default`,
        payload: attempt,
        headers: { authorization: `Bearer ${await bench.token('admin')}` },
      });
      expect([400, 413, 422]).toContain(answer.statusCode);
      expect(answer.body).not.toContain(secret);
    }
    expect(kept(bench)).not.toContain(secret);
    expect(files(bench)).toEqual([]);
  });
});

test('no more selectors than a brand has; one of a bad form is named', async () => {
  const bench = await mailBench(HOSTED);
  for (let at = 0; at < 8; at++) expect((await bench.call('PUT', `bimi/s${at}`, { logo: SVG })).status).toBe(201);
  expect(await bench.call('PUT', 'bimi/s8', { logo: SVG })).toMatchObject({ status: 409, body: { code: 'BIMI_UPLOADS_FULL' } });
  expect(await bench.call('PUT', 'bimi/s7', { logo: OTHER_SVG })).toMatchObject({ status: 200 });
  for (const selector of ['-x', 'x_y', 'a..b', '..', '%2e%2e%2fx', '__proto__'])
    expect([selector, (await bench.call('PUT', `bimi/${selector}`, { logo: SVG })).status]).toEqual([
      selector,
      expect.toSatisfy((status: number) => status >= 400),
    ]);
  expect((await bench.call('GET', 'bimi/constructor')).status).toBe(404);
});

/** 2^`count` rectangles in few octets. */
function copies(count: number): string {
  const levels = Array.from({ length: count }, (_, at) => `<g id="g${at + 1}"><use xlink:href="#g${at}"/><use xlink:href="#g${at}"/></g>`);
  return `<rect id="g0" width="1" height="1"/>${levels.join('')}`;
}
