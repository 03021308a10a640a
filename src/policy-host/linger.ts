/**
 * The end of a connection of HTTP/1.1 whose request has not come whole: a socket that is closed with octets unread is
 * reset, and a reset takes the answer back that the client has not read yet. So it is closed in one direction, and what
 * comes in the other is read and forgotten until the client has seen the end, or it is too much, or too long.
 * Implements: RFC 9112 §9.6.
 */
import { type Socket } from 'node:net';
import { HTTPS_LINGER_BYTES_MAX, HTTPS_LINGER_LOOK_MS, HTTPS_LINGER_MS_MAX } from '#base/limits/https.ts';
import { type Connection } from './connections.ts';

/** `socket` of `connection` ends like this after its answer, which says that it is the last. */
export function endLate(socket: Socket, connection: Connection): void {
  // So many octets more than connections.ts would allow.
  connection.bodyBytes += HTTPS_LINGER_BYTES_MAX;
  // What node:http calls after its last answer.
  Object.assign(socket, { destroySoon: () => linger(socket, connection.socket) });
}

/** `raw` counts the octets: what the parser of node:http reads passes `socket` by. */
function linger(socket: Socket, raw: Socket): void {
  const [fromBytes, fromMs] = [raw.bytesRead, performance.now()];
  socket.end();
  const timer = setInterval(() => {
    const [bytes, ms] = [raw.bytesRead - fromBytes, performance.now() - fromMs];
    if (bytes > HTTPS_LINGER_BYTES_MAX || ms > HTTPS_LINGER_MS_MAX) socket.destroy();
  }, HTTPS_LINGER_LOOK_MS);
  socket.once('close', () => clearInterval(timer));
}
