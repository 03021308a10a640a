import { type Socket, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { exchangeStream } from '#control/outside/stream-exchange.ts';

const MESSAGE = Uint8Array.of(7, 7, 7);

async function ask(answer: (socket: Socket, asked: Buffer) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (asked: Buffer) => answer(socket, asked));
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return exchangeStream({ server: ipPort('127.0.0.1', port), message: MESSAGE, connectMs: 2000, answerMs: 200 });
}

test('RFC 7766 §8: both messages have their length before them, and may come in pieces', async () => {
  const pieces = async (socket: Socket, asked: Buffer): Promise<void> => {
    expect([...asked]).toEqual([0, 3, 7, 7, 7]);
    for (const octet of [0, 2, 1, 2, 99]) {
      socket.write(Uint8Array.of(octet));
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  expect(await ask((...all) => void pieces(...all))).toEqual({ reply: Uint8Array.of(1, 2) });
});

test('the longest message, and octets after it', async () => {
  const long = await ask((socket) => void socket.write(Buffer.concat([Buffer.of(255, 255), Buffer.alloc(70_000, 5)])));
  expect(long).toEqual({ reply: new Uint8Array(65_535).fill(5) });
});

test('no answer, half an answer, a connection that ends', async () => {
  expect(await ask(() => undefined)).toEqual({ failure: 'does not answer' });
  expect(await ask((socket) => void socket.write(Uint8Array.of(0, 3, 1)))).toEqual({ failure: 'does not answer' });
  const cut = await ask((socket) => void socket.end(Uint8Array.of(0)));
  expect(cut).toEqual({ failure: 'closes the connection before the end' });
});

test('no server there', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => void closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as { port: number };
  await new Promise((resolve) => void closed.close(resolve));
  const order = { server: ipPort('127.0.0.1', port), message: MESSAGE, connectMs: 2000, answerMs: 200 };
  expect(await exchangeStream(order)).toEqual({ failure: expect.stringContaining('ECONNREFUSED') });
});
