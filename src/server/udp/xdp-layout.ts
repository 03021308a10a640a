/**
 * Linux's structures and numbers for AF_XDP, BPF and rtnetlink, the same on x86-64 and arm64: all of their members have
 * a fixed width. A test compares them with the machine's own C headers.
 * Not here: what is written into them (xdp-open.ts, xdp-memory.ts, xdp-netlink.ts).
 */

/** By their C names: offset of each member that we use, and the size in octets. */
export const XDP_STRUCTURES = {
  sockaddr_xdp: {
    members: { sxdp_family: 0, sxdp_flags: 2, sxdp_ifindex: 4, sxdp_queue_id: 8, sxdp_shared_umem_fd: 12 },
    sizeBytes: 16,
  },
  xdp_umem_reg: { members: { addr: 0, len: 8, chunk_size: 16, headroom: 20, flags: 24 }, sizeBytes: 32 },
  xdp_ring_offset: { members: { producer: 0, consumer: 8, desc: 16, flags: 24 }, sizeBytes: 32 },
  xdp_mmap_offsets: { members: { rx: 0, tx: 32, fr: 64, cr: 96 }, sizeBytes: 128 },
  xdp_desc: { members: { addr: 0, len: 8, options: 12 }, sizeBytes: 16 },
  xdp_statistics: {
    members: {
      rx_dropped: 0,
      rx_invalid_descs: 8,
      tx_invalid_descs: 16,
      rx_ring_full: 24,
      rx_fill_ring_empty_descs: 32,
      tx_ring_empty_descs: 40,
    },
    sizeBytes: 48,
  },
  xdp_md: { members: { data: 0, data_end: 4, ingress_ifindex: 12, rx_queue_index: 16 }, sizeBytes: 24 },
  nlmsghdr: { members: { nlmsg_len: 0, nlmsg_type: 4, nlmsg_flags: 6, nlmsg_seq: 8, nlmsg_pid: 12 }, sizeBytes: 16 },
  ifinfomsg: { members: { ifi_family: 0, ifi_type: 2, ifi_index: 4, ifi_flags: 8, ifi_change: 12 }, sizeBytes: 16 },
  ifaddrmsg: {
    members: { ifa_family: 0, ifa_prefixlen: 1, ifa_flags: 2, ifa_scope: 3, ifa_index: 4 },
    sizeBytes: 8,
  },
  sockaddr_nl: { members: { nl_family: 0, nl_pid: 4, nl_groups: 8 }, sizeBytes: 12 },
} as const;

/** Members of union bpf_attr, by the command that reads them. */
export const BPF_ATTR = {
  BPF_MAP_CREATE: { map_type: 0, key_size: 4, value_size: 8, max_entries: 12, map_flags: 16, map_name: 28 },
  BPF_MAP_UPDATE_ELEM: { map_fd: 0, key: 8, value: 16, flags: 24 },
  BPF_PROG_LOAD: {
    prog_type: 0,
    insn_cnt: 4,
    insns: 8,
    license: 16,
    log_level: 24,
    log_size: 28,
    log_buf: 32,
    prog_name: 48,
    expected_attach_type: 68,
  },
  BPF_LINK_CREATE: { prog_fd: 0, target_ifindex: 4, attach_type: 8, flags: 12 },
  BPF_PROG_TEST_RUN: {
    prog_fd: 0,
    retval: 4,
    data_size_in: 8,
    data_size_out: 12,
    data_in: 16,
    data_out: 24,
    repeat: 32,
  },
} as const;
/** Of the union as we give it: the kernel takes a shorter one as filled with zeros. */
export const BPF_ATTR_BYTES = 96;

/** Numbers of the kernel's interface, by their C names. */
export const XDP_NUMBER = {
  AF_XDP: 44,
  AF_NETLINK: 16,
  SOCK_RAW: 3,
  SOL_XDP: 283,
  /** Of prctl(2). */
  PR_SET_TIMERSLACK: 29,
  XDP_MMAP_OFFSETS: 1,
  XDP_RX_RING: 2,
  XDP_TX_RING: 3,
  XDP_UMEM_REG: 4,
  XDP_UMEM_FILL_RING: 5,
  XDP_UMEM_COMPLETION_RING: 6,
  XDP_STATISTICS: 7,
  XDP_COPY: 2,
  XDP_ZEROCOPY: 4,
  XDP_USE_NEED_WAKEUP: 8,
  XDP_RING_NEED_WAKEUP: 1,
  XDP_PASS: 2,
  XDP_REDIRECT: 4,
  XDP_FLAGS_SKB_MODE: 2,
  XDP_FLAGS_DRV_MODE: 4,
  BPF_MAP_TYPE_ARRAY: 2,
  BPF_MAP_TYPE_XSKMAP: 17,
  BPF_F_MMAPABLE: 0x400,
  BPF_PROG_TYPE_XDP: 6,
  BPF_XDP: 37,
  BPF_PSEUDO_MAP_FD: 1,
  BPF_PSEUDO_MAP_VALUE: 2,
  BPF_FUNC_redirect_map: 51,
  NETLINK_ROUTE: 0,
  RTMGRP_LINK: 1,
  RTMGRP_IPV4_IFADDR: 0x10,
  RTMGRP_IPV6_IFADDR: 0x100,
  RTM_NEWLINK: 16,
  RTM_GETLINK: 18,
  RTM_NEWADDR: 20,
  RTM_GETADDR: 22,
  NLMSG_ERROR: 2,
  NLMSG_DONE: 3,
  NLM_F_REQUEST: 1,
  NLM_F_DUMP: 0x300,
  NLM_F_DUMP_INTR: 0x10,
  IFLA_ADDRESS: 1,
  IFLA_IFNAME: 3,
  IFLA_MTU: 4,
  IFLA_LINKINFO: 18,
  IFLA_NUM_RX_QUEUES: 32,
  IFLA_INFO_KIND: 1,
  IFA_ADDRESS: 1,
  IFA_LOCAL: 2,
  IFA_FLAGS: 8,
  IFA_F_DADFAILED: 0x08,
  IFA_F_TENTATIVE: 0x40,
  IFF_UP: 1,
  ARPHRD_ETHER: 1,
  MFD_CLOEXEC: 1,
  PROT_READ: 1,
  PROT_WRITE: 2,
  MAP_SHARED: 1,
  MAP_POPULATE: 0x8000,
} as const;

/** Since Linux 6.18; kernels without it send 32 packets at a time. */
export const XDP_MAX_TX_SKB_BUDGET = 9;

/** Where each ring is mapped from (XDP_PGOFF_*, XDP_UMEM_PGOFF_*). */
export const XDP_RING_OFFSET = { rx: 0, tx: 0x8000_0000, fr: 0x1_0000_0000, cr: 0x1_8000_0000 } as const;

/** Commands of bpf(2). */
export const BPF_COMMAND = {
  BPF_MAP_CREATE: 0,
  BPF_MAP_UPDATE_ELEM: 2,
  BPF_PROG_LOAD: 5,
  BPF_PROG_TEST_RUN: 10,
  BPF_LINK_CREATE: 28,
} as const;
