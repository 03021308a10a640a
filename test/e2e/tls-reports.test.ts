/**
 * RFC 8460 §5.4 over real processes: curl posts TLS reports to the policy host, what is taken is shown by the command line, what is a bomb
 * or nonsense is not, and the process that takes them stays up.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { toolPath } from '../support/tools.ts';

const ZONE = 'reports.example';
const HOST = `mta-sts.${ZONE}`;
const [JSON_TYPE, GZIP_TYPE] = ['application/tlsrpt+json', 'application/tlsrpt+gzip'];
const ZONE_FILE = '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 60\n@ NS ns1\n@ MX 10 mx1\nns1 A 127.0.0.1\nmx1 A 127.0.0.1\n';
const MIB = 1024 * 1024;

const day = (at: number) => new Date(Date.now() - at * 86_400_000).toISOString().slice(0, 10);
const reportOf = (id: string, failed = 3, domain = ZONE) => ({
  'organization-name': 'Company-X',
  'date-range': { 'start-datetime': `${day(1)}T00:00:00Z`, 'end-datetime': `${day(1)}T23:59:59Z` },
  'contact-info': 'sts-reporting@company-x.example',
  'report-id': id,
  policies: [
    {
      policy: { 'policy-type': 'sts', 'policy-domain': domain, 'mx-host': ['mx1'] },
      summary: { 'total-successful-session-count': 100, 'total-failure-session-count': failed },
      'failure-details': [{ 'result-type': 'certificate-expired', 'failed-session-count': failed }],
    },
  ],
});

let server: RunningServer;

/** The status that curl gets; each from a network of its own, because one network has a rate. */
function post(octets: string | Uint8Array, type: string, ...words: readonly string[]): number {
  posts += 1;
  const file = join(server.folder, `report-${posts}`);
  writeFileSync(file, octets);
  const from = `127.${30 + Math.floor(posts / 200)}.${posts % 200}.1`;
  const resolve = ['--resolve', `${HOST}:${server.httpsPort}:127.0.0.1`, '--interface', from];
  const sent = ['-H', `Content-Type: ${type}`, '--data-binary', `@${file}`, ...words];
  const asked = ['-sk', '--max-time', '20', ...resolve, ...sent, '-o', '/dev/null', '-w', '%{http_code} %{size_download}'];
  const [status, bytes] = spawnSync(toolPath('curl'), [...asked, `https://${HOST}:${server.httpsPort}/tlsrpt`], {
    encoding: 'latin1',
  }).stdout.split(' ');
  expect(bytes, 'an answer has no body').toBe('0');
  return Number(status);
}
let posts = 0;

/** What the API says of TLS reports. */
async function tlsLines(): Promise<string> {
  const answer = await server.api('GET', `/v1/zones/${ZONE}/mail/status`);
  const { reports } = (await answer.json()) as { reports: { tls: { lines: string[] } } };
  return reports.tls.lines.join('\n');
}

beforeAll(async () => {
  server = await startServer({ environment: { WAXSEAL_HTTPS__SELF_SIGNED: 'true' } });
  await server.api('PUT', `/v1/zones/${ZONE}/zonefile?parent=ignore`, ZONE_FILE, 'text/dns');
  const policy = { dkim: { algorithms: [] }, mtaSts: { mode: 'testing' }, tlsRpt: { rua: [`https://${HOST}/tlsrpt`] } };
  const applied = await server.api('PUT', `/v1/zones/${ZONE}/mail`, JSON.stringify(policy));
  if (!applied.ok) throw new Error(await applied.text());
  const isUp = await server.eventually(() => {
    const words = ['-sk', '-o', '/dev/null', '-w', '%{http_code}', '--resolve', `${HOST}:${server.httpsPort}:127.0.0.1`];
    const url = `https://${HOST}:${server.httpsPort}/.well-known/mta-sts.txt`;
    return spawnSync(toolPath('curl'), [...words, url], { encoding: 'latin1' }).stdout === '200';
  }, 60_000);
  if (!isUp) throw new Error(server.log());
});
afterAll(() => server?.stop());

test('both media types over HTTP/1.1 and 2 are taken, duplicates are folded, the command line shows the sum', async () => {
  const first = JSON.stringify(reportOf('one'));
  expect(post(first, JSON_TYPE, '--http1.1')).toBe(204);
  expect(post(gzipSync(first), GZIP_TYPE, '--http2')).toBe(204);
  expect(post(first, JSON_TYPE, '--http2')).toBe(204);
  expect(post(gzipSync(JSON.stringify(reportOf('two', 4))), GZIP_TYPE, '--http1.1')).toBe(204);
  expect(await tlsLines()).toMatch(
    /by HTTPS, which nothing authenticates: 7 of 207 sessions failed since \S+ certificate-expired; last from "Company-X"/,
  );
});

describe('what is not taken', () => {
  test.each<[string, number, () => number]>([
    ['a bomb: 10 KiB that unpack to 10 MiB', 413, () => post(gzipSync(Buffer.alloc(10 * MIB)), GZIP_TYPE)],
    ['a bomb in a bomb', 400, () => post(gzipSync(gzipSync(Buffer.alloc(100 * MIB))), GZIP_TYPE)],
    ['a body of more than a mebibyte', 413, () => post(Buffer.alloc(MIB + 1, 0x20), JSON_TYPE, '--http1.1')],
    ['the same over HTTP/2', 413, () => post(Buffer.alloc(MIB + 1, 0x20), JSON_TYPE, '--http2')],
    [
      'the same without its length',
      413,
      () => post(Buffer.alloc(4 * MIB, 0x20), JSON_TYPE, '--http1.1', '-H', 'Transfer-Encoding: chunked'),
    ],
    // RFC 9112 §9.6: it is on its way before the answer, and the answer is not lost in a reset.
    ['a long one without Expect', 413, () => post(Buffer.alloc(4 * MIB, 0x20), JSON_TYPE, '--http1.1', '-H', 'Expect:')],
    ['a cut gzip', 400, () => post(gzipSync(JSON.stringify(reportOf('cut'))).subarray(0, 60), GZIP_TYPE)],
    ['JSON that nests without end', 400, () => post('['.repeat(500_000), JSON_TYPE)],
    ['no JSON', 400, () => post('<feedback/>', JSON_TYPE)],
    ['another media type', 415, () => post(JSON.stringify(reportOf('type')), 'application/json')],
    ['a content coding', 415, () => post(gzipSync('{}'), JSON_TYPE, '-H', 'Content-Encoding: gzip')],
    ['a domain that is not here', 404, () => post(JSON.stringify(reportOf('other', 3, 'other.example')), JSON_TYPE)],
    ['PUT', 404, () => post(JSON.stringify(reportOf('put')), JSON_TYPE, '-X', 'PUT', '--http1.1')],
    ['PUT over HTTP/2', 404, () => post(JSON.stringify(reportOf('put')), JSON_TYPE, '-X', 'PUT', '--http2')],
  ])('%s: %i', async (_what, status, send) => {
    const before = await tlsLines();
    const { policyHost } = server.pids();
    expect(send()).toBe(status);
    expect(await tlsLines()).toBe(before);
    expect(server.pids().policyHost).toBe(policyHost);
  });
});

/** A client that reads nothing before it has sent all: a body of so many octets, and a request behind it. */
const SENDS_FIRST = `
import socket, ssl, sys, time
host, port, octets = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with context.wrap_socket(socket.create_connection(('127.0.0.1', port)), server_hostname=host) as tls:
  head = f'POST /tlsrpt HTTP/1.1\\r\\nHost: {host}\\r\\nContent-Type: application/tlsrpt+json\\r\\nContent-Length: {octets}\\r\\n\\r\\n'
  behind = f'GET /.well-known/mta-sts.txt HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n'
  tls.sendall(head.encode() + b' ' * octets + behind.encode())
  time.sleep(0.3)
  while part := tls.recv(65536):
    print(part.decode('latin1'))`;

test('RFC 9112 §9.6: the answer reaches a client that reads it late, and what stands behind the body is no request', () => {
  const words = ['-c', SENDS_FIRST, HOST, String(server.httpsPort), String(3 * MIB)];
  const { stdout, stderr } = spawnSync(toolPath('python3'), words, { encoding: 'latin1', timeout: 20_000 });
  expect({ stderr, statuses: stdout.match(/HTTP\/1.1 \d+/g) }).toEqual({ stderr: '', statuses: ['HTTP/1.1 413'] });
});

test('one network has a rate; what comes too fast is asked to come again', () => {
  const body = JSON.stringify(reportOf('often'));
  const from = ['--interface', '127.99.99.1'];
  const statuses = Array.from({ length: 16 }, () => post(body, JSON_TYPE, ...from));
  expect(statuses.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 204));
  expect(statuses).toContain(429);
});
