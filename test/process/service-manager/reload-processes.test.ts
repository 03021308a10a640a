/** What a service manager hears of a whole server: its start, HUP with a good and a bad configuration, its end. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { notifyReceiver } from '../../support/notify-receiver.ts';
import { startServer } from '../../support/running-server.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

test('sd_notify(3): RELOADING with the time of CLOCK_MONOTONIC comes with HUP, READY when the configuration was read', async () => {
  const address = join(temporaryFolder(), 'notify');
  const { next } = await notifyReceiver(address);
  const server = await startServer({ config: '[log]\nformat = "json"\n', environment: { NOTIFY_SOCKET: address } });
  onTestFinished(async () => void (await server.stop()));
  const { pid } = server.child;
  expect(await next()).toBe(`${pid} STATUS=starting`);
  expect(await next()).toBe(`${pid} READY=1|STATUS=DNS is answered`);
  const reloads = (): number => server.log().split('"event":"config.reloaded"').length - 1;

  const startUs = process.hrtime.bigint() / 1000n;
  server.child.kill('SIGHUP');
  const [, saidUs = '0'] = /RELOADING=1\|MONOTONIC_USEC=(\d+)\|STATUS=/.exec(await next()) ?? [];
  expect(BigInt(saidUs) >= startUs && BigInt(saidUs) <= process.hrtime.bigint() / 1000n).toBe(true);
  expect(await next()).toBe(`${pid} READY=1|STATUS=DNS is answered`);
  // The log of another process comes by another pipe.
  expect(await server.eventually(() => reloads() === 1)).toBe(true);

  writeFileSync(server.configFile, '[log]\nformat = "json"\nqueries = -1\n');
  server.child.kill('SIGHUP');
  expect(await next()).toContain('RELOADING=1');
  expect(await next()).toMatch(/ READY=1\|STATUS=DNS is answered; the configuration .* has errors: the one before stays/);

  expect(await server.terminate()).toBe(0);
  for (let said = ''; !said.includes('STOPPING=1'); said = await next());
});
