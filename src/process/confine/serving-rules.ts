/**
 * What the filters of a process that only serves forbid: system calls that Landlock says nothing about. Those that
 * reach another process, change who may open a file (Landlock does not look at chmod), connect a socket (nor at Unix
 * sockets with a path), start a program, or are a large part of the kernel that no process of ours needs. Calls that
 * are not named are allowed.
 * Not here: files and ports (landlock.ts), how the kernel receives the rules (filter.ts).
 */
import { constants } from 'node:os';
import { type Condition, type FilterRule } from './filter.ts';
import { named } from './syscall-numbers.ts';

const { EPERM, ENOSYS, ENOTTY } = constants.errno;

function oneOf(argument: number, ...values: readonly number[]): Condition {
  return { argument, test: { kind: 'one-of', values } };
}

function noneOf(argument: number, ...values: readonly number[]): Condition {
  return { argument, test: { kind: 'none-of', values } };
}

function lacksBits(argument: number, mask: number): Condition {
  return { argument, test: { kind: 'lacks-bits', mask } };
}

/** sys/socket.h and netinet/in.h. */
const AF = { INET: 2, INET6: 10 };
const SOCK = { STREAM: 1, DGRAM: 2, NONBLOCK: 0o4000, CLOEXEC: 0o2000000 };
const IPPROTO = { IP: 0, TCP: 6, UDP: 17 };
/** A TCP connection that sendto opens. */
const MSG_FASTOPEN = 0x2000_0000;
/** linux/sched.h: a thread, not a process. */
const CLONE_THREAD = 0x1_0000;
/** linux/fcntl.h: signals to another process when there is input. */
const F_SETOWN = 8;
const F_SETSIG = 10;
const F_SETOWN_EX = 15;
/** Questions about terminals and sockets. TIOCSTI, which types into the operator's terminal, is not among them. */
const IOCTLS = {
  TCGETS: 0x5401,
  TIOCGWINSZ: 0x5413,
  FIONREAD: 0x541b,
  FIONBIO: 0x5421,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
  TCGETS2: 0x802c_542a,
  SIOCGIFNAME: 0x8910,
  SIOCGIFINDEX: 0x8933,
};

/** Once the program runs: no further one is started in its place or beside it. */
export const SERVING_RULES: readonly FilterRule[] = [{ calls: ['execve', 'execveat'], errno: EPERM }];

/**
 * From before the program starts: libuv would open an io_uring for each of its loops. `pid` is that of the process,
 * which may signal itself. Frequent calls first.
 */
export function startingRules(pid: number): readonly FilterRule[] {
  const types = [SOCK.STREAM, SOCK.DGRAM].flatMap((type) =>
    [0, SOCK.NONBLOCK, SOCK.CLOEXEC, SOCK.NONBLOCK | SOCK.CLOEXEC].map((flags) => type | flags),
  );
  return [
    { calls: ['sendmmsg', 'sendto'], errno: EPERM, unless: [lacksBits(3, MSG_FASTOPEN)] },
    { calls: ['sendmsg'], errno: EPERM, unless: [lacksBits(2, MSG_FASTOPEN)] },
    { calls: ['fcntl'], errno: EPERM, unless: [noneOf(1, F_SETOWN, F_SETSIG, F_SETOWN_EX)] },
    { calls: ['ioctl'], errno: ENOTTY, unless: [oneOf(1, ...Object.values(IOCTLS))] },
    // Sockets: TCP and UDP only, and no connections. Not Unix sockets, so no admin.sock and no daemon of the machine.
    {
      calls: ['socket'],
      errno: EPERM,
      unless: [oneOf(0, AF.INET, AF.INET6), oneOf(1, ...types), oneOf(2, IPPROTO.IP, IPPROTO.TCP, IPPROTO.UDP)],
    },
    { calls: ['connect', 'socketpair'], errno: EPERM },
    // It bypasses this filter: what it does is done without system calls. Node manages without.
    { calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'], errno: ENOSYS },
    // Threads, but no processes and no programs. The arguments of clone3 cannot be seen; without it the C library
    // takes clone.
    { calls: ['clone3'], errno: ENOSYS },
    { calls: ['clone'], errno: EPERM, unless: [{ argument: 0, test: { kind: 'has-bits', mask: CLONE_THREAD } }] },
    { calls: ['fork', 'vfork'], errno: EPERM },
    // Other processes: their memory, their signals, their limits, their time on the processor.
    { calls: ['kill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'], errno: EPERM, unless: [oneOf(0, pid)] },
    { calls: ['prlimit64'], errno: EPERM, unless: [oneOf(0, 0, pid)] },
    {
      calls: named(
        'tkill ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp ' +
          'pidfd_open pidfd_getfd pidfd_send_signal setpriority ioprio_set sched_setscheduler ' +
          'sched_setparam sched_setattr sched_setaffinity migrate_pages move_pages shmget shmat ' +
          'shmctl msgget msgsnd msgrcv msgctl semget semop semtimedop semctl mq_open mq_unlink',
      ),
      errno: EPERM,
    },
    // Modes, owners, times and attributes of files, also of those that cannot be opened.
    {
      calls: named(
        'chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat ' +
          'utimensat setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr ' +
          'removexattrat file_setattr truncate',
      ),
      errno: EPERM,
    },
    // The system as a whole.
    {
      calls: named(
        'mount umount2 pivot_root chroot unshare setns move_mount open_tree open_tree_attr fsopen ' +
          'fsmount fspick fsconfig mount_setattr open_by_handle_at name_to_handle_at bpf ' +
          'perf_event_open userfaultfd keyctl add_key request_key fanotify_init init_module ' +
          'finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl ' +
          'quotactl_fd personality modify_ldt iopl ioperm lookup_dcookie settimeofday clock_settime ' +
          'clock_adjtime adjtimex sethostname setdomainname vhangup syslog lsm_set_self_attr',
      ),
      errno: EPERM,
    },
  ];
}
