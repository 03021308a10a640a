/**
 * How the paths below `/api` answer problems: as PowerDNS does, because its clients look at the status, the exact
 * content type and the field `error`. A 422 without a non-empty `error` is taken as success by lego.
 * Not here: problems of `/v1` (admin/http/problems.ts).
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { type LogEvent } from '#base/log/events.ts';
import { formatPlace } from '#base/place.ts';
import { problemKind } from '#base/problem-codes.ts';
import { type Problem, withoutPath } from '#base/problem.ts';
import type { Dialect } from '#admin/http/problems.ts';
import { sendJson } from './answer.ts';

/** PowerDNS answers these with the phrase of the status alone. */
const PHRASE_ONLY: readonly number[] = [400, 401, 404, 405, 409];

export const POWERDNS: Dialect = {
  speaks: (url) => /^\/api(?:[/?]|$)/.test(url),
  tokenHeaders: ['x-api-key', 'authorization'],
  send: sendPowerdnsProblems,
};

function sendPowerdnsProblems(reply: FastifyReply, problems: readonly Problem[], given?: number): FastifyReply {
  const reason = problems.find(({ severity }) => severity === 'error') ?? problems[0]!;
  const status = given ?? statusOf(reason);
  const { request } = reply;
  const errors = problems.filter(({ severity }) => severity === 'error').map(errorText);
  // acme.sh looks at no status: its users find the reason here.
  if (request.method !== 'GET' && status !== 401 && status !== 404) {
    const tokenId = request.identity?.actor.id;
    const event: LogEvent = 'powerdns.rejected';
    request.log.warn({ event, tokenId, url: request.url, status, code: reason.code }, errors[0]);
  }
  if (status === 401) reply.header('www-authenticate', 'X-API-Key realm="waxseal"');
  if (PHRASE_ONLY.includes(status))
    return reply.status(status).header('content-type', 'text/plain; charset=utf-8').send(STATUS_CODES[status]);
  return sendJson(reply, status, { error: errorText(reason), errors });
}

/** What is wrong in the data is 422 for these clients, whatever `/v1` says. */
function statusOf({ code }: Problem): number {
  const { status } = problemKind(code);
  if (code === 'ZONE_EXISTS') return 409;
  return [409, 412].includes(status) ? 422 : status;
}

function errorText(each: Problem): string {
  const { message, fix, at } = withoutPath(each);
  // What the rules of zones find names its RRset by its place; PowerDNS writes `RRset name IN type: …`.
  const place = at.kind === 'object' && !message.startsWith('R') ? `RRset ${formatPlace(at)}: ` : '';
  return `${place}${message}${fix === undefined ? '' : ` (${fix})`}`;
}
