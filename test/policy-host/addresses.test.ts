/** Addresses are opened as soon as they can be, tried again while they cannot, and taken as they are where they are open already. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { Addresses } from '#policy-host/addresses.ts';

const SOON = { timeout: 20_000 };

function addressesOf(wanted: readonly ReturnType<typeof ipPort>[], inherited = {}) {
  const seen = { accepted: 0, changes: 0, failures: [] as string[] };
  const addresses = new Addresses({
    wanted,
    inherited,
    accept(socket: Socket) {
      seen.accepted += 1;
      socket.end('hello');
    },
    changed: () => (seen.changes += 1),
    failed: (at, error) => void seen.failures.push(`${at.port} ${error.message}`),
  });
  onTestFinished(() => addresses.close());
  addresses.start();
  return { addresses, seen };
}

const greeting = (port: number, host = '127.0.0.1') =>
  new Promise<string>((resolve) => {
    let text = '';
    const socket = connect({ host, port });
    socket.on('data', (part) => (text += part.toString()));
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(text));
  });

async function listening(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return server;
}

test('IPv4 and IPv6, each with the port that it got', async () => {
  const { addresses, seen } = addressesOf([ipPort('127.0.0.1', 0), ipPort('::1', 0)]);
  await expect.poll(() => addresses.areAllOpen, SOON).toBe(true);
  const [four, six] = addresses.open.map((text) => Number(/:(\d+)$/.exec(text)![1]));
  expect(addresses.open).toEqual([`127.0.0.1:${four}`, `[::1]:${six}`]);
  expect([await greeting(four!), await greeting(six!, '::1')]).toEqual(['hello', 'hello']);
  expect(seen).toMatchObject({ accepted: 2, changes: 2, failures: [] });
});

test('a taken address is told once, the others serve, and it is opened when it is free', async () => {
  const other = await listening();
  const { port } = other.address() as AddressInfo;
  const { addresses, seen } = addressesOf([ipPort('127.0.0.1', port), ipPort('127.0.0.1', 0)]);
  await expect.poll(() => seen.failures.length, SOON).toBe(1);
  expect(seen.failures[0]).toContain('EADDRINUSE');
  await expect.poll(() => addresses.open.length, SOON).toBe(1);
  expect(addresses.areAllOpen).toBe(false);
  // Tried again in between, and told no second time.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(seen.failures).toHaveLength(1);
  await new Promise((resolve) => void other.close(resolve));
  await expect.poll(() => addresses.areAllOpen, SOON).toBe(true);
  expect(await greeting(port)).toBe('hello');
});

test('a connection that the kernel cannot hand over is told once; the address stays open', async () => {
  const servers: Server[] = [];
  const listens = (message: unknown) => void servers.push((message as { server: Server }).server);
  subscribe('tracing:net.server.listen:asyncEnd', listens);
  onTestFinished(() => void unsubscribe('tracing:net.server.listen:asyncEnd', listens));
  const { addresses, seen } = addressesOf([ipPort('127.0.0.1', 0)]);
  await expect.poll(() => addresses.areAllOpen, SOON).toBe(true);
  // As node:net says that accept(2) has failed.
  for (let each = 0; each < 2; each++) for (const server of servers) server.emit('error', new Error('accept EMFILE'));
  expect(seen).toMatchObject({ changes: 1, failures: [expect.stringContaining('EMFILE')] });
  expect(await greeting(Number(/:(\d+)$/.exec(addresses.open[0]!)![1]))).toBe('hello');
});

test('closed, nothing is accepted or tried any more', async () => {
  const other = await listening();
  const { port } = other.address() as AddressInfo;
  const { addresses, seen } = addressesOf([ipPort('127.0.0.1', port)]);
  await expect.poll(() => seen.failures.length, SOON).toBe(1);
  addresses.close();
  await new Promise((resolve) => void other.close(resolve));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await greeting(port)).toBe('');
  expect(addresses.open).toEqual([]);
});
