/**
 * `/v1/events`: what happens, as it happens, as a stream that a client resumes where it was cut.
 * Implements: HTML Living Standard §9.2 (server-sent events): `id`, `event`, `data`, `retry`, comments, and Last-Event-ID.
 *
 * A stream keeps a place in the journal and nothing else: it reads on when its client has taken what was sent. So a slow client costs no
 * memory; one that takes nothing at all is cut off, and finds the rest when it comes back.
 * Not here: the journal (store/events.ts), who wakes streams (control/events/feed.ts).
 */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { EVENT_BATCH_MAX, EVENT_HEARTBEAT_MS, EVENT_RETRY_MS, EVENT_STALL_MS_MAX, EVENT_STREAMS_MAX } from '#base/limits/events.ts';
import { WHOLE, inHeader, inQuery } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { EventsApi, StoredEvent } from '#control/api/events.ts';
import { formatName, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { allows, isStillIdentified } from '#admin/http/access.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { isoTime } from '#admin/http/form.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { Switch, closed, isOn, responses } from '#admin/http/schemas.ts';

export interface EventTimes {
  readonly heartbeatMs: number;
  readonly stallMs: number;
}
export const EVENT_TIMES: EventTimes = { heartbeatMs: EVENT_HEARTBEAT_MS, stallMs: EVENT_STALL_MS_MAX };

const KINDS = ['zone', 'mail', 'alert'] as const;

const EventQuery = closed({
  zone: Type.Optional(Type.String({ description: 'only of this zone' })),
  kind: Type.Optional(Type.Enum([...KINDS], { description: 'only changes of zones, lives of mail, or alerts' })),
  machine: Type.Optional(Type.String({ maxLength: 64, description: 'only this kind of life, as in mail/status: dkim, dmarc, tlsa, …' })),
  after: Type.Optional(
    Type.Integer({ minimum: 0, description: 'begin after the event with this id; 0: with all that is kept. Last-Event-ID goes before it' }),
  ),
  follow: Type.Optional(Switch),
});

const EventForm = Type.Object({
  id: Type.Integer(),
  at: Type.String({ format: 'date-time' }),
  kind: Type.Enum([...KINDS]),
  event: Type.String({ description: 'changed, removed; started, step, waiting, confirmed, finished; the code of a problem' }),
  zone: Type.Optional(Type.String()),
  text: Type.String(),
  serial: Type.Optional(Type.Integer()),
  revision: Type.Optional(Type.Integer({ description: 'of the zone, after a change of it' })),
  actor: Type.Optional(Type.Object({ kind: Type.String(), id: Type.String() })),
  action: Type.Optional(Type.String()),
  machine: Type.Optional(Type.String()),
  object: Type.Optional(Type.String()),
  stage: Type.Optional(Type.String()),
});

export function eventsRoutes(app: AdminApp, control: ControlApi, { eventTimes }: { readonly eventTimes: EventTimes }): void {
  let streams = 0;

  app.get(
    '/v1/events',
    {
      config: { access: 'zone-list' },
      exposeHeadRoute: false,
      schema: {
        summary: 'Follow what happens',
        description:
          'Server-sent events named `zone`, `mail` and `alert`, each with a JSON document of the form below. Without Last-Event-ID and `after` ' +
          'from now on; with follow=0 all that is kept, and then the end. When events that were asked for are not kept any more, an event `gap` says so before the others. A token for single ' +
          'zones sees those.',
        tags: ['events'],
        querystring: EventQuery,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ description: 'id of the last event seen' })) }),
        response: {
          ...responses({}),
          200: { description: 'a stream without end', content: { 'text/event-stream': { schema: EventForm } } },
        },
      },
    },
    (request, reply) => {
      const filter = filterOf(request, request.query);
      if (!filter.ok) return sendProblems(reply, filter.problems);
      const follow = request.query.follow === undefined || isOn(request.query.follow);
      const begin = beginning(request.headers['last-event-id'], request.query.after, follow, control.events);
      if (!begin.ok) return sendProblems(reply, begin.problems);
      if (streams >= EVENT_STREAMS_MAX) {
        reply.header('retry-after', '10');
        return sendProblems(reply, [problem('OVERLOADED', WHOLE, `${EVENT_STREAMS_MAX} streams of events are open already`)]);
      }
      streams++;
      const closing = new AbortController();
      reply.raw.once('close', () => {
        streams--;
        closing.abort();
      });
      const text = streamText({
        events: control.events,
        isSeen: filter.value,
        isAllowed: () => isStillIdentified(request, control),
        begin: begin.value,
        follow,
        heartbeatMs: eventTimes.heartbeatMs,
        signal: closing.signal,
      });
      return reply
        .type('text/event-stream')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .header('connection', 'close')
        .send(Readable.from(cutWhenStalled(text, eventTimes.stallMs, reply), { objectMode: false }));
    },
  );
}

/** Which events this request is shown, or why none. */
function filterOf(
  { identity }: FastifyRequest,
  query: { readonly zone?: string; readonly kind?: string; readonly machine?: string },
): Result<(event: StoredEvent) => boolean> {
  const scopes = identity?.scopes ?? [];
  const seesAll = allows(scopes, 'read', undefined);
  const seesZone = (key: string) => seesAll || allows(scopes, 'zone-read', key);
  let zone: string | undefined;
  if (query.zone !== undefined) {
    const name = parseZoneName(query.zone, inQuery('zone'));
    if (!name.ok) return name;
    if (!seesZone(ownerKey(name.value))) return fail(notOfThisZone(identity?.actor.id ?? '', query.zone));
    zone = formatName(lowerName(name.value));
  }
  return ok(
    (event) =>
      (zone === undefined || event.zone === zone) &&
      (query.kind === undefined || event.kind === query.kind) &&
      (query.machine === undefined || event.machine === query.machine) &&
      (seesAll || (event.zone !== undefined && seesZone(ownerKey(nameOf(event.zone))))),
  );
}

function notOfThisZone(token: string, zone: string): Problem {
  return problem('AUTH_SCOPE', inQuery('zone'), `token ${token} may not see ${zone}; this needs scope read or admin, or that of the zone`);
}

interface Beginning {
  readonly afterId: number;
  /** The client has seen events up to `afterId`: what is missing from there on, it misses. */
  readonly isResumed: boolean;
  /** The id that it gave, when there was never such an event here. */
  readonly unknown?: number;
}

function beginning(header: string | undefined, after: number | undefined, follow: boolean, events: EventsApi): Result<Beginning> {
  const { newest } = events.range();
  // An empty one is what a client has that has seen no event yet.
  const isGiven = header !== undefined && header !== '';
  if (isGiven && !/^[0-9]{1,15}$/.test(header))
    return fail(
      problem('PARAMETER', inHeader('Last-Event-ID'), 'this is not an id of an event', {
        fix: 'leave it away, or take the last id that came',
      }),
    );
  const given = isGiven ? Number(header) : after;
  if (given === undefined) return ok({ afterId: follow ? newest : 0, isResumed: follow });
  // Ids that were given out are above what is here after a backup was restored: all of it may be new to the client.
  if (given > newest) return ok({ afterId: 0, isResumed: false, unknown: given });
  return ok({ afterId: given, isResumed: isGiven || given > 0 });
}

interface StreamOptions {
  readonly events: EventsApi;
  readonly isSeen: (event: StoredEvent) => boolean;
  /** The token is still good. */
  readonly isAllowed: () => boolean;
  readonly begin: Beginning;
  readonly follow: boolean;
  readonly heartbeatMs: number;
  readonly signal: AbortSignal;
}

/** The stream, block by block. Ends when the client has gone, its token is no longer good, or the server stops. */
async function* streamText({ events, isSeen, isAllowed, begin, follow, heartbeatMs, signal }: StreamOptions): AsyncGenerator<string> {
  let at = begin.afterId;
  let { isResumed } = begin;
  yield `retry: ${EVENT_RETRY_MS}\nid: ${at}\n\n`;
  if (begin.unknown !== undefined) yield gap(at, { reason: 'unknown', lastEventId: begin.unknown });
  while (!signal.aborted && isAllowed()) {
    const { oldest } = events.range();
    if (isResumed && oldest > at + 1) {
      yield gap(oldest - 1, { reason: 'forgotten', missedFrom: at + 1, missedTo: oldest - 1 });
      at = oldest - 1;
    }
    const batch = events.after(at, EVENT_BATCH_MAX);
    if (batch.length > 0) {
      isResumed = true;
      at = batch.at(-1)!.id;
      const seen = batch.filter(isSeen);
      // Also past what is not shown: coming back, the client shall not be told of a gap there.
      yield seen.map(eventText).join('') + (seen.at(-1)?.id === at ? '' : `id: ${at}\n\n`);
      continue;
    }
    if (!follow || events.isClosed) return;
    await events.next(at, heartbeatMs, signal);
    if (!signal.aborted && !events.isClosed && events.range().newest === at) yield ': all is well\n\n';
  }
}

function gap(id: number, data: object): string {
  return `id: ${id}\nevent: gap\ndata: ${JSON.stringify(data)}\n\n`;
}

/** JSON has no line breaks, so one line of data is enough. */
function eventText({ id, kind, atMs, generation, ...rest }: StoredEvent): string {
  const data = { id, at: isoTime(atMs), kind, ...rest, ...(kind === 'zone' ? { revision: generation } : {}) };
  return `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Breaks the connection when what was given is not taken for so long. */
async function* cutWhenStalled(text: AsyncGenerator<string>, stallMs: number, reply: FastifyReply): AsyncGenerator<string> {
  for await (const each of text) {
    const timer = setTimeout(() => reply.raw.destroy(), stallMs);
    try {
      yield each;
    } finally {
      clearTimeout(timer);
    }
  }
}
