/**
 * Routes that only read: the answer under its entity tag, or 304 when the client has it already. An answer that has no
 * tag of its own has one of its content.
 * Not here: entity tags (preconditions.ts).
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { TProperties, TSchema } from 'typebox';
import type { Problem, Result } from '#base/problem.ts';
import { type ZoneAsked, findZone } from './find-zone.ts';
import { contentEtag, notModified } from './preconditions.ts';
import { sendProblems } from './problems.ts';
import type { Asked, Route, RouteParts, Values } from './route.ts';
import { zoneParams } from './schemas.ts';

/** An answer: `body` is made only for a client that does not have the resource with this tag. */
export interface Shown {
  readonly etag?: string;
  /** It shows more than what the tag stands for: it is answered whole, also to a client that has the tag. */
  readonly isVolatile?: boolean;
  /** What is in the way of the body; asked only when it is to be made. */
  readonly refusal?: () => Problem | undefined;
  /** A promise where it is made beside other work. */
  readonly body: () => unknown;
}

type Showing = Result<Shown> | Promise<Result<Shown>>;

interface ReadRoute<P extends TProperties, Q extends TProperties> extends RouteParts<P, Q, TSchema>, Pick<Route, 'access' | 'answers'> {
  readonly show: (asked: Asked<Values<P>, Values<Q>>) => Showing;
}

export function readRoute<P extends TProperties, Q extends TProperties>({ show, ...route }: ReadRoute<P, Q>): Route {
  const isTagged = mayBeKept(route);
  const handle = handler(show as (asked: Asked) => Showing, isTagged);
  return { ...(isTagged ? { conditional: 'read' } : {}), ...route, method: 'GET', writes: false, handle };
}

/** Probes and keys of signers are never kept by a client; an answer without end has no tag. */
function mayBeKept({ access, hasHead }: Pick<Route, 'access' | 'hasHead'>): boolean {
  return access !== 'public' && access !== 'signer' && hasHead !== false;
}

interface ZoneReadRoute<P extends TProperties, Q extends TProperties> extends RouteParts<P, Q, TSchema>, Pick<Route, 'answers'> {
  /** Absent: the whole zone. */
  readonly access?: 'rrset-read';
  readonly show: (asked: ZoneAsked<Values<P>, Values<Q>>) => Showing;
}

/** A route below `/v1/zones/:zone`, for all who may read the zone. */
export function zoneReadRoute<P extends TProperties, Q extends TProperties>({ show: typed, ...route }: ZoneReadRoute<P, Q>): Route {
  const show = typed as (asked: ZoneAsked) => Showing;
  return readRoute({
    access: 'zone-read',
    ...route,
    params: { ...zoneParams, ...route.params },
    show: (asked: Asked) => {
      const zone = findZone(asked);
      return zone.ok ? show({ ...asked, zone: zone.value }) : zone;
    },
  });
}

function handler(show: (asked: Asked) => Showing, isTagged: boolean): Route['handle'] {
  return (asked) => {
    const shown = show(asked);
    // Not awaited when it is there: between finding a zone and reading it, a pause would let a change come in.
    return shown instanceof Promise ? shown.then((each) => send(asked, each, isTagged)) : send(asked, shown, isTagged);
  };
}

type Sent = FastifyReply | Promise<FastifyReply>;

function send({ request, reply }: Asked, shown: Result<Shown>, isTagged: boolean): Sent {
  if (!shown.ok) return sendProblems(reply, shown.problems);
  const { etag, isVolatile = false, refusal, body } = shown.value;
  const isKept = etag !== undefined && !isVolatile;
  if (isKept && notModified(request, reply, etag)) return reply.send();
  const refused = refusal?.();
  if (refused !== undefined) return sendProblems(reply.removeHeader('etag'), [refused]);
  if (!isKept && etag !== undefined) reply.header('etag', etag);
  const needsTag = isTagged && etag === undefined;
  const give = (content: unknown): FastifyReply => {
    const isThere = needsTag && isDocument(content) && notModified(request, reply, contentEtag(content));
    return isThere ? reply.send() : reply.send(content);
  };
  const content = body();
  return content instanceof Promise ? content.then(give) : give(content);
}

/** A JSON document, in contrast to a text or a stream. */
function isDocument(content: unknown): boolean {
  return typeof content === 'object' && content !== null && !(content instanceof Readable) && !Buffer.isBuffer(content);
}
