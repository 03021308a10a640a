/**
 * A program that opens AF_XDP at interfaces which have come since the answer process began, hands them over to it, and
 * ends: `open-xdp.ts ORDER`, its third descriptor being the socket to the answer process. It has the rights of who
 * started the server, as a launcher has for a moment, and reads nothing from the network.
 * Not here: when it is started (process/children/xdp-opener.ts), opening (server/udp/xdp-open.ts).
 */
import { isLoadedOnly } from '#base/sibling.ts';
import { handOver } from '#server/udp/xdp-hand-over.ts';
import { type XdpOrder, openXdp } from '#server/udp/xdp-open.ts';
import { loadXdpSyscalls } from '#server/udp/xdp-syscalls.ts';

/** After standard input, output and error. */
const SOCKET = 3;

if (!isLoadedOnly()) await run();

async function run(): Promise<void> {
  process.title = 'waxseal open-xdp';
  const order = JSON.parse(process.argv[2] ?? '') as XdpOrder;
  const calls = loadXdpSyscalls();
  const { interfaces } = await openXdp(calls, order);
  for (const each of interfaces) handOver(calls, SOCKET, each);
}
