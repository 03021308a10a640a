/**
 * Connections of the policy host, and what each of them may take: how many there are, in all, of one network and for
 * one host; how long each step takes; how many octets come without a request. Who is over a limit is cut off at once,
 * without a word, so that refusing costs next to nothing.
 * Not here: the limits and their reasons (base/limits/https.ts), TLS and HTTP (listener.ts, http1.ts, http2.ts).
 */
import { type Socket } from 'node:net';
import { assert } from '#base/assert.ts';
import * as limits from '#base/limits/https.ts';
import { IPV6_BYTES, newClientAddress, setClientAddress } from '#base/client-address.ts';
import { type LimitName, type PolicyHostCounters } from './counters.ts';

/** In the order in which a connection goes through them; the last two take turns. */
export type Phase = 'handshake' | 'request' | 'answer';

export interface ConnectionLimits {
  readonly count: number;
  readonly perNetwork: number;
  readonly perHost: number;
  readonly handshakes: number;
  readonly handshakesPerNetwork: number;
  readonly handshakeMs: number;
  readonly requestMs: number;
  readonly answerMs: number;
  readonly connectionMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  count: limits.HTTPS_CONNECTIONS_MAX,
  perNetwork: limits.HTTPS_CONNECTIONS_PER_NETWORK_MAX,
  perHost: limits.HTTPS_CONNECTIONS_PER_HOST_MAX,
  handshakes: limits.HTTPS_HANDSHAKES_MAX,
  handshakesPerNetwork: limits.HTTPS_HANDSHAKES_PER_NETWORK_MAX,
  handshakeMs: limits.HTTPS_HANDSHAKE_MS_MAX,
  requestMs: limits.HTTPS_REQUEST_MS_MAX,
  answerMs: limits.HTTPS_ANSWER_MS_MAX,
  connectionMs: limits.HTTPS_CONNECTION_MS_MAX,
};

export class Connection {
  readonly socket: Socket;
  /** The client as text, for the access log. */
  readonly client: string;
  /** IPv4 address, or the first 64 bits of an IPv6 address. */
  readonly network: string;
  readonly openedMs: number;
  phase: Phase = 'handshake';
  /** When the phase began, or the last answer of several at once ended. */
  sinceMs: number;
  /** Of SNI, once the handshake is over. */
  host: string | undefined;
  /** Requests so far, and those whose answers are under way. */
  requests = 0;
  underWay = 0;
  /** Octets of bodies that it may send beside its requests. */
  bodyBytes = 0;
  /** It ends after the answers under way. */
  finishing = false;
  /** Ends the connection after the answers under way; set by what speaks HTTP. */
  finish: () => void;

  constructor(socket: Socket, client: string, network: string, nowMs: number) {
    this.socket = socket;
    this.client = client;
    this.network = network;
    this.openedMs = nowMs;
    this.sinceMs = nowMs;
    this.finish = () => socket.destroy();
  }
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #counters: PolicyHostCounters;
  readonly #nowMs: () => number;
  readonly #all = new Set<Connection>();
  readonly #ofNetwork = new Map<string, number>();
  readonly #ofHost = new Map<string, number>();
  readonly #handshakesOf = new Map<string, number>();
  #handshakes = 0;

  constructor(counters: PolicyHostCounters, nowMs: () => number, own = CONNECTION_LIMITS) {
    this.#counters = counters;
    this.#nowMs = nowMs;
    this.#limits = own;
  }

  get count(): number {
    return this.#all.size;
  }

  /** The connection of an accepted socket; undefined: it was refused, and the socket is destroyed. */
  admit(socket: Socket): Connection | undefined {
    const { remoteAddress: client } = socket;
    const network = client === undefined ? undefined : networkOf(client);
    const refusal = network === undefined ? 'connections' : this.#refusal(network);
    if (client === undefined || network === undefined || refusal !== undefined) {
      if (client !== undefined) this.#counters.limit(refusal ?? 'connections');
      socket.destroy();
      return undefined;
    }
    const connection = new Connection(socket, client, network, this.#nowMs());
    this.#all.add(connection);
    count(this.#ofNetwork, network, 1);
    this.#countHandshake(network, 1);
    this.#counters.accepted();
    socket.once('close', () => this.#remove(connection));
    return connection;
  }

  /** The handshake is over; false: too many ask for this host, and the connection is cut off. */
  secured(connection: Connection, host: string): boolean {
    if (!this.#all.has(connection)) return false;
    assert(connection.phase === 'handshake', 'one handshake for each connection');
    this.#countHandshake(connection.network, -1);
    this.#turn(connection, 'request');
    if ((this.#ofHost.get(host) ?? 0) >= this.#limits.perHost) {
      this.cut(connection, 'host_connections');
      return false;
    }
    connection.host = host;
    count(this.#ofHost, host, 1);
    return true;
  }

  /** The headers of a request have come. */
  requested(connection: Connection): void {
    connection.requests += 1;
    connection.underWay += 1;
    if (connection.phase !== 'answer') this.#turn(connection, 'answer');
  }

  /** The answer to one is in the kernel's hands, or its stream is gone. */
  answered(connection: Connection): void {
    connection.underWay -= 1;
    this.#turn(connection, connection.underWay > 0 ? 'answer' : 'request');
  }

  cut(connection: Connection, why: LimitName): void {
    if (!this.#all.has(connection) || connection.socket.destroyed) return;
    this.#counters.limit(why);
    connection.socket.destroy();
  }

  /** Something was refused, and the connection stays. */
  limited(why: LimitName): void {
    this.#counters.limit(why);
  }

  /** Cuts off who is over the times. */
  look(): void {
    const nowMs = this.#nowMs();
    const { handshakeMs, requestMs, answerMs, connectionMs } = this.#limits;
    for (const each of this.#all) {
      const inPhaseMs = nowMs - each.sinceMs;
      if (each.phase === 'handshake' && inPhaseMs > handshakeMs) {
        this.#counters.handshake('timeout');
        this.cut(each, 'handshake_time');
      } else if (each.phase === 'request' && inPhaseMs > requestMs) this.cut(each, 'request_time');
      else if (each.phase === 'answer' && inPhaseMs > answerMs) this.cut(each, 'answer_time');
      else if (each.socket.bytesRead > allowedBytes(each)) this.cut(each, 'spare_octets');
      else if (nowMs - each.openedMs > connectionMs) {
        this.#counters.limit('connection_time');
        each.finish();
      }
    }
  }

  /** Ends all of them, each after its answers under way. */
  finishAll(): void {
    for (const each of this.#all) {
      if (each.phase === 'handshake') each.socket.destroy();
      else each.finish();
    }
  }

  destroyAll(): void {
    for (const each of this.#all) each.socket.destroy();
  }

  #refusal(network: string): LimitName | undefined {
    const { count: all, perNetwork, handshakes, handshakesPerNetwork } = this.#limits;
    if ((this.#ofNetwork.get(network) ?? 0) >= perNetwork) return 'network_connections';
    if ((this.#handshakesOf.get(network) ?? 0) >= handshakesPerNetwork) return 'network_handshakes';
    if (this.#handshakes >= handshakes) return 'handshakes';
    return this.#all.size >= all && !this.#evictIdle() ? 'connections' : undefined;
  }

  /** A client that only waits gives way to a new one: the one that has waited longest. */
  #evictIdle(): boolean {
    let longest: Connection | undefined;
    for (const each of this.#all) {
      if (each.phase !== 'request') continue;
      if (longest === undefined || each.sinceMs < longest.sinceMs) longest = each;
    }
    if (longest === undefined) return false;
    this.cut(longest, 'connections');
    // `close` comes later; the place is free now.
    this.#remove(longest);
    return true;
  }

  #turn(connection: Connection, phase: Phase): void {
    connection.phase = phase;
    connection.sinceMs = this.#nowMs();
  }

  #countHandshake(network: string, by: 1 | -1): void {
    this.#handshakes += by;
    count(this.#handshakesOf, network, by);
  }

  #remove(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    count(this.#ofNetwork, connection.network, -1);
    if (connection.phase === 'handshake') this.#countHandshake(connection.network, -1);
    if (connection.host !== undefined) count(this.#ofHost, connection.host, -1);
  }
}

/** Of what a socket has read, TLS and all: headers for each request, and a little for everything that is none. */
function allowedBytes({ requests, bodyBytes }: Connection): number {
  return limits.HTTPS_SPARE_BYTES_MAX + (requests + 1) * limits.HTTPS_HEADER_BYTES_MAX + bodyBytes;
}

const scratch = newClientAddress();
const IPV6_NETWORK_BYTES = 8;

/** Undefined for what is no address of IP. */
export function networkOf(client: string): string | undefined {
  setClientAddress(scratch, client);
  if (scratch.length === 0) return undefined;
  const bytes = scratch.length === IPV6_BYTES ? IPV6_NETWORK_BYTES : scratch.length;
  return Buffer.from(scratch.octets.subarray(0, bytes)).toString('hex');
}

function count(of: Map<string, number>, key: string, by: 1 | -1): void {
  const now = (of.get(key) ?? 0) + by;
  if (now === 0) of.delete(key);
  else of.set(key, now);
}
