/** One question over UDP: a way that does not exist is an answer like others, and ends no process. */
import { expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { exchangeDatagram } from '#control/outside/datagram-exchange.ts';

test('an address that cannot be connected to: the failure, at once, and no exception', async () => {
  // A broadcast address: the kernel lets no ordinary socket connect to it, as to one without a route.
  const server = ipPort('255.255.255.255', 53);
  const order = { server, message: Buffer.alloc(12), timeoutMs: 5000, datagramsMax: 1, read: () => 'a reply' };
  const failure = expect.stringMatching(/^connect (?:EACCES|ENETUNREACH) 255\.255\.255\.255/);
  expect(await exchangeDatagram(order)).toEqual({ failure });
});
