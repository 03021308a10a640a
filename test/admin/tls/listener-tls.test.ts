/** What is said, and what is shown, when a certificate cannot be used. With certificates: listener-tls-judges.test.ts. */
import { expect, test } from 'vitest';
import { type Found, ListenerTls } from '#admin/tls/listener-tls.ts';

test('each state is logged once, and nothing that cannot be used is shown', () => {
  const said: string[] = [];
  const shown: unknown[] = [];
  const say = (event: string, text: string) => void said.push(`${event}: ${text}`);
  const found: { now: Found } = { now: { why: 'the file is missing' } };
  const tls = new ListenerTls({ find: () => found.now, asksClients: true, log: { info: say, warn: say } });
  expect(tls.serverOptions()).toMatchObject({ minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true });
  tls.start({ setSecureContext: (context) => void shown.push(context) });
  tls.look();
  found.now = { pair: { cert: 'no PEM', key: Buffer.from('none either') } };
  tls.look();
  tls.look();
  tls.stop();
  expect(shown).toEqual([]);
  expect(said).toEqual([
    expect.stringMatching(/^admin\.tls-unusable: .*the file is missing; no TLS connection succeeds until then; the Unix socket works$/),
    expect.stringMatching(/^admin\.tls-unusable: /),
  ]);
});
