/** Whose process opened a connection of the admin socket: what the kernel says, of this process and of others. */
import { spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { type Socket, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadKernel } from '#process/confine/kernel.ts';
import { type SocketUser, socketUser } from '#process/socket-user.ts';
import { temporaryFolder } from '../support/temporary-store.ts';
import { toolPath } from '../support/tools.ts';

/** Sockets in the order in which they come. */
async function listening() {
  const path = join(temporaryFolder(), 'socket');
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => void server.listen({ path, writableAll: true, readableAll: true }, resolve));
  chmodSync(dirname(path), 0o755);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const next = async (): Promise<Socket> => {
    await expect.poll(() => sockets.length, { timeout: 20_000 }).toBeGreaterThan(0);
    return sockets.shift()!;
  };
  return { path, next };
}

/** Connects as this user, by number, and stays until it is killed. */
function connectAs(uid: number, path: string): number {
  const script = `import os, socket, sys, time\nos.setgroups([])\nos.setuid(${uid})\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ntime.sleep(60)`;
  const child = spawn(toolPath('python3'), ['-c', script, path], { stdio: ['ignore', 'ignore', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child.pid!;
}

test('SO_PEERCRED: this process, with the name of its user', async () => {
  const { path, next } = await listening();
  const client = connect({ path });
  onTestFinished(() => void client.destroy());
  const { uid, username } = userInfo();
  const userAt = socketUser();
  const socket = await next();
  expect(await userAt(socket)).toBe(`${username} (${uid}), pid ${process.pid}`);
  expect(await userAt(socket)).toBe(`${username} (${uid}), pid ${process.pid}`);
});

test.runIf(process.getuid?.() === 0)('another user, and one without a name', async () => {
  const { path, next } = await listening();
  const userAt = socketUser();
  const nobody = connectAs(65_534, path);
  expect(await userAt(await next())).toBe(`nobody (65534), pid ${nobody}`);
  const nameless = connectAs(54_321, path);
  expect(await userAt(await next())).toBe(`uid 54321, pid ${nameless}`);
});

test('a connection that is closed, one of TCP, and a system whose calls are not known: nothing, and no error', async () => {
  const { path, next } = await listening();
  const userAt: SocketUser = socketUser();
  connect({ path }).destroy();
  const socket = await next();
  socket.destroy();
  expect(await userAt(socket)).toBeUndefined();
  connect({ path }).unref();
  expect(await socketUser(() => Promise.reject(new Error('no koffi')))(await next())).toBeUndefined();
  const kernel = loadKernel();
  const failing = socketUser(() => Promise.resolve({ ...kernel, call: () => -95 }));
  connect({ path }).unref();
  expect(await failing(await next())).toBeUndefined();
});
