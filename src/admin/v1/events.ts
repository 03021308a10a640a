/**
 * `/v1/events`: what happens, as it happens, as a stream that a client resumes where it was cut.
 * Implements: HTML Living Standard §9.2 (server-sent events): Last-Event-ID.
 * Not here: the stream itself (event-stream.ts), the journal (store/events.ts).
 */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type TProperties, Type } from 'typebox';
import { inHeader, inQuery } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import type { EventsApi, StoredEvent } from '#control/api/events.ts';
import { formatName, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { allows } from '#admin/http/access.ts';
import { identityOf, isStillIdentified } from '#admin/http/identity.ts';
import { parseZoneName } from '#admin/http/names.ts';
import { readRoute } from '#admin/http/read-route.ts';
import type { Values } from '#admin/http/route.ts';
import { Switch, Time, isOn } from '#admin/http/schemas.ts';
import { type Beginning, type EventTimes, cutWhenStalled, streamText } from './event-stream.ts';

const KINDS = ['zone', 'import', 'mail', 'certificate', 'dnssec', 'alert', 'audit'] as const;

const STAGES = 'of a life, or of an import: waiting, starting, reading, planning, signing, writing';

const eventQuery = {
  zone: Type.Optional(Type.String({ description: 'only events of this zone' })),
  kind: Type.Optional(
    Type.Enum([...KINDS], { description: 'only changes of zones, progress of imports, steps of a life, alerts or heads' }),
  ),
  machine: Type.Optional(Type.String({ maxLength: 64, description: 'only steps of this kind, as in mail/status: dkim, dmarc, tlsa, …' })),
  after: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'begin after the event with this id; 0: with the oldest. Last-Event-ID has precedence',
    }),
  ),
  follow: Type.Optional(Switch),
} satisfies TProperties;

const EventForm = Type.Object({
  id: Type.Integer(),
  at: Time,
  kind: Type.Enum([...KINDS]),
  event: Type.String({
    description: 'changed, removed, progress, ended, started, step, waiting, confirmed, finished, or the code of a problem',
  }),
  zone: Type.Optional(Type.String()),
  text: Type.String(),
  serial: Type.Optional(Type.Integer()),
  revision: Type.Optional(Type.Integer({ description: 'revision of the zone after a change of it' })),
  actor: Type.Optional(Type.Object({ kind: Type.String(), id: Type.String() })),
  action: Type.Optional(Type.String()),
  machine: Type.Optional(Type.String()),
  object: Type.Optional(Type.String()),
  stage: Type.Optional(Type.String({ description: STAGES })),
  done: Type.Optional(Type.Integer({ description: 'of an import: so many signatures or names of `total`' })),
  total: Type.Optional(Type.Integer()),
  severity: Type.Optional(Type.Enum(['error', 'warning'], { description: 'of an alert' })),
  fix: Type.Optional(Type.String({ description: 'of an alert: what to do' })),
});

export function eventsRoutes(times: EventTimes) {
  const opened = (reply: FastifyReply): AbortSignal => {
    const closing = new AbortController();
    reply.raw.once('close', () => {
      closing.abort();
    });
    return closing.signal;
  };
  return [
    readRoute({
      url: '/v1/events',
      access: 'zone-list',
      hasHead: false,
      budget: 'streams',
      tag: 'events',
      summary: 'Follow the events',
      description:
        'Server-sent events whose names are the kinds. The data of each is a JSON document in the ' +
        'form below. Without Last-Event-ID and `after` the stream begins with the next event. With follow=0 the ' +
        'server sends all events that it keeps and ends the stream. When events that the client asked for are no ' +
        'longer kept, an event `gap` comes in their place, with the zone that they were about where that is known. A ' +
        'token for single zones sees only their events.',
      query: eventQuery,
      headers: Type.Object({
        'last-event-id': Type.Optional(Type.String({ description: 'id of the last event that the client has seen' })),
      }),
      answers: { 200: { description: 'a stream without end', content: { 'text/event-stream': { schema: EventForm } } } },
      show: ({ control, query, request, reply }) => {
        const filter = filterOf(request, query);
        if (!filter.ok) return filter;
        const follow = query.follow === undefined || isOn(query.follow);
        const begin = beginning(request.headers['last-event-id'], query.after, follow, control.events);
        if (!begin.ok) return begin;
        const text = streamText({
          events: control.events,
          ...filter.value,
          isAllowed: () => isStillIdentified(request, control),
          begin: begin.value,
          follow,
          heartbeatMs: times.heartbeatMs,
          signal: opened(reply),
        });
        reply.type('text/event-stream').headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no', connection: 'close' });
        const cut = () => void reply.raw.destroy();
        return ok({ body: () => Readable.from(cutWhenStalled(text, times.stallMs, cut), { objectMode: false }) });
      },
    }),
  ];
}

/** Which events a request is shown. */
interface EventFilter {
  readonly isSeen: (event: StoredEvent) => boolean;
  readonly isZoneSeen: (zone: string | undefined) => boolean;
}

/** Which events this request is shown, or why none. */
function filterOf(request: FastifyRequest, query: Values<typeof eventQuery>): Result<EventFilter> {
  const identity = identityOf(request);
  const { actor } = identity;
  const seesAll = allows(identity, 'read', undefined);
  const seesZone = (key: string) => seesAll || allows(identity, 'zone-read', key);
  let asked: string | undefined;
  if (query.zone !== undefined) {
    const name = parseZoneName(query.zone, inQuery('zone'));
    if (!name.ok) return name;
    if (!seesZone(ownerKey(name.value))) {
      const needed = 'this needs scope read or admin, or the scope of the zone';
      return fail(problem('AUTH_SCOPE', inQuery('zone'), `token ${actor.id} may not see ${query.zone}; ${needed}`));
    }
    asked = formatName(lowerName(name.value));
  }
  const isZoneSeen: EventFilter['isZoneSeen'] = (zone) =>
    (asked === undefined || zone === asked) && (seesAll || (zone !== undefined && seesZone(ownerKey(nameOf(zone)))));
  return ok({
    isZoneSeen,
    isSeen: ({ zone, kind, machine }) =>
      isZoneSeen(zone) && [undefined, kind].includes(query.kind) && [undefined, machine].includes(query.machine),
  });
}

function beginning(
  header: string | string[] | undefined,
  after: number | undefined,
  follow: boolean,
  events: EventsApi,
): Result<Beginning> {
  const { newest } = events.range();
  // A client that has seen no event yet sends an empty one.
  const isGiven = header !== undefined && header !== '';
  if (isGiven && !/^[0-9]{1,15}$/.test(String(header)))
    return fail(
      problem('PARAMETER', inHeader('Last-Event-ID'), 'this is not an id of an event', {
        fix: 'leave the header out, or send the last id received',
      }),
    );
  const id = isGiven ? Number(header) : after;
  if (id === undefined) return ok({ afterId: follow ? newest : 0, isResumed: follow });
  // After a backup was restored, ids that were given out are above those here: all events may be new to the client.
  if (id > newest) return ok({ afterId: 0, isResumed: false, unknown: id });
  return ok({ afterId: id, isResumed: isGiven || id > 0 });
}
