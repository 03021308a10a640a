/** Datagrams to Unix sockets, as another program receives them. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { loadKernel } from '#process/confine/kernel.ts';
import { sendDatagram } from '#process/service-manager/datagram.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';
import { toolPath } from '../../support/tools.ts';

/** Binds a name without a file where it begins with `@`; says what comes, and from which process. */
const RECEIVER = `
import socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1].replace('@', chr(0)))
print('bound', flush=True)
while True:
    data, more, flags, sender = s.recvmsg(4096, 256)
    print(struct.unpack('iii', more[0][2])[0], data.decode(), flush=True)
`;

async function receiver(address: string) {
  const child = spawn(toolPath('python3'), ['-c', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  expect(await next()).toBe('bound');
  return { next, child };
}

test.each(['a path', 'a name without a file'])('sd_notify(3): to %s, from this process', async (kind) => {
  const address = kind === 'a path' ? join(temporaryFolder(), 'notify') : `@waxseal-test-${process.pid}`;
  const { next } = await receiver(address);
  const heard = next();
  expect(sendDatagram(loadKernel(), address, 'READY=1')).toBe(true);
  expect(await heard).toBe(`${process.pid} READY=1`);
});

test('a socket that is not there, and one whose reader stands still: an error, and no wait', async () => {
  const kernel = loadKernel();
  const folder = temporaryFolder();
  expect(() => sendDatagram(kernel, join(folder, 'none'), 'READY=1')).toThrow('sendto: ENOENT');
  const address = join(folder, 'full');
  const { child } = await receiver(address);
  child.kill('SIGSTOP');
  const startedMs = performance.now();
  const sent = Array.from({ length: 1000 }, () => sendDatagram(kernel, address, 'WATCHDOG=1'));
  expect(sent.at(-1)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(5000);
});
