/**
 * A listening TCP socket, SO_REUSEPORT, one per worker and address.
 * Implements: RFC 7766 §5 (TCP is served like UDP). Not here: connections (connection.ts), their limits (table.ts), zone transfer.
 */
import { createServer } from 'node:net';
import { ipPort, type IpPort } from '#base/address.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { type TcpListener } from '#server/listener.ts';
import { type TcpTable } from './table.ts';

/**
 * Binds, or takes `fd`, and starts accepting into `table`. Rejects with the system's error. Closing it leaves the
 * table's connections alone.
 */
export async function openTcp(address: IpPort, table: TcpTable, fd?: number): Promise<TcpListener> {
  const server = createServer(
    {
      // A client may send FIN after its last query and still wants the answers (RFC 7766 §6.2.4).
      allowHalfOpen: true,
      noDelay: true,
      // node reads on only when everything read before has been used: 64 KiB per connection at most.
      highWaterMark: 1,
    },
    (socket) => table.admit(socket),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const { ip: host, port, family } = address;
    const own = { host, port, reusePort: true, ipv6Only: family === 6, exclusive: true };
    server.listen(fd === undefined ? own : { fd }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // Failed accepts (EMFILE, ECONNABORTED): the client retries, the socket continues to listen.
  server.on('error', () => {
    table.counters[SLOT.tcpSocketErrors]! += 1;
  });
  const bound = server.address();
  return {
    address: typeof bound === 'object' && bound !== null ? ipPort(bound.address, bound.port) : address,
    // The callback of `close` waits for the connections, which are the table's; the socket itself is closed at once.
    close: () => {
      server.close();
      return Promise.resolve();
    },
  };
}
