/** Datagrams to Unix sockets, as another program receives them. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadKernel } from '#process/confine/kernel.ts';
import { sendDatagram } from '#process/service-manager/datagram.ts';
import { notifyReceiver } from '../../support/notify-receiver.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

test.each(['a path', 'a name without a file'])('sd_notify(3): to %s, from this process', async (kind) => {
  const address = kind === 'a path' ? join(temporaryFolder(), 'notify') : `@waxseal-test-${process.pid}`;
  const { next } = await notifyReceiver(address);
  const heard = next();
  expect(sendDatagram(loadKernel(), address, 'READY=1')).toBe(true);
  expect(await heard).toBe(`${process.pid} READY=1`);
});

test('a socket that is not there, and one whose reader stands still: an error, and no wait', async () => {
  const kernel = loadKernel();
  const folder = temporaryFolder();
  expect(() => sendDatagram(kernel, join(folder, 'none'), 'READY=1')).toThrow('sendto: ENOENT');
  const address = join(folder, 'full');
  const { child } = await notifyReceiver(address);
  child.kill('SIGSTOP');
  const startedMs = performance.now();
  const sent = Array.from({ length: 1000 }, () => sendDatagram(kernel, address, 'WATCHDOG=1'));
  expect(sent.at(-1)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(5000);
});
