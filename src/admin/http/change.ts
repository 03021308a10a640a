/** One way for every change of a zone: preconditions → command → `{serial, revision, changeset}`, after it is durable (interface.md). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { assert } from '#base/assert.ts';
import { WAIT_SERVED_MS_MAX } from '#base/limits/limits.ts';
import { nearestWord } from '#base/nearest.ts';
import { type Place, inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { formatName, ownerKey } from '#dns/name.ts';
import type { Command, ControlApi, Outcome } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { ZoneView } from '#zone/view.ts';
import type { MailNote } from '#control/api/mail.ts';
import { allows } from './access.ts';
import { isoTime } from './form.ts';
import { parseZoneName } from './names.ts';
import { preconditionOf, zoneEtag } from './preconditions.ts';
import { problemForm, sendProblems } from './problems.ts';
import { isOn } from './schemas.ts';

export interface ChangeOptions {
  /** The resource's ETag before the change, undefined when it does not exist; the zone's unless given. */
  readonly etagOf?: (record: ZoneRecord | undefined, view: ZoneView | undefined) => string | undefined;
  /** A further condition that must hold when the change is decided, checked before If-Match. */
  readonly refuse?: (record: ZoneRecord | undefined, view: ZoneView | undefined) => Problem | undefined;
  /** ETag of the resource after the change; the zone's unless given. */
  readonly etagAfter?: (outcome: Outcome) => string | undefined;
  /** Whether the change made a resource that was not there; whether it made the zone, unless given. */
  readonly created?: () => boolean;
  /** `Location` when it did. */
  readonly location?: (outcome: Outcome) => string;
  /** Puts the places of control's problems into terms of this request's body. */
  readonly placeOf?: (at: Place) => Place;
}

/** A request of a route that has `changeQuery`. */
type ChangeRequest = Pick<FastifyRequest, 'headers' | 'identity'> & {
  readonly query: { readonly dryRun?: string; readonly wait?: string };
};

/** Runs `command` for the request and answers. */
export async function answerChange(
  control: ControlApi,
  request: ChangeRequest,
  reply: FastifyReply,
  command: Command,
  options: ChangeOptions = {},
): Promise<FastifyReply> {
  assert(request.identity !== null, 'a change on a public route');
  const etagOf = options.etagOf ?? ((record) => (record === undefined ? undefined : zoneEtag(record)));
  const conditions = preconditionOf(request, etagOf);
  if (!conditions.ok) return sendProblems(reply, conditions.problems);
  const { actor, scopes } = request.identity;
  const result = await control.run(command, {
    actor,
    mayChange: (apex) => allows(scopes, 'zone-change', ownerKey(apex)),
    dryRun: isOn(request.query.dryRun),
    precondition: (record, view) => options.refuse?.(record, view) ?? conditions.value?.(record, view),
  });
  const placeOf = options.placeOf ?? ((at: Place) => at);
  const placed = (each: Problem): Problem => ({ ...each, at: placeOf(each.at) });
  if (!result.ok) return sendProblems(reply, result.problems.map(placed));
  const outcome = result.value;
  let status = 200;
  if ((options.created?.() ?? outcome.created) && !outcome.dryRun) {
    status = 201;
    if (options.location !== undefined) reply.header('location', options.location(outcome));
  }
  let served: boolean | undefined;
  if (request.query.wait === 'served' && !outcome.dryRun) {
    served = await control.waitServed(outcome.revision, WAIT_SERVED_MS_MAX);
    if (!served) status = 202;
  }
  const etag = outcome.dryRun ? undefined : options.etagAfter === undefined ? zoneEtag(outcome) : options.etagAfter(outcome);
  if (etag !== undefined) reply.header('etag', etag);
  const warnings = outcome.warnings.map(placed).map(problemForm);
  const mail = outcome.mail === undefined ? {} : { mail: mailNote(outcome.mail) };
  return reply.status(status).send({ ...outcome, ...(served === undefined ? {} : { served }), warnings, ...mail });
}

function mailNote({ object, notBeforeMs, isFinal, text }: MailNote) {
  return {
    ...(object === undefined ? {} : { object }),
    ...(notBeforeMs === undefined ? {} : { notBefore: isoTime(notBeforeMs) }),
    ...(isFinal === undefined ? {} : { isFinal }),
    ...(text === undefined ? {} : { text }),
  };
}

/** The zone in the URL, or why not. */
export function findZone(control: ControlApi, text: string): Result<ZoneRecord> {
  const name = parseZoneName(text);
  if (!name.ok) return name;
  const record = control.zone(name.value);
  return record === undefined ? fail(zoneNotFound(control, formatName(name.value))) : ok(record);
}

/** The problem of a zone that does not exist here, with what may have been meant: the zone above it, or one of a similar name. */
export function zoneNotFound(control: ControlApi, text: string): Problem {
  const name = text.toLowerCase();
  const names = control.zones().map((each) => each.name);
  const above = names.find((each) => each === '.' || name.endsWith(`.${each}`));
  const near = nearestWord(name, names);
  const fix =
    above !== undefined
      ? `it may be a name in the zone ${above}`
      : near !== undefined
        ? `did you mean ${near}?`
        : 'waxseal zone list shows the zones served here';
  return problem('ZONE_NOT_FOUND', inUrl('zone'), `there is no zone ${name} here`, { fix });
}

/** A zone's name as a URL segment. */
export function zoneSegment(name: string): string {
  return name === '.' ? '=2E' : encodeURIComponent(name.replace(/\.$/, ''));
}
