/**
 * Requests that are rejected before anything else looks at them: those that a program on the way may have understood
 * otherwise than this server would, bodies that are packed, and tokens where they end up in logs.
 * Implements: RFC 9112 §2.3 (versions), §3.2 (one Host), §6.1 (transfer codings), §9.3.2 (pipelining, within limits),
 * RFC 9110 §5.3 (fields that come once), §8.4 and §15.5.16 (content codings), RFC 6750 §2.3 and §5.3 (no token in a
 * URL).
 * Not here: framing (Node rejects two lengths, a length beside chunks, folded lines), hosts (known-hosts.ts).
 */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HTTP_PIPELINED_MAX } from '#base/limits/admin.ts';
import { type Problem, problem } from '#base/problem.ts';
import { WHOLE, inHeader } from '#base/place.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { sendProblems } from '#admin/http/problems.ts';

/** Of these Node passes on the first alone: a proxy that goes by the last one would have seen another request. */
const ONCE = ['Host', 'Authorization', 'Content-Type'];

/** A token of this server, with its id; some clients escape the line between its parts. */
const TOKEN = /wax(?:_|%5f)([0-9a-f]{16})(?:_|%5f)[^/?#&\s]*/gi;

/** Puts the hook on the app. Call before any other. */
export function rejectOddRequests(app: AdminApp): void {
  const underWay = new WeakMap<Socket, number>();
  app.addHook('onRequest', async (request, reply) => {
    const found =
      tooManyAtOnce(request, reply, underWay) ??
      oddFraming(request) ??
      packedBody(request, reply) ??
      tokenInUrl(request);
    if (found === undefined) return;
    // Where the next request begins is not certain, or does not matter.
    reply.header('connection', 'close');
    await sendProblems(reply, [found]);
  });
}

/** The URL with the secrets of tokens left out of it: for logs. */
export function withoutTokens(url: string): string {
  return url.replace(TOKEN, 'wax_$1_[secret]');
}

/** RFC 9112 §3.2.2: the URL of a request as a proxy gets it, without scheme and authority. */
export function originForm(url: string): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '');
  return path.startsWith('/') || path === url ? path : `/${path}`;
}

/** The authority of a request in that form; undefined: it is in the usual form. */
export function authorityOf(url: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1];
}

/** RFC 9112 §9.3.2: answers wait in memory for those before them, and what a client writes at once is read at once. */
function tooManyAtOnce(
  { raw: { socket } }: FastifyRequest,
  { raw }: FastifyReply,
  underWay: WeakMap<Socket, number>,
): Problem | undefined {
  const count = (underWay.get(socket) ?? 0) + 1;
  underWay.set(socket, count);
  raw.once('close', () => underWay.set(socket, underWay.get(socket)! - 1));
  if (count <= HTTP_PIPELINED_MAX) return undefined;
  const why = `${HTTP_PIPELINED_MAX} requests of this connection are under way already`;
  return problem('OVERLOADED', WHOLE, why, { fix: 'wait for answers, or open another connection' });
}

function oddFraming({ raw }: FastifyRequest): Problem | undefined {
  const { httpVersion, rawHeaders, headers } = raw;
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return problem('REQUEST', WHOLE, `HTTP/${httpVersion} is not spoken here`, {
      rfc: 'RFC 9112 §2.3',
      fix: 'send HTTP/1.1',
    });
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const twice = ONCE.find((name) => names.filter((each) => each === name.toLowerCase()).length > 1);
  if (twice !== undefined)
    return problem('REQUEST', inHeader(twice), `${twice} stands more than once in this request`, {
      rfc: twice === 'Host' ? 'RFC 9112 §3.2' : 'RFC 9110 §5.3',
      fix: 'send it once',
    });
  const coding = headers['transfer-encoding'];
  if (coding === undefined || (coding.trim().toLowerCase() === 'chunked' && httpVersion === '1.1')) return undefined;
  const what = JSON.stringify(coding.slice(0, 100));
  return problem('REQUEST', inHeader('Transfer-Encoding'), `the transfer coding ${what} is not taken here`, {
    rfc: 'RFC 9112 §6.1',
    fix: 'send the body with Content-Length, or with HTTP/1.1 and Transfer-Encoding: chunked',
  });
}

function packedBody({ headers }: FastifyRequest, reply: FastifyReply): Problem | undefined {
  const coding = headers['content-encoding']?.trim() ?? '';
  if (coding === '' || coding.toLowerCase() === 'identity') return undefined;
  reply.header('accept-encoding', 'identity');
  const what = JSON.stringify(coding.slice(0, 100));
  return problem('BODY_TYPE', inHeader('Content-Encoding'), `bodies are not taken packed: ${what}`, {
    rfc: 'RFC 9110 §8.4',
    fix: 'send the body as it is, without Content-Encoding',
  });
}

/** It may be good, and stands in the logs of every program on the way by now. */
function tokenInUrl({ originalUrl }: FastifyRequest): Problem | undefined {
  const [found] = originalUrl.matchAll(TOKEN);
  if (found === undefined) return undefined;
  const id = found[1]!.toLowerCase();
  return problem('REQUEST', WHOLE, `the token ${id} stands in the URL, where proxies and logs keep it`, {
    rfc: 'RFC 6750 §2.3',
    fix: `send tokens in the Authorization header, and replace this one: waxseal token revoke ${id}`,
  });
}
