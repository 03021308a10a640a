/**
 * Routes of the PowerDNS-compatible API: any content type, any further fields, a token in X-API-Key or Authorization,
 * zone ids as PowerDNS has them. Changes pass the same function as those of `/v1`.
 * Not here: their answers (answer.ts, forms.ts), how problems are answered (dialect.ts).
 */
import type { FastifyReply } from 'fastify';
import { type TProperties, Type } from 'typebox';
import { POWERDNS_BODY_BYTES_MAX } from '#base/limits/admin.ts';
import { WHOLE, inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, nameOf } from '#dns/name.ts';
import type { Command, Outcome } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { Access } from '#admin/http/access.ts';
import { runCommand } from '#admin/http/change-route.ts';
import { identityOf } from '#admin/http/identity.ts';
import { textParameter } from '#admin/http/names.ts';
import { sendProblems } from '#admin/http/problems.ts';
import type { Asked, Route } from '#admin/http/route.ts';
import { isOn } from '#admin/http/schemas.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { parseZoneId } from './zone-id.ts';

export const SERVER = '/api/v1/servers/localhost';

interface PowerdnsRoute {
  readonly method: Route['method'];
  readonly url: string;
  readonly access: Access;
  readonly summary: string;
  readonly params?: TProperties;
  readonly budget?: Route['budget'];
  /** Returns the answer, or the problems. */
  readonly answer: (asked: Asked) => Result<FastifyReply> | Promise<Result<FastifyReply>>;
}

export function powerdnsRoute({ method, url, access, summary, params, budget, answer }: PowerdnsRoute): Route {
  return {
    method,
    url,
    access,
    summary,
    tag: 'zones',
    isHidden: true,
    writes: method !== 'GET',
    answers: {},
    tokenHeaders: ['x-api-key', 'authorization'],
    readZone: parseZoneId,
    anyJson: { bytesMax: POWERDNS_BODY_BYTES_MAX },
    ...(params === undefined ? {} : { params }),
    ...(budget === undefined ? {} : { budget }),
    handle: async (asked) => {
      const answered = await answer(asked);
      return answered.ok ? answered.value : sendProblems(asked.reply, answered.problems);
    },
  };
}

interface ZoneRoute extends Omit<PowerdnsRoute, 'url' | 'params' | 'answer'> {
  /** After the zone's id. */
  readonly below?: string;
  readonly params?: TProperties;
  readonly answer: (asked: ZoneRequest) => Result<FastifyReply> | Promise<Result<FastifyReply>>;
}

/** A request about a zone that is served. */
export interface ZoneRequest extends Asked {
  readonly record: ZoneRecord;
  readonly apex: Name;
}

/** A route below `zones/{zone_id}`. */
export function powerdnsZoneRoute({ below = '', params, answer, ...route }: ZoneRoute): Route {
  return powerdnsRoute({
    ...route,
    url: `${SERVER}/zones/:zone${below}`,
    params: { zone: Type.String({ examples: ['example.com.'] }), ...params },
    answer: (asked) => {
      const name = parseZoneId(textParameter(asked.params, 'zone') ?? '');
      const record = name.ok ? asked.control.zones.find(name.value) : undefined;
      // A name that is none is no zone either.
      if (record === undefined) return fail(noZone(textParameter(asked.params, 'zone') ?? ''));
      return answer({ ...asked, record, apex: nameOf(record.name) });
    },
  });
}

function noZone(text: string): Problem {
  return problem('ZONE_NOT_FOUND', inUrl('zone'), `there is no zone ${text} here`);
}

/** The fields of the body; 400 when there is none, as PowerDNS answers it. */
export function bodyFields({ body }: Asked): Result<Fields> {
  return body === undefined ? fail(problem('BODY_JSON', WHOLE, 'the body is empty')) : ok(fieldsOf(body));
}

/** Gives the command; resolves when the change is durable and served. `?dryRun=1` decides only, as in `/v1`. */
export async function change(asked: Asked, command: Command): Promise<Result<Outcome>> {
  const { actor } = identityOf(asked.request);
  const dryRun = isOn(textParameter(asked.query, 'dryRun'));
  const done = await runCommand({ ...asked, actor, dryRun }, command, { wait: true });
  return done.ok ? ok(done.value.outcome) : done;
}
