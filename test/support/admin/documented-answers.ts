/**
 * Every answer that a test gets from the admin app is compared with the app's own description: its status is one that the operation has, and the
 * code of a problem is one that stands there.
 */
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { assert } from '#base/assert.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { operationIdOf } from '#admin/openapi/operation-id.ts';
import { problemCodesOf } from '#admin/openapi/problem-codes-of.ts';
import { adminRoutes } from '#admin/routes.ts';
import { NOT_PLAYED } from './fake-control.ts';

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

const ROUTES = adminRoutes().map((route) => ({
  id: operationIdOf(route.method, route.url),
  method: route.method,
  pattern: new RegExp(`^${route.url.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`),
  good: new Set([...Object.keys(route.answers).map(Number), ...(route.conditional === 'read' ? [304] : [])]),
  codes: new Set<string>(problemCodesOf(route)),
}));

/** Throws when the answer to the request is not one that the description has. */
export function checkDocumented(method: string, url: string, { statusCode, headers, body }: Answer): void {
  // As it is sent: a client takes `..` away.
  const path = new URL(url, 'http://localhost').pathname;
  const route = ROUTES.find((each) => (each.method === method || (method === 'HEAD' && each.method === 'GET')) && each.pattern.test(path));
  if (route === undefined || route.good.has(statusCode)) return;
  assert(headers['content-type'] === 'application/problem+json', `${route.id} answers ${statusCode}, which its description does not have`);
  if (method === 'HEAD') return;
  const { code, status, detail } = JSON.parse(body) as { readonly code: string; readonly status: number; readonly detail: string };
  if (detail === NOT_PLAYED) return;
  assert(route.codes.has(code), `${route.id} answers ${code}, which its description does not have`);
  assert(status === statusCode, `${code} is answered with ${statusCode}`);
}

/** Compares every answer of `inject` from now on. */
export function watchAnswers(app: AdminApp): void {
  const inject = app.inject.bind(app);
  const watched = async (given: InjectOptions | string): Promise<LightMyRequestResponse> => {
    const { method = 'GET', url, path } = typeof given === 'string' ? { url: given } : given;
    const answer = await inject(given);
    const asked = url ?? path;
    if (typeof asked === 'string') checkDocumented(method.toUpperCase(), asked, answer);
    return answer;
  };
  Object.assign(app, { inject: watched });
}
