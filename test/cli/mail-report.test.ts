import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { useServer } from '../support/cli-server.ts';

const server = useServer();
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/reports/${name}`, import.meta.url));

describe('dmarc report, mta-sts report', () => {
  test('hands each file over in what it came in; one that cannot be read does not keep the others out', async () => {
    const zip = join(server.data, 'report.gz');
    writeFileSync(zip, gzipSync(readFileSync(fixture('rfc9990.xml'))));
    const plain = join(server.data, 'report.xml');
    copyFileSync(fixture('google-rfc7489.xml'), plain);
    const before = server.control.commands.length;
    const done = await server.cli('dmarc', 'report', 'example.com', 'missing.xml', zip, plain);
    // The stand-in keeps no mail policies.
    expect(done).toMatchObject({
      exit: 1,
      out: '',
      err: expect.stringMatching(/^waxseal: 3 problems\n +missing\.xml: it cannot be read: ENOENT/),
    });
    expect(done.err).toContain(`${plain}: this stand-in keeps no mail policies`);
    expect(server.control.commands.slice(before).map(({ command }) => command)).toMatchObject([
      { kind: 'dmarc.report', report: { organization: 'Sample Receiver' } },
      { kind: 'dmarc.report', report: { organization: 'google.com' } },
    ]);
  });

  test('tells what the server says of a report', async () => {
    const sent = await server.cli('mta-sts', 'report', 'example.com', fixture('tls-google.json'));
    expect(sent).toMatchObject({ exit: 3, err: expect.stringContaining('[MAIL_NO_POLICY]') });
    expect(server.control.commands.at(-1)?.command).toMatchObject({ kind: 'mta-sts.report', report: { organization: 'Google Inc.' } });
    const bad = join(server.data, 'bad.xml');
    writeFileSync(bad, '<feedback></feedback>');
    const refused = await server.cli('dmarc', 'report', 'example.com', bad);
    expect(refused).toMatchObject({ exit: 1, out: '', err: expect.stringContaining('[REPORT_FORM, RFC 9990 §3.1]') });
    expect(refused.err).toContain(`${bad}: line 1: <feedback> has no record`);
  });

  test('needs a file', async () => {
    expect(await server.cli('dmarc', 'report', 'example.com')).toMatchObject({ exit: 2 });
  });
});

test('dmarc source hands over the name, the verdict and the reason, and asks for all three', async () => {
  const sent = await server.cli('dmarc', 'source', 'example.com', 'esp.example', 'not-ours', '--reason', 'a forwarder');
  // The stand-in keeps no mail policies.
  expect(sent).toMatchObject({ exit: 3 });
  expect(server.control.commands.at(-1)?.command).toMatchObject({
    kind: 'dmarc.source',
    source: 'esp.example',
    verdict: 'not-ours',
    reason: 'a forwarder',
  });
  expect(await server.cli('dmarc', 'source', 'example.com', 'esp.example', 'ours')).toMatchObject({ exit: 2 });
  expect(await server.cli('dmarc', 'source', 'example.com', 'esp.example', 'perhaps', '--reason', 'x')).toMatchObject({ exit: 2 });
});
