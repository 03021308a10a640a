/**
 * A mail host with STARTTLS on this machine, for tests: it shows the certificate that a test gives it, and can be made to misbehave. It takes
 * no mail: after TLS it answers EHLO, NOOP and QUIT.
 */
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { TLSSocket, createSecureContext } from 'node:tls';
import { type Pair } from '../throwaway-ca.ts';

export interface StarttlsBehaviour {
  readonly greeting?: string;
  /** The reply to EHLO; with STARTTLS unless given. */
  readonly features?: string;
  /** The reply to STARTTLS, and what follows it at once. */
  readonly ready?: string;
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  /** Instead of a conversation. */
  readonly instead?: (socket: Socket) => void;
}

export interface StarttlsServer {
  readonly port: number;
  /** What clients said before TLS, and the names in their handshakes. */
  readonly said: string[];
  readonly names: string[];
  /** Shows this from the next connection on. */
  present(pair: Pair): void;
  stop(): Promise<void>;
}

/** Listens on a free port of `ip`, or on `port`. */
export async function starttlsServer(
  first: Pair,
  behaviour: StarttlsBehaviour = {},
  { ip = '127.0.0.1', port = 0 }: { readonly ip?: string; readonly port?: number } = {},
): Promise<StarttlsServer> {
  const {
    greeting = '220 mx.test ESMTP\r\n',
    features = '250-mx.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n',
    ready = '220 go on\r\n',
    maxVersion = 'TLSv1.3',
    instead,
  } = behaviour;
  const [said, names]: [string[], string[]] = [[], []];
  const open = new Set<Socket>();
  let pair = first;
  const secure = (socket: Socket): void => {
    const old = maxVersion === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0', minVersion: 'TLSv1' as const } : {};
    const context = createSecureContext({ ...pair, maxVersion, ...old });
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      SNICallback: (name, done) => {
        names.push(name);
        done(null, context);
      },
    });
    tls.on('error', () => {});
    tls.on('data', (octets: Buffer) => {
      for (const line of octets.toString().trim().split('\r\n'))
        tls.write(/^EHLO/i.test(line) ? '250 mx.test\r\n' : /^QUIT/i.test(line) ? '221 bye\r\n' : '250 ok\r\n');
    });
  };
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {});
    if (instead !== undefined) return instead(socket);
    socket.write(greeting);
    const listen = (octets: Buffer): void => {
      for (const line of octets.toString().trim().split('\r\n')) {
        said.push(line);
        if (/^STARTTLS$/i.test(line)) {
          socket.off('data', listen);
          socket.write(ready);
          if (ready.startsWith('220')) secure(socket);
        } else socket.write(/^EHLO/i.test(line) ? features : /^QUIT/i.test(line) ? '221 bye\r\n' : '502 no\r\n');
      }
    };
    socket.on('data', listen);
  });
  await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(port, ip, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    said,
    names,
    present: (next) => void (pair = next),
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
