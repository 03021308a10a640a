/**
 * Linux's structures and numbers for sockets, as x86-64 and arm64 have them: 64-bit pointers, little-endian, the generic ABI.
 * Each structure is a table of member → C type, offset; mmsg-syscalls.ts checks offsets and sizes against the platform's ABI at start-up,
 * and a test checks them and the numbers against the machine's own C headers.
 * Not here: what is written into them (mmsg-socket.ts, mmsg-batch.ts).
 */

/** Or the name of a structure above. */
type MemberType = 'void *' | 'size_t' | 'int' | 'uint32_t' | 'uint16_t' | 'int16_t' | 'msghdr';

export interface Structure {
  /** In order; padding and arrays in between follow from the offsets of the members after them. */
  readonly members: Readonly<Record<string, { readonly type: MemberType; readonly offset: number; readonly count?: number }>>;
  /** With the padding at its end. */
  readonly sizeBytes: number;
}

/** The structures by their C names, members by theirs. */
export const STRUCTURES = {
  iovec: {
    members: { iov_base: { type: 'void *', offset: 0 }, iov_len: { type: 'size_t', offset: 8 } },
    sizeBytes: 16,
  },
  // musl's differs in types, not in where the octets are.
  msghdr: {
    members: {
      msg_name: { type: 'void *', offset: 0 },
      msg_namelen: { type: 'uint32_t', offset: 8 },
      msg_iov: { type: 'void *', offset: 16 },
      msg_iovlen: { type: 'size_t', offset: 24 },
      msg_control: { type: 'void *', offset: 32 },
      msg_controllen: { type: 'size_t', offset: 40 },
      msg_flags: { type: 'int', offset: 48 },
    },
    sizeBytes: 56,
  },
  mmsghdr: {
    members: { msg_hdr: { type: 'msghdr', offset: 0 }, msg_len: { type: 'uint32_t', offset: 56 } },
    sizeBytes: 64,
  },
  sockaddr_in: {
    members: {
      sin_family: { type: 'uint16_t', offset: 0 },
      sin_port: { type: 'uint16_t', offset: 2 },
      sin_addr: { type: 'uint32_t', offset: 4 },
      sin_zero: { type: 'uint32_t', offset: 8, count: 2 },
    },
    sizeBytes: 16,
  },
  sockaddr_in6: {
    members: {
      sin6_family: { type: 'uint16_t', offset: 0 },
      sin6_port: { type: 'uint16_t', offset: 2 },
      sin6_flowinfo: { type: 'uint32_t', offset: 4 },
      sin6_addr: { type: 'uint32_t', offset: 8, count: 4 },
      sin6_scope_id: { type: 'uint32_t', offset: 24 },
    },
    sizeBytes: 28,
  },
  cmsghdr: {
    members: {
      cmsg_len: { type: 'size_t', offset: 0 },
      cmsg_level: { type: 'int', offset: 8 },
      cmsg_type: { type: 'int', offset: 12 },
    },
    sizeBytes: 16,
  },
  in_pktinfo: {
    members: {
      ipi_ifindex: { type: 'int', offset: 0 },
      ipi_spec_dst: { type: 'uint32_t', offset: 4 },
      ipi_addr: { type: 'uint32_t', offset: 8 },
    },
    sizeBytes: 12,
  },
  in6_pktinfo: {
    members: { ipi6_addr: { type: 'uint32_t', offset: 0, count: 4 }, ipi6_ifindex: { type: 'uint32_t', offset: 16 } },
    sizeBytes: 20,
  },
  pollfd: {
    members: { fd: { type: 'int', offset: 0 }, events: { type: 'int16_t', offset: 4 }, revents: { type: 'int16_t', offset: 6 } },
    sizeBytes: 8,
  },
} as const satisfies Record<string, Structure>;

/** Numbers of the kernel's interface, by their C names; the same on x86-64 and arm64. */
export const NUMBER = {
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_DGRAM: 2,
  SOCK_CLOEXEC: 0x8_0000,
  SOL_SOCKET: 1,
  SO_REUSEPORT: 15,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  IPPROTO_IP: 0,
  IP_PKTINFO: 8,
  IP_MTU_DISCOVER: 10,
  IP_PMTUDISC_OMIT: 5,
  IPPROTO_IPV6: 41,
  IPV6_MTU_DISCOVER: 23,
  IPV6_PMTUDISC_OMIT: 5,
  IPV6_V6ONLY: 26,
  IPV6_RECVPKTINFO: 49,
  IPV6_PKTINFO: 50,
  MSG_DONTWAIT: 0x40,
  MSG_CMSG_CLOEXEC: 0x4000_0000,
  SCM_RIGHTS: 1,
  POLLIN: 1,
  POLLOUT: 4,
  EFD_CLOEXEC: 0x8_0000,
  EFD_NONBLOCK: 0x800,
} as const;

/** Machines whose numbers these are: other Linux ports (MIPS, SPARC, PA-RISC, Alpha) have others. */
export const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];
