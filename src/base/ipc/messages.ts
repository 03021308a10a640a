/**
 * What the supervisor and its children say to each other.
 *
 * The supervisor is a dumb relay (`receiversOf`): control talks to all others, and they to control. A child that starts
 * says `hello`; its peer replies with all it has to know (control: `generation`; answer: `hello`, `listening`, `served`;
 * policy host: `hello`, `hosted`), so that each may die at any time and no state is kept in between. Every message is
 * absolute, never a difference: only the newest of its kind matters.
 * Not here: the form that a message must have (form.ts), the child's end of the channel (channel.ts), requests
 * that have a reply (calls.ts), starting and restarting processes (process/supervisor.ts), what workers say inside
 * the answer process (server/worker-loop.ts).
 */
import { type Role } from './calls.ts';

export type { Role } from './calls.ts';

/**
 * How UDP is served: in batches (recvmmsg), by node:dgram, or in batches where that is possible; `xdp`: by AF_XDP at
 * the interfaces that are named, and in batches beside it.
 */
export type UdpKind = 'auto' | 'mmsg' | 'dgram' | 'xdp';

/** How TCP is served: by epoll in threads that block, by node:net, or by epoll where that is possible. */
export type TcpKind = 'auto' | 'epoll' | 'net';

/**
 * Sockets that are open already, by `ADDR:PORT`: the receiver's own descriptors. They are the service manager's; a
 * process that closes one closes its copy.
 */
export type InheritedFds = Readonly<Record<string, InheritedPair>>;

interface InheritedPair {
  readonly tcp?: number | undefined;
  readonly udp?: number | undefined;
}

/** What the answer process needs to serve. */
export interface AnswerSettings {
  /** Directory of the LMDB store. */
  readonly storeDir: string;
  /** `ADDR:PORT`, ports settled (not 0): a restarted worker must bind the same ones. */
  readonly listen: readonly string[];
  /** `ADDR:PORT` of DNS over TLS, ports settled; absent: it is not served. */
  readonly tlsListen?: readonly string[] | undefined;
  /** Workers, 1…WORKERS_MAX: threads that serve UDP and, unless UDP blocks them, TCP. */
  readonly workers: number;
  readonly udp: UdpKind;
  /** `auto` when absent: node:net where UDP is served by node:dgram. */
  readonly tcp?: TcpKind;
  /** Absent: no cookies are given or looked at. */
  readonly cookies?: CookieSource | undefined;
  /** Absent: no answer is limited. */
  readonly rateLimit?: RateLimitSettings | undefined;
  /** One query in this many is logged; 0 or absent: none. */
  readonly queryLogEvery?: number;
  /** Name of this server for who asks (RFC 5001), hexadecimal; absent: it has none. */
  readonly nsid?: string | undefined;
  /** Domain that resolvers report errors to (RFC 9567), as text; absent: none is named. */
  readonly reportAgent?: string | undefined;
  /** Addresses in `listen` that are open already. */
  readonly inherited?: InheritedFds | undefined;
}

/**
 * Secrets of server cookies, the current one first, in hexadecimal: as the supervisor has read them, because the
 * answer process reaches no file of theirs. Without any they are random and changed every COOKIE_ROTATE_MS.
 */
export interface CookieSource {
  readonly secrets?: CookieSecretTexts | undefined;
}

export type CookieSecretTexts = readonly [current: string, other?: string];

/** Files of the secrets of server cookies; without any, random ones. */
export interface CookieSettings {
  /** Cookies are made with this secret. */
  readonly secretFile?: string | undefined;
  /** Cookies made with this one are taken as well: the one before, or the one to come (RFC 9018 §5). */
  readonly previousSecretFile?: string | undefined;
}

/** Response rate limiting (answer/defence/rate-limit.ts), per worker. */
export interface RateLimitSettings {
  /** Full answers per second, and per network, kind and name; all of a network's together get RRL_NETWORK_FACTOR times this. */
  readonly rate: number;
  /** One in this many limited answers is sent truncated, the others not at all: 1 drops nothing. */
  readonly slip: number;
  /** Counts and logs, limits nothing. */
  readonly dryRun: boolean;
  /** Networks that are never limited, as `parseNetwork` reads them. */
  readonly allow: readonly string[];
}

/** What the policy host needs to serve; nothing in it leads to a key but its own (ADR 0007). */
export interface PolicyHostSettings {
  /** Directory of the LMDB store. */
  readonly storeDir: string;
  /** `ADDR:PORT`, ports settled. */
  readonly listen: readonly string[];
  /** File of the key that the private keys of certificates are sealed under. */
  readonly keyFile: string;
  /** Certificates that control signed itself are served too. */
  readonly isSelfSigned: boolean;
  readonly isAccessLogged: boolean;
  /** Addresses in `listen` that are open already. */
  readonly inherited?: InheritedFds | undefined;
}

/** What the policy host does now. */
export interface HostedState {
  /** The store generation it serves; 0 before its first. */
  readonly generation: number;
  /** `ADDR:PORT` of those that it listens on. */
  readonly addresses: readonly string[];
  /** When its process was started, on the wall clock. */
  readonly startedAtMs: number;
}

/** One worker thread of the answer process. */
export interface WorkerState {
  readonly id: number;
  /** It listens and answers. */
  readonly alive: boolean;
  /** The store generation it answers from; 0 before its first. */
  readonly generation: number;
}

/** The counters of one worker: metric slot name → value since the answer process started. */
export interface WorkerCounters {
  readonly id: number;
  readonly values: Readonly<Record<string, number>>;
}

/** How often DKIM selectors were asked for: absolute name in lower case → queries since the answer process started. */
export interface SelectorReport {
  /** Another one after each start of the answer process. */
  readonly run: string;
  /** Some names did not fit: what is not in `counts` may have been asked for too. */
  readonly isFull: boolean;
  readonly counts: Readonly<Record<string, number>>;
}

export type IpcMessage =
  /** A child has started; its peer replies with its state. */
  | { readonly kind: 'hello'; readonly role: Role; readonly pid: number }
  /** From the supervisor: the peer has died (it will be restarted). */
  | { readonly kind: 'gone'; readonly role: Role }
  /** From the supervisor to control: so many messages of this child had no form of ours, or were not its to say. */
  | { readonly kind: 'dropped'; readonly role: Role; readonly count: number }
  /** To the supervisor alone, every HEARTBEAT_MS: the event loop of the sender turns. */
  | { readonly kind: 'alive' }
  /** A child cannot start, for reasons that it has given on stderr; it ends with this exit code. */
  | { readonly kind: 'unable'; readonly role: Role; readonly exitCode: number }
  /** From the supervisor to answer, once after each start. */
  | { readonly kind: 'start'; readonly settings: AnswerSettings }
  /** From answer to the supervisor: its first thread has opened the store. */
  | { readonly kind: 'store-open' }
  /** From control to the supervisor: the configuration was read again (HUP), and what could change at once has. */
  | { readonly kind: 'reloaded'; readonly isGood: boolean }
  /** From the supervisor to answer, in reply: any number of its threads may open the store (process/store-hold.ts). */
  | { readonly kind: 'store-held' }
  /** From answer to the supervisor: these interfaces are there now, and AF_XDP is to be opened at them. */
  | { readonly kind: 'xdp-wanted'; readonly interfaces: readonly string[] }
  /** From the supervisor to answer: the files of cookie secrets were read again. */
  | { readonly kind: 'cookie-secrets'; readonly secrets: CookieSecretTexts }
  /** From the supervisor to the policy host, once after each start. */
  | { readonly kind: 'start-policy-host'; readonly settings: PolicyHostSettings }
  /** Control → answer, policy host: this store generation is durable. */
  | { readonly kind: 'generation'; readonly generation: number }
  /** Answer → control: every worker is bound to these addresses. */
  | { readonly kind: 'listening'; readonly addresses: readonly string[] }
  /** Either way: the sender can do its work now. Answer says it after `listening`. */
  | { readonly kind: 'ready'; readonly role: Role }
  /** Answer → control, whenever a worker starts, dies or serves a newer generation. */
  | { readonly kind: 'served'; readonly workers: readonly WorkerState[] }
  /** Answer → control, every second and when wanted. */
  | { readonly kind: 'counters'; readonly workers: readonly WorkerCounters[] }
  /** Answer → control, soon after any of it changed, and to a control process that is new. */
  | ({ readonly kind: 'selectors' } & SelectorReport)
  /** Control → answer. */
  | { readonly kind: 'counters-wanted' }
  /** Policy host → control, whenever it changes. */
  | ({ readonly kind: 'hosted' } & HostedState)
  /** Policy host → control, every second: counter name → value since it started. */
  | { readonly kind: 'hosted-counters'; readonly values: Readonly<Record<string, number>> };

const OTHERS: readonly Role[] = ['answer', 'policy-host'];
const CONTROL: readonly Role[] = ['control'];

/** Children that care whether this one lives. */
export function peersOf(role: Role): readonly Role[] {
  return role === 'control' ? OTHERS : CONTROL;
}

/** Who gets `message`, which child `from` has sent. What only the supervisor may say is dropped. */
export function receiversOf(from: Role, message: IpcMessage): readonly Role[] {
  // Who speaks for another child has been taken over.
  if ('role' in message && message.role !== from) return [];
  switch (message.kind) {
    case 'hello':
    case 'ready':
      return peersOf(from);
    case 'generation':
      return from === 'control' ? OTHERS : [];
    case 'counters-wanted':
      return from === 'control' ? ['answer'] : [];
    case 'listening':
    case 'served':
    case 'counters':
    case 'selectors':
      return from === 'answer' ? CONTROL : [];
    case 'hosted':
    case 'hosted-counters':
      return from === 'policy-host' ? CONTROL : [];
    case 'gone':
    case 'dropped':
    case 'alive':
    case 'unable':
    case 'start':
    case 'store-open':
    case 'reloaded':
    case 'store-held':
    case 'xdp-wanted':
    case 'cookie-secrets':
    case 'start-policy-host':
      return [];
  }
}
