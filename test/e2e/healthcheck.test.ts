/** scripts/healthcheck.mjs, which the container runs: healthy when a signed SOA comes over UDP, unhealthy for each way it may not. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putZones, startWaxseal, type Waxseal } from '../support/waxseal.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/healthcheck.mjs');
const zone = (name: string) => ({ name, text: `$ORIGIN ${name}\n@ 300 IN SOA ns hm 1 2 3 4 60\n@ 300 IN NS ns\nns 300 IN A 192.0.2.1\n` });

let server: Waxseal;
beforeAll(async () => {
  server = await startWaxseal();
});
afterAll(async () => {
  await server.stop();
});

function healthcheck(
  argumentList: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [SCRIPT, ...argumentList], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        WAXSEAL_DATA: server.directory,
        WAXSEAL_HEALTH_DNS: `127.0.0.1:${server.port}`,
        WAXSEAL_HEALTH_FILE: join(server.directory, 'health-zone'),
        ...environment,
      },
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('close', (code) => resolve({ code, said }));
  });
}

test('healthy without zones, then by a signed SOA, also when the control process cannot be asked', async () => {
  expect(await healthcheck([])).toEqual({ code: 0, said: 'healthy: no signed zone yet\n' });
  await putZones(server, [zone('signed.test.')], 'on');
  const signed = { code: 0, said: 'healthy: signed.test. SOA is signed\n' };
  expect(await healthcheck([])).toEqual(signed);
  expect(await healthcheck([], { WAXSEAL_DATA: '/nonexistent' })).toEqual(signed);
});

test('unhealthy: unsigned, refused, silent, nothing to ask for', async () => {
  await putZones(server, [zone('unsigned.test.')], 'off');
  expect(await healthcheck(['unsigned.test.'])).toEqual({
    code: 1,
    said: 'unhealthy: no signature that is valid now over unsigned.test. SOA\n',
  });
  expect(await healthcheck(['elsewhere.example.'])).toEqual({ code: 1, said: 'unhealthy: rcode 5 for elsewhere.example. SOA\n' });
  const silent = await healthcheck(['signed.test.'], { WAXSEAL_HEALTH_DNS: '127.0.0.1:1' });
  expect(silent.code).toBe(1);
  expect(silent.said).toContain('unhealthy');
  const lost = await healthcheck([], { WAXSEAL_DATA: '/nonexistent', WAXSEAL_HEALTH_FILE: '/nonexistent/zone' });
  expect(lost.code).toBe(1);
  expect(lost.said).toContain('set WAXSEAL_HEALTH_ZONE');
});
