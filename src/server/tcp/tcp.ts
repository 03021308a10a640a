/**
 * A listening TCP socket by node:net, SO_REUSEPORT, one per worker and address.
 * Implements: RFC 7766 §5 (TCP is served like UDP). Not here: connections (connection.ts), their limits (table.ts),
 * the way by system calls (epoll.ts), zone transfer.
 */
import { createServer, type Socket } from 'node:net';
import { clientNetwork, ipPort, type IpPort } from '#base/address.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { type TcpListener } from '#server/listener.ts';
import { NetSocket, type Secure } from './net-socket.ts';
import { type Admitting, NODE_ROUNDS, type TcpCarrier } from './tcp-socket.ts';

/** Carries TCP by node:net, in the thread's event loop; `secure` puts TLS over each connection. */
export function netCarrier(secure?: Secure): TcpCarrier {
  return {
    rounds: NODE_ROUNDS,
    transport: secure === undefined ? 'tcp' : 'tls',
    listen: (address, table, fd) => openTcp(address, table, { fd, secure }),
    close: () => Promise.resolve(),
  };
}

interface OpenOptions {
  readonly fd: number | undefined;
  readonly secure: Secure | undefined;
}

async function openTcp(address: IpPort, table: Admitting, { fd, secure }: OpenOptions): Promise<TcpListener> {
  const server = createServer(
    {
      // A client may send FIN after its last query and still wants the answers (RFC 7766 §6.2.4).
      allowHalfOpen: true,
      noDelay: true,
      // node reads on only when everything read before has been used: 64 KiB per connection at most.
      highWaterMark: 1,
    },
    (socket) => admit(socket, table, secure),
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

function admit(socket: Socket, table: Admitting, secure: Secure | undefined): void {
  const ip = socket.remoteAddress;
  const address = newClientAddress();
  if (ip !== undefined) setClientAddress(address, ip);
  // Without an address it was reset before this call.
  table.admit(new NetSocket(socket, secure), ip === undefined ? undefined : clientNetwork(ip), address);
}
