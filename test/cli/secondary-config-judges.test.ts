/** NSD, BIND and Knot take the lines that `tsig generate --print` and `secondary add --print` print, with TLS too. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type PrintedZone, keyLines, zoneLines } from '#cli/secondary-config.ts';
import { throwawayCa } from '../support/throwaway-ca.ts';
import { runTool } from '../support/tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'waxseal-printed-'));
const ca = throwawayCa();
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  ca.remove();
});

const KEY = { name: 'k.example.', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 'k').toString('base64') };
const ZONE: PrintedZone = { zone: 'example.com', primary: { ip: '192.0.2.1', port: 53 }, key: KEY.name };
const TLS = { host: 'ns1.example.net', hasCertificate: true };

/** The program's own check of a file with these lines; empty when it finds nothing. */
async function check(kind: 'nsd' | 'bind' | 'knot', zone: PrintedZone): Promise<string> {
  const file = join(folder, `${kind}.conf`);
  // The places that are printed are those of the other machine.
  const { cert, key } = ca.selfSigned('secondary.example');
  for (const [name, text] of [
    ['pem', cert],
    ['key', key],
  ] as const)
    writeFileSync(join(folder, `s.${name}`), text);
  chmodSync(join(folder, 's.key'), 0o600);
  const lines = [...keyLines(kind, KEY), ...zoneLines(kind, zone)].map((line) =>
    line.replace('/etc/ssl/secondary.', join(folder, 's.')).replace(/\/etc\/ssl\/certs\/\S+crt/, join(ca.folder, 'ca.pem')),
  );
  writeFileSync(file, `${kind === 'nsd' ? 'server:\n  zonesdir: "/tmp"\n' : ''}${lines.join('\n')}\n`);
  const programs = {
    nsd: ['nsd-checkconf', [file]],
    bind: ['named-checkconf', [file]],
    knot: ['knotc', ['-c', file, 'conf-check']],
  } as const;
  const [program, words] = programs[kind];
  const { code, stdout, stderr } = await runTool(program, words);
  return code === 0 ? '' : `${stdout}${stderr}\n${lines.join('\n')}`;
}

describe.each(['nsd', 'bind'] as const)('%s', (kind) => {
  test.each([
    ['with a key', ZONE],
    ['without', { ...ZONE, key: undefined }],
    ['RFC 9103: over TLS with a certificate', { ...ZONE, primary: { ip: '192.0.2.1', port: 853 }, tls: TLS }],
    ['RFC 9103: over TLS', { ...ZONE, key: undefined, tls: { ...TLS, hasCertificate: false } }],
  ] as const)('%s', async (_, zone) => {
    expect(await check(kind, zone)).toBe('');
  });
});

test('Knot 3.2, which has no TLS for transfers', async () => {
  expect(await check('knot', ZONE)).toBe('');
});

test('Knot since 3.4: tls and cert-hostname of the remote, cert-file and key-file of the server', () => {
  expect(zoneLines('knot', { ...ZONE, tls: TLS }).join('\n')).toContain(
    ['  - id: waxseal', '    address: 192.0.2.1@53', '    tls: on', '    cert-hostname: ns1.example.net'].join('\n'),
  );
});

test('PowerDNS does not transfer over TLS, and the command says so', () => {
  expect(() => zoneLines('pdns', { ...ZONE, tls: TLS })).toThrow('PowerDNS does not transfer over TLS');
});
