/**
 * All TCP connections of one worker, over all its listening sockets: how many there may be, which is evicted when
 * there are too many, and which has taken too long.
 * Implements: RFC 7766 §6.2.2–6.2.3 and RFC 9210 §4.2–4.3 (limits in total and per client, idle time that shrinks under load).
 * One sweep of at most TCP_CONNECTIONS_MAX numbers every TCP_SWEEP_MS instead of a timer per connection.
 */
import { unreachable } from '#base/assert.ts';
import { type ClientAddress } from '#base/client-address.ts';
import {
  TCP_BLOCKED_CONNECTIONS_MAX,
  TCP_CONNECTIONS_MAX,
  TCP_CONNECTIONS_PER_CLIENT_MAX,
  TCP_FIRST_MESSAGE_MS,
  TCP_IDLE_FULL_MS,
  TCP_IDLE_MS,
  TCP_MESSAGE_MS,
  TCP_STREAM_MS_MAX,
  TCP_SWEEP_MS,
  TCP_WRITE_MS,
} from '#base/limits/server.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { type QueryResponder } from '#server/listener.ts';
import { type CountQueries } from './stream-pace.ts';
import { NODE_ROUNDS, type TcpRounds, type TcpSocket } from './tcp-socket.ts';
import { TcpTurns } from './turns.ts';
import { type ConnectionHost, TcpConnection, type TcpPhase } from './connection.ts';

/** Limits of a table, in the words of base/limits/server.ts; tests make them small. */
export interface TcpLimits {
  readonly connections: number;
  readonly connectionsPerClient: number;
  readonly blockedConnections: number;
  readonly firstMessageMs: number;
  readonly messageMs: number;
  readonly idleMs: number;
  readonly idleFullMs: number;
  readonly writeMs: number;
  readonly streamMs: number;
}

export const TCP_LIMITS: TcpLimits = {
  connections: TCP_CONNECTIONS_MAX,
  connectionsPerClient: TCP_CONNECTIONS_PER_CLIENT_MAX,
  blockedConnections: TCP_BLOCKED_CONNECTIONS_MAX,
  firstMessageMs: TCP_FIRST_MESSAGE_MS,
  messageMs: TCP_MESSAGE_MS,
  idleMs: TCP_IDLE_MS,
  idleFullMs: TCP_IDLE_FULL_MS,
  writeMs: TCP_WRITE_MS,
  streamMs: TCP_STREAM_MS_MAX,
};

export interface TcpTableOptions {
  readonly responder: QueryResponder;
  /** This worker's row (server/counters.ts). */
  readonly counters: Float64Array;
  readonly limits?: TcpLimits | undefined;
  /** `tls`: all connections are over TLS. */
  readonly transport?: 'tcp' | 'tls';
  /** Of the sockets that come in. */
  readonly rounds?: TcpRounds;
  /** What streams rest for (stream-pace.ts). */
  readonly udpQueries?: CountQueries | undefined;
}

/** Idle time at an occupancy of 0…1: the full time while the table is at most half full, then falling to `idleFullMs`. */
export function idleTimeMs(limits: TcpLimits, occupancy: number): number {
  const crowded = Math.min(1, Math.max(0, 2 * occupancy - 1));
  return limits.idleMs - crowded * (limits.idleMs - limits.idleFullMs);
}

export class TcpTable implements ConnectionHost {
  readonly responder: QueryResponder;
  readonly counters: Float64Array;
  readonly transport: 'tcp' | 'tls';
  readonly firstMessageMs: number;
  readonly messageMs: number;
  readonly writeMs: number;
  readonly streamMs: number;
  readonly turns: TcpTurns;
  readonly #limits: TcpLimits;
  readonly #rounds: TcpRounds;
  readonly #connections = new Set<TcpConnection>();
  /** In the order in which they became blocked. */
  readonly #blocked = new Set<TcpConnection>();
  readonly #perClient = new Map<string, number>();
  #isSweepDue = false;
  #draining = false;
  #emptied: (() => void) | undefined;

  constructor(options: TcpTableOptions) {
    const { responder, counters, limits = TCP_LIMITS, transport = 'tcp', rounds = NODE_ROUNDS, udpQueries } = options;
    this.turns = new TcpTurns(udpQueries, rounds);
    this.transport = transport;
    this.responder = responder;
    this.counters = counters;
    this.#rounds = rounds;
    this.#limits = limits;
    this.firstMessageMs = limits.firstMessageMs;
    this.messageMs = limits.messageMs;
    this.writeMs = limits.writeMs;
    this.streamMs = limits.streamMs;
    this.counters[SLOT.tcpOpen] = 0;
    responder.useIdleTime?.(() => this.idleMs());
  }

  get size(): number {
    return this.#connections.size;
  }

  /** What each connection does now. */
  phases(): readonly TcpPhase[] {
    return Array.from(this.#connections, ({ phase }) => phase);
  }

  get draining(): boolean {
    return this.#draining;
  }

  nowMs(): number {
    return performance.now();
  }

  idleMs(): number {
    return idleTimeMs(this.#limits, this.#connections.size / this.#limits.connections);
  }

  /**
   * Takes an accepted socket, evicting another if the table is full; or closes it if its client has too many. `client`
   * counts as one, undefined: it has gone.
   */
  admit(socket: TcpSocket, client: string | undefined, address: ClientAddress): void {
    if (client === undefined || this.#draining) {
      socket.destroy();
      return;
    }
    this.counters[SLOT.tcpAccepted]! += 1;
    const held = this.#perClient.get(client) ?? 0;
    if (held >= this.#limits.connectionsPerClient) {
      this.counters[SLOT.tcpRefusedClient]! += 1;
      socket.reset();
      return;
    }
    if (socket.secure?.(address) === false) {
      socket.reset();
      return;
    }
    if (this.#connections.size >= this.#limits.connections) this.#evictLeastProgress();
    this.#perClient.set(client, held + 1);
    const connection = new TcpConnection({ socket, client, address }, this);
    this.#connections.add(connection);
    this.counters[SLOT.tcpOpen] = this.#connections.size;
    this.#sweepLater();
    connection.start();
  }

  blocked(connection: TcpConnection): void {
    this.#blocked.add(connection);
    if (this.#blocked.size <= this.#limits.blockedConnections) return;
    for (const longest of this.#blocked) {
      this.counters[SLOT.tcpEvictedBlocked]! += 1;
      this.#drop(longest, true);
      return;
    }
  }

  unblocked(connection: TcpConnection): void {
    this.#blocked.delete(connection);
  }

  /** The socket has closed, by whomever. */
  gone(connection: TcpConnection): void {
    this.#remove(connection);
  }

  /** Ends idle connections now, the others when they have their answers, all after `graceMs`. Accept nothing more before calling it. */
  async close(graceMs: number): Promise<void> {
    this.#draining = true;
    for (const connection of this.#connections) connection.drain();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
        this.#rounds.after(graceMs, resolve);
      });
    }
    for (const connection of this.#connections) this.#drop(connection, true);
  }

  /**
   * Frees a place: drops the connection without progress for the longest, whether it is idle, sends octet by octet or
   * does not read. An attacker who fills the table thus evicts his own connections, and a new client always gets in.
   */
  #evictLeastProgress(): void {
    let victim: TcpConnection | undefined;
    for (const connection of this.#connections) if (victim === undefined || connection.sinceMs < victim.sinceMs) victim = connection;
    if (victim === undefined) return;
    this.counters[SLOT.tcpEvictedFull]! += 1;
    this.#drop(victim, victim.phase !== 'idle');
  }

  #sweepLater(): void {
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    // Not at the time itself: when the thread is late, octets that came in time must be read first.
    this.#rounds.after(TCP_SWEEP_MS, () => this.#rounds.soon(() => this.#sweep()));
  }

  #sweep(): void {
    this.#isSweepDue = false;
    const nowMs = this.nowMs();
    for (const connection of this.#connections) {
      if (connection.deadlineMs > nowMs) continue;
      this.counters[timeoutSlot(connection.phase)]! += 1;
      // A client that was merely idle gets a clean FIN; one that left something unfinished keeps no kernel memory.
      this.#drop(connection, connection.phase !== 'idle' && connection.phase !== 'first');
    }
    if (this.#connections.size > 0) this.#sweepLater();
  }

  #drop(connection: TcpConnection, reset: boolean): void {
    connection.drop(reset);
    this.#remove(connection);
  }

  #remove(connection: TcpConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#blocked.delete(connection);
    const held = (this.#perClient.get(connection.client) ?? 1) - 1;
    if (held === 0) this.#perClient.delete(connection.client);
    else this.#perClient.set(connection.client, held);
    this.counters[SLOT.tcpOpen] = this.#connections.size;
    if (this.#connections.size === 0) this.#emptied?.();
  }
}

function timeoutSlot(phase: TcpPhase): number {
  switch (phase) {
    case 'first':
      return SLOT.tcpTimeoutFirst;
    case 'idle':
      return SLOT.tcpTimeoutIdle;
    case 'message':
      return SLOT.tcpTimeoutMessage;
    case 'stream':
    case 'later':
    case 'blocked':
    case 'closing':
      return SLOT.tcpTimeoutWrite;
    default:
      return unreachable(phase);
  }
}
