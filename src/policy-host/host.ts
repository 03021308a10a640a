/**
 * The policy host's parts, put together over one reader of the store. What is hosted is the list of sources here.
 * Not here: the process around it (service.ts), each part.
 */
import { type Socket } from 'node:net';
import { type CallOutcome } from '#base/ipc/calls.ts';
import { type Log } from '#base/log.ts';
import { type Result } from '#base/problem.ts';
import { type StoreReader } from '#store/reader.ts';
import { type Sealer } from '#store/seal.ts';
import { Answerer } from './answerer.ts';
import { bimiFiles } from './bimi-files.ts';
import { CONNECTION_LIMITS, Connections } from './connections.ts';
import { HostContexts } from '#policy-host/tls/contexts.ts';
import { PolicyHostCounters } from './counters.ts';
import { HEALTH_HOST, healthContext, healthPage, isLoopback } from './health.ts';
import { type HostedSource } from './hosted.ts';
import { Http1 } from './http1.ts';
import { Http2 } from './http2.ts';
import { TlsFront } from './listener.ts';
import { mtaStsPolicies } from './mta-sts.ts';
import { BodyReader } from './posted-body.ts';
import { tlsReports } from './tls-reports.ts';

export interface PolicyHostOptions {
  readonly reader: StoreReader;
  /** Under the policy host's key, or why there is none now. */
  readonly sealer: () => Result<Sealer>;
  readonly isSelfSigned: boolean;
  /** Absent: no access log. */
  readonly accessLog?: Log | undefined;
  readonly complain: (host: string, text: string) => void;
  readonly random: (bytes: number) => Uint8Array;
  /** Counts up, whatever happens to the wall clock. */
  readonly nowMs: () => number;
  readonly wallClockMs: () => number;
  readonly limits?: typeof CONNECTION_LIMITS;
  /** Hands a posted TLS report to control; absent: none are taken. */
  readonly sendReport?: ((body: Uint8Array) => Promise<CallOutcome>) | undefined;
  /** Asked before those of the policy host itself. */
  readonly sources?: readonly HostedSource[];
}

export interface PolicyHost {
  readonly counters: PolicyHostCounters;
  readonly connections: Connections;
  /** Takes an accepted socket, or destroys it. */
  take(socket: Socket): void;
  /** The counters as they are now. */
  count(): Readonly<Record<string, number>>;
}

export async function makePolicyHost(options: PolicyHostOptions): Promise<PolicyHost> {
  const { reader, sealer, isSelfSigned, accessLog, complain, random, nowMs, wallClockMs } = options;
  const { limits = CONNECTION_LIMITS } = options;
  const counters = new PolicyHostCounters();
  const contexts = new HostContexts({ reader, sealer, isSelfSigned, complain, nowMs });
  const send = options.sendReport;
  const reports = send === undefined ? [] : [tlsReports({ reader, send, nowMs })];
  const sources = [...(options.sources ?? []), mtaStsPolicies(reader), bimiFiles(reader), ...reports, healthPage()];
  const answerer = new Answerer({ sources, counters, accessLog, complain, nowMs });
  const connections = new Connections(counters, nowMs, limits);
  const http = { answerer, connections, bodies: new BodyReader(connections), nowMs, wallClockMs };
  const health = await healthContext(random, wallClockMs());
  const front = new TlsFront({
    connections,
    counters,
    context: (host, client) => (host === HEALTH_HOST && isLoopback(client) ? health : contexts.find(host)),
    http1: new Http1(http),
    http2: new Http2(http),
  });
  return {
    counters,
    connections,
    take: (socket) => front.take(socket),
    count() {
      counters.set('httpsConnections', connections.count);
      counters.set('httpsContexts', contexts.count);
      return counters.values();
    },
  };
}
