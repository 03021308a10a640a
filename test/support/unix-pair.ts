/** Both ends of a Unix socket in one process, and their descriptors. Nothing is read from them but by system calls. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface UnixEnd {
  readonly socket: Socket;
  readonly fd: number;
}

export async function unixPair(): Promise<readonly [UnixEnd, UnixEnd]> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-pair-'));
  const server = createServer({ pauseOnConnect: true }).listen(join(folder, 'socket'));
  await once(server, 'listening');
  const near = connect({ path: join(folder, 'socket') });
  const [[far]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(near, 'connect')]);
  onTestFinished(() => {
    for (const each of [near, far]) each.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return [endOf(near), endOf(far)];
}

function endOf(socket: Socket): UnixEnd {
  const { _handle: handle } = socket as unknown as { readonly _handle: { readonly fd: number } };
  return { socket, fd: handle.fd };
}
