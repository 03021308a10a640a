/**
 * One packet there and one back through the batched socket, before any caller relies on it: structures can be right on
 * paper while a sandbox or an emulator does not have these calls.
 */
import { type IpPort, ipPort } from '#base/address.ts';
import { SERVER_SLOT_COUNT } from '#server/counters.ts';
import { UdpBatch } from './mmsg-batch.ts';
import { type MmsgSocket, openSockets, writeSocketName } from './mmsg-socket.ts';
import { nativeMemory, type Syscalls, systemError } from './mmsg-syscalls.ts';

const QUESTION = Uint8Array.of(0x77, 0x61, 0x78, 0x73, 0x65, 0x61, 0x6c, 0x20, 0x74, 0x72, 0x69, 0x61, 0x6c);
/** Where the question goes: not the address that a reply would leave from by itself. */
const ASKED = [ipPort('127.0.0.53', 0), ipPort('::1', 0)];
const ANY = { 4: ipPort('0.0.0.0', 0), 6: ipPort('::', 0) };

/** Throws with the reason when packets do not come through. A machine without one of IPv4 and IPv6 is tried with the other. */
export function tryPackets(calls: Syscalls): void {
  const failures = ASKED.map((asked) => tryFamily(calls, asked)).filter((each) => each !== undefined);
  const [first] = failures;
  if (first !== undefined && (failures.length === ASKED.length || !isMissingFamily(first))) throw first;
}

function tryFamily(calls: Syscalls, asked: IpPort): unknown {
  try {
    exchange(calls, asked);
    return undefined;
  } catch (error) {
    return error;
  }
}

function exchange(calls: Syscalls, asked: IpPort): void {
  const server = openSockets(calls, [ANY[asked.family]]);
  try {
    const client = openSockets(calls, [{ ...asked, ip: asked.family === 4 ? '127.0.0.1' : '::1' }]);
    try {
      const memory = nativeMemory(256);
      const nameBytes = writeSocketName(memory, { ...asked, port: server.addresses[0]!.port });
      memory.octets.set(QUESTION, 64);
      const [from] = client.sockets;
      if (calls.sendto(from!.fd, memory.address + 64, QUESTION.length, 0, memory.address, nameBytes) !== QUESTION.length)
        throw systemError(calls, 'sendto', asked.ip);
      // Sending to oneself is delivery: what was sent is there when the call returns.
      const heard = receiveOne(calls, server.sockets[0]!, true);
      const answered = receiveOne(calls, from!, false);
      if (heard?.text !== QUESTION.toString()) throw new Error(`recvmmsg on IPv${asked.family} did not bring the packet that was sent`);
      if (answered?.text !== QUESTION.toString()) throw new Error(`sendmmsg on IPv${asked.family} did not send the reply`);
      const expected = asked.family === 4 ? '127,0,0,53' : '0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1';
      if (answered.client !== expected) throw new Error(`a reply on IPv${asked.family} did not leave from the address that was asked`);
    } finally {
      client.close();
    }
  } finally {
    server.close();
  }
}

function receiveOne(calls: Syscalls, socket: MmsgSocket, echo: boolean): { readonly text: string; readonly client: string } | undefined {
  let received: { readonly text: string; readonly client: string } | undefined;
  const batch = new UdpBatch(
    calls,
    {
      respond(query, length, out, _transport, client) {
        received = { text: query.subarray(0, length).toString(), client: client.octets.subarray(0, client.length).toString() };
        if (!echo) return 0;
        out.set(query.subarray(0, length));
        return length;
      },
    },
    new Float64Array(SERVER_SLOT_COUNT),
  );
  batch.turn(socket);
  return received;
}

function isMissingFamily(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL');
}
