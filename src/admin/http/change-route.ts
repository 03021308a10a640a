/**
 * Routes that change a zone: preconditions, command, `{serial, revision, changeset}` after the change is durable
 * (interface.md), and with `?wait=served` after every worker serves it.
 */
import { Socket } from 'node:net';
import type { Static, TProperties, TSchema } from 'typebox';
import { WAIT_SERVED_MS_MAX } from '#base/limits/admin.ts';
import { type Place } from '#base/place.ts';
import { type Problem, type Result, fail, ok } from '#base/problem.ts';
import type { Command, Outcome, RunOptions } from '#control/api/control.ts';
import type { MailNote } from '#control/api/mail.ts';
import { type Name, nameOf, ownerKey } from '#dns/name.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { ZoneView } from '#zone/view.ts';
import { allows } from './access.ts';
import { type ZoneAsked, findZone } from './find-zone.ts';
import { given, isoTime } from './form.ts';
import { identityOf } from './identity.ts';
import { textParameter } from './names.ts';
import { preconditionOf, zoneEtag } from './preconditions.ts';
import { problemForm } from './problems.ts';
import type { Asked, Route, Values } from './route.ts';
import { changeAnswers, waitQuery, zoneParams } from './schemas.ts';
import { checkCommand, mayTouchOf, visibleOutcome } from './record-scope.ts';
import { type Order, type WriteParts, writeRoute } from './write-route.ts';

/** What a request wants changed. Whatever is not given is the zone's. */
export interface Change {
  readonly command: Command;
  /** The resource's ETag before the change, undefined when the resource does not exist. */
  readonly etagBefore?: (record: ZoneRecord | undefined, view: ZoneView | undefined) => string | undefined;
  /** A further condition that must hold when the change is decided, checked before If-Match. */
  readonly rejectIf?: (record: ZoneRecord | undefined, view: ZoneView | undefined) => Problem | undefined;
  /** ETag of the resource after the change. */
  readonly etagAfter?: (outcome: Outcome) => string | undefined;
  /** Whether the change created the resource. */
  readonly created?: () => boolean;
  /** `Location` of what was created. */
  readonly location?: (outcome: Outcome) => string;
  /** Puts the places of control's problems into terms of this request's body. */
  readonly placeOf?: (at: Place) => Place;
}

interface ChangeRoute<P extends TProperties, Q extends TProperties, B extends TSchema> extends WriteParts<P, Q, B>, Pick<Route, 'access'> {
  readonly change: (asked: Asked<Values<P>, Values<Q>, Static<B>>) => Result<Change>;
}

/** A change of a zone that may not exist before it or after it. */
export function changeRoute<P extends TProperties, Q extends TProperties, B extends TSchema>({
  change: typed,
  ...route
}: ChangeRoute<P, Q, B>): Route {
  const change = typed as (asked: Asked) => Result<Change>;
  return writeRoute({
    ...route,
    query: { ...waitQuery, ...route.query },
    answers: changeAnswers,
    conditional: 'change',
    write: async (order: Order) => {
      const wanted = change(order);
      return wanted.ok ? await carryOut(order, wanted.value) : wanted;
    },
  });
}

/** A request to change a zone that exists. */
interface ZoneOrder<P = unknown, Q = unknown, B = unknown> extends ZoneAsked<P, Q, B> {
  readonly apex: Name;
}

interface ZoneChangeRoute<P extends TProperties, Q extends TProperties, B extends TSchema> extends WriteParts<P, Q, B> {
  /** Absent: the whole zone. */
  readonly access?: 'rrset-change';
  readonly change: (asked: ZoneOrder<Values<P>, Values<Q>, Static<B>>) => Result<Change>;
}

/** A change below `/v1/zones/:zone`, for all who may change the zone. */
export function zoneChangeRoute<P extends TProperties, Q extends TProperties, B extends TSchema>({
  change: typed,
  ...route
}: ZoneChangeRoute<P, Q, B>): Route {
  const change = typed as (asked: ZoneOrder) => Result<Change>;
  return changeRoute({
    access: 'zone-change',
    ...route,
    params: { ...zoneParams, ...route.params },
    change: (asked: Asked) => {
      const zone = findZone(asked);
      return zone.ok ? change({ ...asked, zone: zone.value, apex: nameOf(zone.value.name) }) : zone;
    },
  });
}

interface RunOrder {
  /** Puts the places of control's problems into terms of this request's body. */
  readonly placeOf?: (at: Place) => Place;
  readonly precondition?: RunOptions['precondition'];
  /** Resolve when every worker serves the change, or a time later. */
  readonly wait: boolean;
}

interface Ran {
  /** What the sender may see of it. */
  readonly outcome: Outcome;
  /** Whether every worker serves it; undefined: it was not waited for. */
  readonly served: boolean | undefined;
}

/** Gives the command, when it is in the sender's scope. */
export async function runCommand(
  { control, request, reply, actor, dryRun }: Pick<Order, 'control' | 'request' | 'reply' | 'actor' | 'dryRun'>,
  command: Command,
  { placeOf = (at) => at, precondition, wait }: RunOrder,
): Promise<Result<Ran>> {
  const identity = identityOf(request);
  const placed = (each: Problem): Problem => ({ ...each, at: placeOf(each.at) });
  const beyond = checkCommand(identity, command);
  if (beyond.length > 0) return fail(...beyond.map(placed));
  const mayChange = (apex: Name) => allows(identity, 'zone-change', ownerKey(apex));
  const mayTouch = mayTouchOf(identity, ownerKey(command.zone));
  const signal = command.kind === 'zone.import' ? untilGone(reply) : undefined;
  const result = await control.run(command, { actor, mayChange, dryRun, ...given({ precondition, mayTouch, signal }) });
  if (!result.ok) return fail(...result.problems.map(placed));
  const seen = visibleOutcome(identity, result.value, ownerKey(command.zone));
  const outcome = { ...seen, warnings: seen.warnings.map(placed) };
  if (dryRun || !wait) return ok({ outcome, served: undefined });
  // Without a place to wait the change is durable all the same: the answer is that of a wait that was too short.
  const mayWait = request.server.budgets.take('waits', request, reply) === undefined;
  const { servedFrom = outcome.revision } = outcome;
  return ok({ outcome, served: mayWait && (await control.workers.waitServed(servedFrom, WAIT_SERVED_MS_MAX)) });
}

/**
 * Aborted when the client has gone before its answer. A large import takes as long as IMPORT_MS_MAX says: until it is
 * answered, a connection on which nothing moves is no client that has stopped reading.
 */
function untilGone({ raw }: Order['reply']): AbortSignal {
  const gone = new AbortController();
  if (raw.socket instanceof Socket) raw.socket.setTimeout(0);
  raw.once('close', () => raw.writableFinished || gone.abort());
  return gone.signal;
}

/** Runs the command; gives the body of the answer and sets its status and headers. */
async function carryOut(order: Order, change: Change): Promise<Result<unknown>> {
  const { request, reply, query, dryRun } = order;
  const { command, etagBefore = tagOf, rejectIf, etagAfter = tagOf, created, location, placeOf } = change;
  const conditions = preconditionOf(request, etagBefore);
  if (!conditions.ok) return conditions;
  const precondition = (record: ZoneRecord | undefined, view: ZoneView | undefined) =>
    rejectIf?.(record, view) ?? conditions.value?.(record, view);
  const wait = textParameter(query, 'wait') === 'served';
  const ran = await runCommand(order, command, { precondition, wait, ...given({ placeOf }) });
  if (!ran.ok) {
    if (ran.problems.some(({ code }) => code === 'ZONE_RECORDS_LIMIT')) request.server.budgets.reject('records');
    return ran;
  }
  const { outcome, served } = ran.value;
  const { servedFrom: _servedFrom, ...shown } = outcome;
  const answer = { ...shown, warnings: outcome.warnings.map(problemForm), mail: mailNote(outcome.mail) };
  if (dryRun) return ok(answer);
  if (created?.() ?? outcome.created) {
    reply.status(201);
    if (location !== undefined) reply.header('location', location(outcome));
  }
  if (served === false) reply.status(202);
  const etag = etagAfter(outcome);
  if (etag !== undefined) reply.header('etag', etag);
  return ok({ ...answer, served });
}

function tagOf(zone: { readonly revision: number } | undefined): string | undefined {
  return zone === undefined ? undefined : zoneEtag(zone);
}

function mailNote(note: MailNote | undefined) {
  if (note === undefined) return undefined;
  const { object, notBeforeMs, isFinal, text } = note;
  return { object, notBefore: isoTime(notBeforeMs), isFinal, text };
}
