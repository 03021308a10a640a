/** `waxseal status`: the policy host and its certificates. All else of it: rrset.test.ts. */
import { expect, test } from 'vitest';
import { useServer } from '../support/cli-server.ts';

const server = useServer();

test('the policy host: down, up, and which certificates are in trouble', async () => {
  expect((await server.cli('status')).out).not.toMatch(/^HTTPS/m);
  server.control.policyHost = {};
  expect((await server.cli('status')).out).toMatch(/^HTTPS +the policy host is down; .*\ncertificates +0$/m);
  const startedAtMs = Date.UTC(2026, 0, 2);
  server.control.policyHost = { running: { startedAtMs, addresses: ['127.0.0.1:8443'], generation: 7 } };
  const trouble = { code: 'STORE_FULL', message: 'no space is left', retryAtMs: Date.UTC(2026, 0, 3) };
  server.control.certificateSummary = {
    count: 2,
    inTrouble: 1,
    nextExpiryMs: Date.UTC(2026, 4, 1),
    first: [
      { zone: 'b.test.', host: 'mta-sts.b.test', trouble },
      { zone: 'a.test.', host: 'mta-sts.a.test', notAfterMs: Date.UTC(2026, 4, 1) },
    ],
    isPartial: false,
  };
  const { out } = await server.cli('status');
  expect(out).toMatch(/^HTTPS +127\.0\.0\.1:8443, up since 2026-01-02T00:00:00\.000Z$/m);
  expect(out).toMatch(/^certificates +2, the first ends 2026-05-01T00:00:00\.000Z; 1 in trouble$/m);
  expect(out).toMatch(/^ +mta-sts\.b\.test: no space is left; tried again 2026-01-03T00:00:00\.000Z$/m);
  expect(out).not.toContain('mta-sts.a.test');
});
