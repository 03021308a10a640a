/** A service manager's end of NOTIFY_SOCKET: another program receives the datagrams, and says from which process each comes. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, onTestFinished } from 'vitest';
import { toolPath } from './tools.ts';

/** Binds a name without a file where it begins with `@`. Lines of one datagram are parted by `|`. */
const RECEIVER = `
import socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1].replace('@', chr(0)))
print('bound', flush=True)
while True:
    data, more, flags, sender = s.recvmsg(4096, 256)
    print(struct.unpack('iii', more[0][2])[0], data.decode().replace(chr(10), '|'), flush=True)
`;

/** Receives until the test ends; `next` is the next datagram, `PID TEXT`. */
export async function notifyReceiver(address: string) {
  const child = spawn(toolPath('python3'), ['-c', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  expect(await next()).toBe('bound');
  return { next, child };
}
