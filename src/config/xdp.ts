/**
 * AF_XDP in the `[dns]` section: the interfaces that UDP is served at without the kernel's network stack.
 * Not here: opening them (server/udp/xdp-open.ts).
 */
import { Type } from 'typebox';
import { type UdpKind } from '#base/ipc/messages.ts';
import { type IpPort } from '#base/address.ts';
import { XDP_INTERFACES_MAX, XDP_PORTS_MAX } from '#base/limits/server.ts';
import { type ValueReaders } from './readers.ts';

/** Keys of `[dns]`. */
export const XDP_KEYS = {
  /** Names as `ip link` shows them: IFNAMSIZ is 16 with its final zero. */
  xdp_interfaces: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 15 }), { maxItems: XDP_INTERFACES_MAX }),
  ),
};

/** Each once. They have no effect with another `dns.udp`, so that one flag is enough to go without. */
export function settleXdp(
  interfaces: readonly string[] = [],
  { udp, listen }: { readonly udp: UdpKind; readonly listen: readonly IpPort[] },
  readers: ValueReaders,
): readonly string[] {
  if (udp !== 'xdp') return interfaces;
  if (interfaces.length === 0)
    readers.reject(
      'dns.udp',
      'dns.udp = "xdp" needs dns.xdp_interfaces: the interfaces that queries come in by, as ["eth0"]',
    );
  const ports = new Set(listen.map(({ port }) => port)).size;
  if (ports > XDP_PORTS_MAX)
    readers.reject('dns.listen', `dns.listen has ${ports} different ports, and dns.udp = "xdp" takes ${XDP_PORTS_MAX}`);
  return [...new Set(interfaces)];
}
