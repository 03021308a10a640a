import { existsSync, renameSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { ipPort } from '#base/address.ts';
import { acceptedSockets } from '../../support/accepted-sockets.ts';
import { fakeWithZone } from '../../support/admin/fake-control.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function start(options: { readonly requestMsMax?: number } = {}) {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control });
  const socketPath = join(temporaryFolder(), 'admin.sock');
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath, ...options });
  onTestFinished(() => listeners.close(0));
  const port = Number(listeners.address.split(':')[1]);
  return { control, tokens, app, listeners, socketPath, port };
}

async function ask(options: RequestOptions, body?: string): Promise<{ status: number; text: string }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ agent: false, ...options }, resolve)
      .once('error', reject)
      .end(body);
  });
  return { status: answer.statusCode ?? 0, text: Buffer.concat(await answer.toArray()).toString() };
}

/** Everything that comes on a connection until the other side closes it. */
async function received(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe('the Unix socket', () => {
  test('needs no token, is private from the start, and says who it was', async () => {
    const { socketPath, control } = await start();
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect((await ask({ socketPath, path: '/v1/tokens' })).status).toBe(200);
    await ask({ socketPath, path: '/v1/zones/example.com/rrsets/www/A', method: 'DELETE' });
    expect(control.commands.at(-1)?.options.actor).toEqual({ kind: 'socket', id: 'admin', from: 'unix', transport: 'unix' });
  });

  test('takes the place of one that a killed server left', async () => {
    const path = join(temporaryFolder(), 'admin.sock');
    const { app } = await start();
    const dead = createServer();
    await new Promise<void>((resolve) => {
      dead.listen(path, resolve);
    });
    await expect(listenAdmin(app, { tcp: undefined, socketPath: path })).rejects.toThrow('another server is running');
    // As kill -9 leaves it: the file is there, nobody listens. (Closing removes the file only where it was bound.)
    const stale = join(temporaryFolder(), 'admin.sock');
    const killed = createServer();
    await new Promise<void>((resolve) => {
      killed.listen(`${stale}.bound`, resolve);
    });
    renameSync(`${stale}.bound`, stale);
    await new Promise((resolve) => {
      killed.close(resolve);
    });
    expect(existsSync(stale)).toBe(true);
    const listeners = await listenAdmin(app, { tcp: undefined, socketPath: stale });
    expect((await ask({ socketPath: stale, path: '/v1/zones' })).status).toBe(200);
    await listeners.close(0);
    dead.close();
  });

  test('does not replace what is not a socket', async () => {
    const { app } = await start();
    const path = join(temporaryFolder(), 'admin.sock');
    writeFileSync(path, 'precious');
    await expect(listenAdmin(app, { tcp: undefined, socketPath: path })).rejects.toThrow('not a socket');
    await expect(listenAdmin(app, { tcp: undefined, socketPath: `/tmp/${'x'.repeat(200)}` })).rejects.toThrow('longer than 107');
  });

  test('leaves the mask for new files as it was', async () => {
    const before = process.umask();
    await start();
    expect(process.umask()).toBe(before);
  });
});

describe('the TCP listener', () => {
  test('asks for a token, also on a connection that is already half dead', async () => {
    const { port, control } = await start();
    expect((await ask({ port, host: '127.0.0.1', path: '/v1/zones' })).status).toBe(401);
    // A socket without a remote address must not be taken for the Unix socket: send a change and reset the connection at once.
    const accepted = acceptedSockets();
    for (let turns = 0; turns < 20; turns++) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise((resolve) => {
        socket.write('DELETE /v1/zones/example.com HTTP/1.1\r\nHost: x\r\n\r\n', resolve);
      });
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      socket.resetAndDestroy();
    }
    await expect.poll(() => accepted.filter(({ closed }) => closed).length).toBe(20);
    expect(control.commands).toHaveLength(1);
  });

  test('ends requests with large headers and those that never come to an end', async () => {
    const { port } = await start({ requestMsMax: 300 });
    const large = connect(port, '127.0.0.1');
    large.write(`GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(await received(large)).toMatch(/^HTTP\/1\.1 431 /);
    const slow = connect(port, '127.0.0.1');
    slow.write('GET /livez HTTP/1.1\r\nHos');
    expect(await received(slow)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('ends a body that is longer than it may be, before all of it has come', async () => {
    const { port, tokens } = await start();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `POST /v1/zones HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokens.admin}\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n`,
    );
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('ends running requests when it is closed, and takes no new ones', async () => {
    const { port, listeners, socketPath } = await start();
    expect((await ask({ port, host: '127.0.0.1', path: '/livez' })).status).toBe(200);
    await listeners.close(1000);
    await expect(ask({ port, host: '127.0.0.1', path: '/livez' })).rejects.toThrow('ECONNREFUSED');
    expect(existsSync(socketPath)).toBe(false);
  });
});
