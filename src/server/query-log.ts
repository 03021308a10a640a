/**
 * A sampled log of queries: of every so many, one is written with what was answered. For looking at what comes in, not
 * for counting (there are counters) and not for all of it (there is tcpdump). A line names the client's network, not
 * its address.
 * Not here: where the lines go (process/answer-process.ts).
 */
import { type ClientAddress, IPV4_BYTES } from '#base/client-address.ts';
import { QUERY_LOG_LINES_PER_SECOND_MAX } from '#base/limits/server.ts';
import { HEADER, HEADER_BYTES, type Transport, newQueryHead, parseQuery, questionOf } from '#dns/message.ts';
import { formatName } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type QueryResponder } from './listener.ts';

export interface QueryLine {
  /** The zone's name and the type as text; absent when the query has no question that can be read. */
  readonly name?: string;
  readonly type?: string;
  readonly transport: Transport;
  /** `192.0.2.0/24`, `2001:db8:1::/56`. */
  readonly client: string;
  readonly dnssecOk: boolean;
  /** Octets of the query and of the answer; 0 octets: there was no answer, or one of many messages. */
  readonly queryBytes: number;
  readonly answerBytes: number;
  /** Of the header: without the upper bits that EDNS adds. Absent without an answer. */
  readonly rcode?: number;
  readonly truncated?: boolean;
}

/** Octets of an address that a line shows: /24 and /56, as rate limiting counts. */
const NETWORK4_BYTES = 3;
const NETWORK6_BYTES = 7;

/** `responder`, which passes one in `every` of its queries to `write`; never more than a limit each second. */
export function sampled(responder: QueryResponder, every: number, write: (line: QueryLine) => void): QueryResponder {
  const head = newQueryHead();
  let left = every;
  let second = 0;
  let lines = 0;
  return {
    ...(responder.stream === undefined ? {} : { stream: responder.stream.bind(responder) }),
    useIdleTime: (idleMs) => responder.useIdleTime?.(idleMs),
    ...(responder.later === undefined ? {} : { later: responder.later.bind(responder) }),
    beginBatch: () => responder.beginBatch?.(),
    work: () => responder.work?.() ?? false,
    respond(query, length, out, transport, client) {
      const answerBytes = responder.respond(query, length, out, transport, client);
      if (--left > 0) return answerBytes;
      left = every;
      const now = Math.floor(performance.now() / 1000);
      if (now !== second) {
        second = now;
        lines = 0;
      }
      if (lines++ >= QUERY_LOG_LINES_PER_SECOND_MAX) return answerBytes;
      parseQuery(query, length, head);
      const question = head.questionLength > 0 ? questionOf(query, head) : undefined;
      write({
        ...(question === undefined ? {} : { name: formatName(question.name), type: typeName(question.type) }),
        transport,
        client: networkText(client),
        dnssecOk: head.dnssecOk,
        queryBytes: length,
        answerBytes: Math.max(0, answerBytes),
        ...(answerBytes < HEADER_BYTES ? {} : { rcode: out[3]! & 0x0f, truncated: (out[2]! & HEADER.TC) !== 0 }),
      });
      return answerBytes;
    },
  };
}

function networkText({ octets, length }: ClientAddress): string {
  if (length === 0) return 'unknown';
  if (length === IPV4_BYTES) return `${octets.subarray(0, NETWORK4_BYTES).join('.')}.0/24`;
  const groups = Array.from({ length: 4 }, (_, group) => {
    const at = 2 * group;
    return ((octets[at]! << 8) | (at + 1 < NETWORK6_BYTES ? octets[at + 1]! : 0)).toString(16);
  });
  return `${groups.join(':')}::/56`;
}
