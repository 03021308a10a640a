/**
 * From a judged request to its answer: asks the sources one after the other, counts, and writes the access log. Both
 * versions of HTTP use it, so that they cannot differ in what they serve.
 * Implements: RFC 9110 §13.1.2 (If-None-Match).
 * Not here: judging (request.ts), what is hosted (hosted.ts and its sources), octets of HTTP (http1.ts, http2.ts).
 */
import { HTTPS_LOG_LINES_PER_SECOND_MAX, HTTPS_LOG_PATH_CHARACTERS_MAX } from '#base/limits/https.ts';
import { type Log } from '#base/log.ts';
import { formatProblem } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { type PolicyHostCounters } from './counters.ts';
import { type HostedAnswer, type HostedPost, type HostedSource, emptyAnswer } from './hosted.ts';
import { type RequestHead, judgeRequest } from './request.ts';

/** RFC 9110 §13.1.2, §15.4.5: a client that has it gets no second copy. Comparison is weak, by member of the list. */
function ifChanged(answer: HostedAnswer, ifNoneMatch: string | undefined): HostedAnswer {
  const { etag, ...headers } = answer.headers;
  if (etag === undefined || ifNoneMatch === undefined) return answer;
  const known = ifNoneMatch.split(',').map((each) => each.trim().replace(/^W\//, ''));
  if (!known.includes(etag) && ifNoneMatch.trim() !== '*') return answer;
  const { 'content-type': _type, ...kept } = headers;
  return { ...emptyAnswer(304), headers: { ...kept, etag } };
}

/** An answer, or who takes the body first. */
export type Reply =
  // One line each.
  { readonly kind: 'answer'; readonly answer: HostedAnswer } | { readonly kind: 'post'; readonly post: HostedPost };

export interface AnswererOptions {
  readonly sources: readonly HostedSource[];
  readonly counters: PolicyHostCounters;
  /** Absent: no access log. */
  readonly accessLog?: Log | undefined;
  readonly complain: (host: string, text: string) => void;
  readonly nowMs: () => number;
}

/** What has been answered, for counters and log. */
export interface Answered {
  readonly head: Pick<RequestHead, 'method' | 'target' | 'serverName'>;
  readonly client: string;
  readonly version: '1.0' | '1.1' | '2';
  readonly status: number;
  readonly bodyBytes: number;
  readonly beganMs: number;
}

const reply = (answer: HostedAnswer): Reply => ({ kind: 'answer', answer });
const NOT_FOUND = reply(emptyAnswer(404));
const MISDIRECTED = reply(emptyAnswer(421));
const UNAVAILABLE = reply(emptyAnswer(503));

export class Answerer {
  readonly #options: AnswererOptions;
  #loggedSecond = 0;
  #loggedLines = 0;
  #leftOut = 0;

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  reply(head: RequestHead): Reply {
    const judged = judgeRequest(head);
    if (typeof judged === 'number') return judged === 421 ? MISDIRECTED : NOT_FOUND;
    const { host, path } = judged;
    try {
      for (const source of this.#options.sources) {
        const found = source.find(host, path);
        if (found === undefined) continue;
        const { method } = head;
        if (found.get !== undefined && (method === 'GET' || method === 'HEAD'))
          return reply(ifChanged(found.get, head.ifNoneMatch));
        if (found.post !== undefined && method === 'POST') return { kind: 'post', post: found.post };
        return NOT_FOUND;
      }
      return NOT_FOUND;
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      // Not 404, which would say that there is nothing.
      this.#options.complain(host, formatProblem(error.problem));
      return UNAVAILABLE;
    }
  }

  answered({ head, client, version, status, bodyBytes, beganMs }: Answered): void {
    const { counters, accessLog, nowMs } = this.#options;
    const endedMs = nowMs();
    counters.answered(status, bodyBytes, (endedMs - beganMs) / 1000);
    if (accessLog === undefined || !this.#mayLog(endedMs)) return;
    const path = head.target.slice(0, HTTPS_LOG_PATH_CHARACTERS_MAX);
    const host = head.serverName ?? '';
    const leftOut = this.#leftOut === 0 ? {} : { linesLeftOut: this.#leftOut };
    this.#leftOut = 0;
    const text = `${client} ${head.method} ${host}${path} ${status}`;
    accessLog.info('https.request', text, { client, method: head.method, host, path, status, version, ...leftOut });
  }

  #mayLog(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#loggedSecond) {
      this.#loggedSecond = second;
      this.#loggedLines = 0;
    }
    this.#loggedLines += 1;
    if (this.#loggedLines <= HTTPS_LOG_LINES_PER_SECOND_MAX) return true;
    this.#leftOut += 1;
    return false;
  }
}
