/**
 * Requests that were refused, for the audit log: every change that was not made, and every request without the right to
 * it. Dry runs and paths that do not exist are no attempts.
 * Not here: how a flood of them is kept small (control/audit/attempts.ts).
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '#base/problem.ts';
import type { Actor, ControlApi } from '#control/api/control.ts';
import { isRead } from '#admin/http/access.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { originOf, presentedToken, transportOf } from '#admin/http/identity.ts';
import { textParameter } from '#admin/http/names.ts';
import { isOn } from '#admin/http/schemas.ts';

const STATUS_DENIED: ReadonlySet<number> = new Set([401, 403]);

/** Puts the hook on the app. */
export function noteRefusals(app: AdminApp, { audit }: Pick<ControlApi, 'audit'>): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { refusedFor } = request;
    if (refusedFor !== null && isAttempt(request, reply)) audit.refused(attemptOf(request, reply, refusedFor));
    done();
  });
}

function isAttempt(request: FastifyRequest, { statusCode }: FastifyReply): boolean {
  if (STATUS_DENIED.has(statusCode)) return true;
  return !isRead(request) && !request.is404 && !isOn(textParameter(request.query, 'dryRun'));
}

function attemptOf(request: FastifyRequest, { statusCode }: FastifyReply, problems: readonly Problem[]) {
  const { method, routeOptions } = request;
  const route = (routeOptions.url ?? 'unknown path').replaceAll(/:(\w+)/g, '{$1}');
  const zone = textParameter(request.params, 'zone');
  const errors = problems.filter(({ severity }) => severity === 'error');
  return {
    actor: request.identity?.actor ?? strangerOf(request),
    what: `${method} ${route}`,
    ...(zone === undefined ? {} : { zone }),
    codes: [...new Set(errors.map(({ code }) => code))],
    text: `${statusCode} ${errors[0]?.message ?? ''}`,
  };
}

/** The id is what the request says of itself. */
function strangerOf(request: FastifyRequest): Actor {
  const id = presentedToken(request)?.id ?? '';
  return { kind: 'unknown', id, from: originOf(request), transport: transportOf(request) };
}
