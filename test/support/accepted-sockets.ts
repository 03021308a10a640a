/** The server's ends of the connections that this process accepts: what a test cannot see from the client's end. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Those accepted from now on until the test ends, in their order; the list grows. */
export function acceptedSockets(): readonly Socket[] {
  const accepted: Socket[] = [];
  const take = (message: unknown) => void accepted.push((message as { readonly socket: Socket }).socket);
  subscribe('net.server.socket', take);
  onTestFinished(() => void unsubscribe('net.server.socket', take));
  return accepted;
}
