/**
 * UDP by node:dgram, which works everywhere: one SO_REUSEPORT socket per worker and address; the kernel spreads clients over the workers.
 * Implements: RFC 1035 §4.2.1 (one message per datagram). Answers leave from the socket's own address; a socket on 0.0.0.0 or [::] leaves
 * the choice to the routing table, so hosts with several addresses should name them in the configuration.
 * Not here: the batched socket that shares this interface, truncation (answer/), rate limits.
 */
import { type RemoteInfo, type Socket, createSocket } from 'node:dgram';
import { formatIpPort, ipPort, type IpPort } from '#base/address.ts';
import { type InheritedFds } from '#base/ipc/messages.ts';
import { ANSWER_IS_LATER, type SendAnswer } from '#answer/later-answer.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { UDP_DRAIN_LOOK_MS, UDP_SENDS_MAX, UDP_SOCKET_BUFFER_BYTES } from '#base/limits/server.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { type Listener, type QueryResponder, type UdpListener } from '#server/listener.ts';

/**
 * An output buffer and its completion, made once and used again and again. node:dgram keeps the buffer until its callback: mostly the kernel
 * takes the datagram at once and the callback comes in the same turn, so that the same one or two slots serve all queries. The others'
 * pages are never touched, and cost nothing.
 */
interface SendSlot {
  readonly octets: Buffer;
  readonly sent: (error: Error | null) => void;
}

/** Binds and starts answering. Rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL…). `counters` is this worker's row. */
export async function openUdp(
  addresses: readonly IpPort[],
  responder: QueryResponder,
  counters: Float64Array,
  inherited: InheritedFds = {},
): Promise<UdpListener> {
  const sockets: DgramSocket[] = [];
  const close = async (graceMs: number) => {
    await Promise.all(sockets.map((each) => each.close(graceMs)));
  };
  try {
    for (const address of addresses) {
      const given = inherited[formatIpPort(address)]?.udp;
      sockets.push(await openSocket(address, given, responder, counters));
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return {
    addresses: sockets.map((each) => each.address),
    pendingSends: () => sockets.reduce((sum, each) => sum + each.pendingSends(), 0),
    close,
  };
}

interface DgramSocket extends Listener {
  readonly address: IpPort;
  pendingSends(): number;
}

/** Binds, or takes `fd`. */
async function openSocket(
  address: IpPort,
  fd: number | undefined,
  responder: QueryResponder,
  counters: Float64Array,
): Promise<DgramSocket> {
  const socket = createSocket({
    type: address.family === 6 ? 'udp6' : 'udp4',
    reusePort: fd === undefined,
    // So that 0.0.0.0 and [::] can both be listened on, and no client shows up as an IPv4-mapped address.
    ipv6Only: fd === undefined && address.family === 6,
    recvBufferSize: UDP_SOCKET_BUFFER_BYTES,
    sendBufferSize: UDP_SOCKET_BUFFER_BYTES,
    // Peers are always IP addresses; the default would go through the resolver's queue for each answer.
    lookup: (ip, _options, found) => found(null, ip, address.family),
  });
  const free = sendSlots(counters);
  const client = newClientAddress();
  let closing = false;

  socket.on('message', (query, peer) => {
    if (closing) return;
    counters[SLOT.udpQueries]! += 1;
    // No client can receive on port 0; such a packet is forged, and node would throw on sending.
    if (peer.port === 0) {
      counters[SLOT.udpPortZero]! += 1;
      return;
    }
    const slot = free.pop();
    if (slot === undefined) {
      counters[SLOT.udpSendOverflow]! += 1;
      return;
    }
    responder.beginBatch?.();
    setClientAddress(client, peer.address);
    const length = responder.respond(query, query.length, slot.octets, 'udp', client);
    if (length === ANSWER_IS_LATER) {
      free.push(slot);
      responder.later?.(laterSender(socket, peer, () => (closing ? undefined : free.pop()), counters));
      return;
    }
    if (length === 0) {
      free.push(slot);
      counters[SLOT.udpNoAnswer]! += 1;
      return;
    }
    socket.send(slot.octets, 0, length, peer.port, peer.address, slot.sent);
  });

  await bindSocket(socket, address, fd);
  socket.on('error', () => {
    counters[SLOT.udpSocketErrors]! += 1;
  });

  const pendingSends = () => UDP_SENDS_MAX - free.length;
  return {
    address: ipPort(socket.address().address, socket.address().port),
    pendingSends,
    async close(graceMs) {
      if (closing) return;
      closing = true;
      for (let waitedMs = 0; pendingSends() > 0 && waitedMs < graceMs; waitedMs += UDP_DRAIN_LOOK_MS)
        await new Promise((resolve) => setTimeout(resolve, UDP_DRAIN_LOOK_MS));
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

/** Sends an answer that comes later to where its query came from; `take` gives a free slot. */
function laterSender(
  socket: Socket,
  { port, address: ip }: RemoteInfo,
  take: () => SendSlot | undefined,
  counters: Float64Array,
): SendAnswer {
  return (answer) => {
    const slot = answer.length === 0 ? undefined : take();
    if (slot === undefined) {
      counters[SLOT.udpNoAnswer]! += 1;
      return;
    }
    slot.octets.set(answer);
    socket.send(slot.octets, 0, answer.length, port, ip, slot.sent);
  };
}

/** The slots of one socket, all of them free; each returns to the list when its datagram is sent. */
function sendSlots(counters: Float64Array): SendSlot[] {
  const free: SendSlot[] = [];
  for (let made = 0; made < UDP_SENDS_MAX; made++) {
    const slot: SendSlot = {
      octets: Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX),
      sent: (error) => {
        free.push(slot);
        // ECONNREFUSED, EPERM (firewall), ENETUNREACH, EMSGSIZE…: the client will ask again or not; nothing to do here.
        counters[error === null ? SLOT.udpAnswers : SLOT.udpSendErrors]! += 1;
      },
    };
    free.push(slot);
  }
  return free;
}

/** Rejects with the system's error, and closes the socket then. */
async function bindSocket(socket: Socket, address: IpPort, fd?: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    const { ip, port } = address;
    socket.bind({ ...(fd === undefined ? { address: ip, port } : { fd }), exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  }).catch((error: unknown) => {
    socket.close();
    throw error;
  });
}
