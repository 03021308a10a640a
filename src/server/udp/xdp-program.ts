/**
 * The program that an interface runs for each packet: queries to one of our addresses and ports go to the AF_XDP socket
 * of the queue that they came in by; everything else is the kernel's, as if there were no program.
 * Implements: RFC 791 §3.1, RFC 8200 §3, RFC 768, as far as a query differs from other packets.
 * Not here: how it is loaded (xdp-open.ts), what it looks up (xdp-control.ts), what is done with the packets
 * (xdp-batch.ts).
 */
import { assert } from '#base/assert.ts';
import { XDP_PACKET_BYTES_MAX, XDP_PORTS_MAX, XDP_QUEUES_MAX, XDP_TABLE_PROBES } from '#base/limits/server.ts';
import { Assembler } from './xdp-assembler.ts';
import { CONTROL } from './xdp-control.ts';
import { XDP_NUMBER, XDP_STRUCTURES } from './xdp-layout.ts';

export interface XdpProgramMaps {
  /** XSKMAP: socket by queue. */
  readonly sockets: number;
  /** Array of one value, as xdp-control.ts has it. */
  readonly control: number;
}

const CONTEXT = XDP_STRUCTURES.xdp_md.members;
/** Ethernet's, then that of IPv4 without options, or that of IPv6, then that of UDP. */
const SMALLEST_IPV4 = 14 + 20 + 8;
const SMALLEST_IPV6 = 14 + 40 + 8;
/** As a little-endian machine reads them from the wire. */
const WIRE = { ETHERTYPE_IPV4: 0x0008, ETHERTYPE_IPV6: 0xdd86, FRAGMENT: 0xff3f, MAPPED: 0xffff_0000 } as const;
const UDP = 17;

/** Registers: 6 and 7 stay what they are; 0…5 come and go; 8 and 9 are the address, its first and second half. */
const R = { context: 6, control: 7, packet: 2, end: 3, port: 4, family: 5, high: 8, low: 9 } as const;
const at = (register: number) => ({ register });

/** Its octets. Redirects only to `ports`, whatever the control block says. */
export function xdpProgram({ sockets, control }: XdpProgramMaps, ports: readonly number[]): Uint8Array<ArrayBuffer> {
  assert(ports.length > 0 && ports.length <= XDP_PORTS_MAX, `${ports.length} ports`);
  const program = new Assembler()
    .compute('mov', R.context, at(1))
    .load(4, R.packet, R.context, CONTEXT.data)
    .load(4, R.end, R.context, CONTEXT.data_end)
    // Too short for a query, or too long for a frame.
    .compute('mov', 1, at(R.packet))
    .compute('add', 1, SMALLEST_IPV4)
    .when(1, 'greater', at(R.end), 'pass')
    .compute('mov', 1, at(R.packet))
    .compute('add', 1, XDP_PACKET_BYTES_MAX + 1)
    .when(1, 'atMost', at(R.end), 'pass')
    // Sent to the interface itself: with another hardware address the packet is another machine's.
    .map(R.control, XDP_NUMBER.BPF_PSEUDO_MAP_VALUE, control)
    .load(4, 0, R.packet, 0)
    .load(4, 1, R.control, CONTROL.MAC)
    .when(0, 'notEqual', at(1), 'pass')
    .load(2, 0, R.packet, 4)
    .load(2, 1, R.control, CONTROL.MAC + 4)
    .when(0, 'notEqual', at(1), 'pass')
    .load(2, 0, R.packet, 12)
    .when(0, 'equal', WIRE.ETHERTYPE_IPV4, 'ipv4')
    .when(0, 'notEqual', WIRE.ETHERTYPE_IPV6, 'pass');
  readIpv6(program);
  readIpv4(program);
  program.label('port');
  for (const port of ports) program.when(R.port, 'equal', ((port & 0xff) << 8) | (port >> 8), 'address');
  program.jump('pass');
  findAddress(program);
  redirect(program, sockets);
  return program.octets();
}

/** No extension headers: fragments have one, and no client sends others. */
function readIpv6(program: Assembler): void {
  program
    .compute('mov', 1, at(R.packet))
    .compute('add', 1, SMALLEST_IPV6)
    .when(1, 'greater', at(R.end), 'pass')
    .load(1, 0, R.packet, 14)
    .compute('rsh', 0, 4)
    .when(0, 'notEqual', 6, 'pass')
    .load(1, 0, R.packet, 20)
    .when(0, 'notEqual', UDP, 'pass')
    .load(8, R.high, R.packet, 38)
    .load(8, R.low, R.packet, 46)
    .load(2, R.port, R.packet, 56)
    .compute('mov', R.family, 6 << 16)
    .jump('port');
}

/** No options, no fragments. */
function readIpv4(program: Assembler): void {
  program
    .label('ipv4')
    .load(1, 0, R.packet, 14)
    .when(0, 'notEqual', 0x45, 'pass')
    .load(2, 0, R.packet, 20)
    .when(0, 'hasBits', WIRE.FRAGMENT, 'pass')
    .load(1, 0, R.packet, 23)
    .when(0, 'notEqual', UDP, 'pass')
    .compute('mov', R.high, 0)
    .load(4, R.low, R.packet, 30)
    .compute('lsh', R.low, 32)
    .computeWord('mov', 1, WIRE.MAPPED | 0)
    .compute('or', R.low, at(1))
    .load(2, R.port, R.packet, 36)
    .compute('mov', R.family, 4 << 16);
}

/** hashAddress of xdp-control.ts, then XDP_TABLE_PROBES places from there. */
function findAddress(program: Assembler): void {
  program
    .label('address')
    .compute('or', R.port, at(R.family))
    .load(4, 5, R.control, CONTROL.TABLE_INDEX)
    .compute('and', 5, 1)
    .compute('mov', 0, at(R.high))
    .compute('xor', 0, at(R.low))
    .compute('mov', 1, at(0))
    .compute('rsh', 1, 32)
    .computeWord('xor', 0, at(1))
    .computeWord('xor', 0, at(R.port))
    // The seed of the table: its words stand side by side.
    .compute('mov', 1, at(5))
    .compute('lsh', 1, 2)
    .compute('mov', 2, at(R.control))
    .compute('add', 2, at(1))
    .load(4, 1, 2, CONTROL.SEEDS)
    .computeWord('xor', 0, at(1))
    .computeWord('mul', 0, CONTROL.HASH_FACTOR)
    .computeWord('rsh', 0, CONTROL.HASH_SHIFT)
    .compute('mul', 0, CONTROL.SLOT_BYTES)
    .compute('mul', 5, CONTROL.TABLE_BYTES)
    .compute('add', 0, at(5))
    .compute('mov', 1, at(R.control))
    .compute('add', 1, at(0));
  for (let probe = 0; probe < XDP_TABLE_PROBES; probe++) {
    const slot = CONTROL.TABLES + probe * CONTROL.SLOT_BYTES;
    program
      .load(8, 0, 1, slot)
      .when(0, 'notEqual', at(R.high), `probe ${probe + 1}`)
      .load(8, 0, 1, slot + 8)
      .when(0, 'notEqual', at(R.low), `probe ${probe + 1}`)
      .load(4, 0, 1, slot + 16)
      .when(0, 'equal', at(R.port), 'found')
      .label(`probe ${probe + 1}`);
  }
}

/** The fallback of bpf_redirect_map is XDP_PASS: a queue without a socket is the kernel's. */
function redirect(program: Assembler, sockets: number): void {
  program
    .label('pass')
    .compute('mov', 0, XDP_NUMBER.XDP_PASS)
    .exit()
    .label('found')
    .load(4, 2, R.context, CONTEXT.rx_queue_index)
    .when(2, 'atLeast', XDP_QUEUES_MAX, 'pass')
    .compute('mov', 0, at(2))
    .compute('lsh', 0, 2)
    .compute('mov', 1, at(R.control))
    .compute('add', 1, at(0))
    .load(4, 0, 1, CONTROL.ACTIVE)
    .when(0, 'equal', 0, 'pass')
    .map(1, XDP_NUMBER.BPF_PSEUDO_MAP_FD, sockets)
    .compute('mov', 3, XDP_NUMBER.XDP_PASS)
    .call(XDP_NUMBER.BPF_FUNC_redirect_map)
    .exit();
}
