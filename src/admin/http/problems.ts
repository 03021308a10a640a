/**
 * Problems as answers: `application/problem+json` with every error, its place and what to do.
 * Implements: RFC 9457 §3 (`type` is left out, which means about:blank, so `title` is the status phrase; `code` says
 * which problem).
 * Not here: what the codes mean (base/problem-codes.ts), checking requests against schemas (validate.ts).
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AssertionFailure } from '#base/assert.ts';
import { type LogEvent } from '#base/log/events.ts';
import { WHOLE, formatPlace, placeMembers } from '#base/place.ts';
import { type ProblemCode, problemKind } from '#base/problem-codes.ts';
import { type Problem, problem, withoutPath } from '#base/problem.ts';
import { given } from './form.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types of the body; absent: JSON. */
    bodyTypes?: readonly string[];
  }
  interface FastifyRequest {
    /** The problems that it was answered with; null: none, or not yet. */
    refusedFor: readonly Problem[] | null;
  }
  interface FastifyInstance {
    /** Of paths that are not ours; null: there are none. */
    dialect: Dialect | null;
  }
}

/** How paths answer that another program's clients ask for. */
export interface Dialect {
  /** Whether the path is one of them. */
  speaks(url: string): boolean;
  /** Headers that may carry the token, also where there is no such path. */
  readonly tokenHeaders: readonly ('authorization' | 'x-api-key')[];
  send(reply: FastifyReply, problems: readonly Problem[], status?: number): FastifyReply;
}

/** The dialect of the request's path; undefined: it is ours. */
export function dialectOf({ server, url }: Pick<FastifyRequest, 'server' | 'url'>): Dialect | undefined {
  return server.dialect?.speaks(url) === true ? server.dialect : undefined;
}

/** One problem as it stands in `errors[]` and `warnings[]`. */
export interface ProblemForm {
  readonly code: string;
  readonly severity: string;
  readonly at: string;
  /** RFC 6901 JSON pointer into the body, when the problem is there. */
  readonly pointer?: string;
  /** The parameter of the request, when the problem is there. */
  readonly parameter?: string;
  readonly detail: string;
  readonly rfc?: string;
  readonly fix?: string;
}

export function problemForm(each: Problem): ProblemForm {
  const { code, severity, at, message, rfc, fix } = withoutPath(each);
  return { code, severity, at: formatPlace(at), ...placeMembers(at), detail: message, ...given({ rfc, fix }) };
}

/** What is full for a moment is tried again after so long; a shorter time would make a queue of the tries. */
const RETRY_AFTER_SECONDS = '10';

/** Answers with all the problems; the first error's code gives the status. */
export function sendProblems(reply: FastifyReply, problems: readonly Problem[], status?: number): FastifyReply {
  reply.request.refusedFor = problems;
  const dialect = dialectOf(reply.request);
  if (dialect !== undefined) return dialect.send(reply, problems, status);
  const reason = problems.find((each) => each.severity === 'error') ?? problems[0]!;
  const first = problemForm(reason);
  const others = problems.length - 1;
  const code = status ?? problemKind(reason.code).status;
  const body = {
    title: STATUS_CODES[code] ?? 'Error',
    status: code,
    code: first.code,
    detail: others === 0 ? first.detail : `${first.detail} (and ${others} more, see errors)`,
    fix: first.fix,
    errors: problems.map(problemForm),
  };
  // RFC 9110 §10.2.3: how long to wait; a limit that knows it better has said so.
  if ((code === 429 || code === 503) && reply.getHeader('retry-after') === undefined) reply.header('retry-after', RETRY_AFTER_SECONDS);
  if (code === 401) reply.header('www-authenticate', 'Bearer realm="waxseal"');
  return reply.status(code).type('application/problem+json').serializer(JSON.stringify).send(body);
}

/** An exception that contains problems: for hooks and validators, where Fastify needs an exception. */
export function problemError(problems: readonly Problem[]): Error & { readonly problems: readonly Problem[] } {
  return Object.assign(new Error(problems[0]?.message ?? 'problem'), { problems });
}

/** Fastify's own errors in our words. An error that is not here and has no status below 500 is a bug of ours. */
const FASTIFY_ERRORS: Readonly<Record<string, readonly [ProblemCode, string, string?]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'BODY_SIZE',
    'the body is larger than this resource accepts',
    'send a zone file to …/zonefile, or several smaller requests',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['BODY_TYPE', 'this resource does not accept that content type'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['REQUEST', 'the body is not as long as Content-Length says'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['BODY_JSON', 'the body is not JSON'],
  FST_ERR_BAD_URL: [
    'REQUEST',
    'the URL has a percent escape that is not UTF-8',
    'write odd octets of a name as \\DDD, percent-encoded: %5C255',
  ],
};

/**
 * The error handler of the whole app. A failed assertion answers 500 and is then thrown outside of any request, so that
 * the process ends, as base/assert.ts demands.
 */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (isProblemError(error)) return sendProblems(reply, error.problems);
  const {
    code,
    statusCode,
    message = 'bad request',
  }: { code?: string; statusCode?: number; message?: string } = error instanceof Error ? error : {};
  const known = code === undefined ? undefined : FASTIFY_ERRORS[code];
  if (known !== undefined) {
    const [kind, text, help] = known;
    const fix = kind === 'BODY_TYPE' ? typeHelp(request) : help;
    return sendProblems(reply, [problem(kind, WHOLE, text, given({ fix }))]);
  }
  if (error instanceof SyntaxError) return sendProblems(reply, [problem('BODY_JSON', WHOLE, `the body is not JSON: ${error.message}`)]);
  if (statusCode !== undefined && statusCode < 500) return sendProblems(reply, [problem('REQUEST', WHOLE, message)], statusCode);
  request.log.error({ event: 'http.failed' satisfies LogEvent, err: error }, 'a request failed');
  if (error instanceof AssertionFailure)
    setImmediate(() => {
      throw error;
    });
  return sendProblems(reply, [
    problem(
      'SERVER_BUG',
      WHOLE,
      `the server failed to handle request ${request.id}; it is not known whether anything changed; the log of the server has more`,
    ),
  ]);
}

function typeHelp({ routeOptions }: FastifyRequest): string {
  const { bodyTypes = ['application/json'] } = routeOptions.config;
  return `send it as ${bodyTypes.join(', ')}`;
}

function isProblemError(error: unknown): error is { readonly problems: readonly Problem[] } {
  return error instanceof Error && 'problems' in error;
}
