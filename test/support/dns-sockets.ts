/** A name server on UDP and TCP of 127.0.0.1, on one port, whose answers are a function of the test. */
import { type RemoteInfo, type Socket, createSocket } from 'node:dgram';
import { type AddressInfo, type Socket as TcpSocket, createServer } from 'node:net';
import { type IpPort, ipPort } from '#base/address.ts';
import { bareContent, newQueryHead, parseQuery, questionOf, writeMessage } from '#dns/message.ts';
import { type Resolver } from '#dns/resolver.ts';
import { RCODE } from '#dns/types.ts';

export interface DnsSockets {
  readonly at: IpPort;
  readonly stop: () => Promise<void>;
}

/** Answers as `respond` does; undefined: nothing is sent. */
export async function listenDns(
  respond: (query: Uint8Array, way: 'udp' | 'tcp') => Uint8Array | undefined | Promise<Uint8Array>,
): Promise<DnsSockets> {
  const open = new Set<TcpSocket>();
  const tcp = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    let come = Buffer.alloc(0);
    const reply = async (query: Uint8Array): Promise<void> => {
      const answer = await respond(query, 'tcp');
      if (answer === undefined) return void socket.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.end(Buffer.concat([length, answer]));
    };
    socket.on('error', () => {});
    socket.on('data', (octets: Buffer) => {
      come = Buffer.concat([come, octets]);
      if (come.length < 2 || come.length < 2 + come.readUInt16BE()) return;
      void reply(come.subarray(2));
    });
  });
  await new Promise<void>((resolve) => void tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  const udp: Socket = createSocket('udp4');
  const reply = async (query: Buffer, { port: to, address }: RemoteInfo): Promise<void> => {
    const answer = await respond(query, 'udp');
    if (answer !== undefined) udp.send(answer, to, address);
  };
  udp.on('message', (query: Buffer, from: RemoteInfo) => void reply(query, from));
  await new Promise<void>((resolve) => void udp.bind(port, '127.0.0.1', resolve));
  return {
    at: ipPort('127.0.0.1', port),
    stop: async () => {
      await new Promise<void>((resolve) => void udp.close(() => resolve()));
      for (const each of open) each.destroy();
      await new Promise<void>((resolve) => void tcp.close(() => resolve()));
    },
  };
}

/** A resolver that answers as `resolver` does. */
export function resolving(resolver: Resolver) {
  return async (query: Uint8Array): Promise<Uint8Array> => {
    const head = newQueryHead();
    parseQuery(query, query.length, head);
    const { name, type } = questionOf(query, head);
    const found = await resolver.lookup(name, type);
    const rcode = found.kind === 'nxdomain' ? RCODE.NXDOMAIN : found.kind === 'servfail' ? RCODE.SERVFAIL : RCODE.NOERROR;
    const answer = found.kind === 'answer' ? [{ owner: name, type, ttl: 60, rdatas: found.rdatas, signatures: [] }] : [];
    return writeMessage(query, head, { ...bareContent(rcode), answer }, 65_535);
  };
}
