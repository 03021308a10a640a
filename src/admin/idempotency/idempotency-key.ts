/**
 * Idempotency-Key: a change that is sent again, because its answer was lost on the way, is carried out once and
 * answered twice.
 * Implements: draft-ietf-httpapi-idempotency-key-header §2.1 (form), §2.4 (fingerprint), §2.6, §2.7 (answers).
 * Not here: what is kept, and for how long (control/tokens/kept-answers.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IDEMPOTENCY_KEY_CHARACTERS_MAX, IDEMPOTENCY_KEY_CHARACTERS_MIN } from '#base/limits/admin.ts';
import { inHeader } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { KeyedRequest, KnownRequest } from '#control/api/kept-answers.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { identityOf, isUnixConnection, presentedToken } from '#admin/http/identity.ts';
import { textParameter } from '#admin/http/names.ts';
import { sendProblems } from '#admin/http/problems.ts';
import type { Route } from '#admin/http/route.ts';
import { isOn } from '#admin/http/schemas.ts';
import { type PlainAnswer, openAnswer, sealAnswer } from './sealed-answer.ts';

/** A request whose answer will be kept. */
interface Keeping {
  readonly request: KeyedRequest;
  readonly secret: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    keeping: Keeping | null;
  }
}

const HEADER = 'Idempotency-Key';
/** RFC 8941 §3.3.3: a string; many clients leave out its quotes. */
const FORM = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]*)"|([\x21\x23-\x5b\x5d-\x7e]+))$/;
/** What an answer has beside its body. */
const KEPT_HEADERS = ['content-type', 'location', 'etag', 'cache-control'] as const;

/** The route, which takes the header when it changes something. Clients of another program's API do not know it. */
export function keepAnswers(route: Route): Route {
  if (!route.writes || route.isHidden === true) return route;
  return {
    ...route,
    handle: async (asked) => {
      const { control, request, reply, query, body } = asked;
      const header = request.headers['idempotency-key'];
      if (header === undefined || isOn(textParameter(query, 'dryRun'))) return await route.handle(asked);
      const keeping = readKey(String(header), request, body);
      if (!keeping.ok) return sendProblems(reply, keeping.problems);
      const begun = await control.keptAnswers.begin(keeping.value.request);
      if (!begun.ok) return sendProblems(reply, begun.problems);
      if (begun.value !== undefined) return repeat(reply, begun.value, keeping.value);
      request.keeping = keeping.value;
      return await route.handle(asked);
    },
  };
}

/** Keeps each answer before it is sent. */
export function storeAnswers(app: AdminApp, { keptAnswers }: ControlApi): void {
  app.decorateRequest('keeping', null);
  app.addHook('onSend', async (request, reply, payload) => {
    const { keeping } = request;
    if (keeping === null) return payload;
    request.keeping = null;
    const { statusCode: status } = reply;
    if (status === 500) keptAnswers.abandon(keeping.request);
    else if (status >= 300) await keptAnswers.forget(keeping.request);
    else await keptAnswers.finish(keeping.request, sealed(reply, payload, keeping));
    return payload;
  });
}

function sealed(reply: FastifyReply, payload: unknown, { secret, request: { id } }: Keeping): string | undefined {
  if (typeof payload !== 'string') return undefined;
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = reply.getHeader(name);
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  const answer: PlainAnswer = { status: reply.statusCode, headers: Object.fromEntries(headers), body: payload };
  return sealAnswer(answer, { secret, id }, randomBytes);
}

function readKey(header: string, request: FastifyRequest, body: unknown): Result<Keeping> {
  const [, quoted, bare] = FORM.exec(header.trim()) ?? [];
  const key = quoted ?? bare ?? '';
  if (key.length < IDEMPOTENCY_KEY_CHARACTERS_MIN || key.length > IDEMPOTENCY_KEY_CHARACTERS_MAX)
    return fail(
      problem('REQUEST', inHeader(HEADER), `${JSON.stringify(header.slice(0, 100))} cannot be a key`, {
        fix:
          `a key has ${IDEMPOTENCY_KEY_CHARACTERS_MIN} to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters of ASCII: ` +
          'make a new UUID for each change, and send it again with each repetition',
      }),
    );
  const { actor } = identityOf(request);
  const id = hashOf(actor.kind, actor.id, key);
  const content = Buffer.isBuffer(body) ? body : JSON.stringify(body ?? null);
  const fingerprint = hashOf(request.method, request.url, content);
  const token = isUnixConnection(request) ? '' : (presentedToken(request)?.text ?? '');
  return ok({ request: { id, fingerprint, actor }, secret: `${token}\n${key}` });
}

function repeat(reply: FastifyReply, known: KnownRequest, { secret, request: { id } }: Keeping): FastifyReply {
  if (known.kind !== 'answered') return sendProblems(reply, [unrepeatable(known.kind)]);
  const answer = known.sealed === undefined ? undefined : openAnswer(known.sealed, { secret, id });
  if (answer === undefined) return sendProblems(reply, [unrepeatable('lost')]);
  const { status, headers, body } = answer;
  // Sent as it was: it is JSON already.
  return reply
    .status(status)
    .headers({ ...headers, 'idempotent-replayed': 'true' })
    .serializer(String)
    .send(body);
}

function unrepeatable(kind: 'other' | 'under-way' | 'unknown' | 'lost'): Problem {
  const at = inHeader(HEADER);
  switch (kind) {
    case 'other':
      return problem('IDEMPOTENCY_KEY_USED', at, 'this key came with another request: other method, URL or body', {
        fix: 'make a new key for each change',
      });
    case 'under-way':
      return problem('IDEMPOTENCY_UNDER_WAY', at, 'the first request with this key is still being carried out', {
        fix: 'send it again in a moment',
      });
    case 'unknown':
      return problem(
        'IDEMPOTENCY_UNKNOWN',
        at,
        'the first request with this key ended without an answer: it is not known whether anything was changed',
        { fix: 'look, then send it with a new key if it is still needed' },
      );
    case 'lost':
      return problem('IDEMPOTENCY_UNKNOWN', at, 'the request was carried out; its answer was too large to be kept', {
        fix: 'read the resource',
      });
  }
}

function hashOf(...parts: readonly (string | Uint8Array)[]): string {
  return parts.reduce((hash, each) => hash.update(`${each.length}:`).update(each), createHash('sha256')).digest('hex');
}
