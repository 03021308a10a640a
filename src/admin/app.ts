/**
 * The admin API: one Fastify app for the TCP listener and the Unix socket.
 * Not here: listening (admin/http/listen.ts), who may do what (admin/http/access.ts), the resources (admin/v1/, one file each).
 */
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import { fastify, type FastifyBaseLogger } from 'fastify';
import { getHeapStatistics } from 'node:v8';
import { clientNetwork } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import {
  API_REQUESTS_PER_MINUTE_MAX,
  JSON_BODY_BYTES_MAX,
  URL_PARAMETER_CHARACTERS_MAX,
  ZONE_FILE_BYTES_MAX,
} from '#base/limits/limits.ts';
import { WHOLE } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { productVersion } from '#base/version.ts';
import type { ControlApi } from '#control/api/control.ts';
import { guard, isUnixConnection } from '#admin/http/access.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { acceptJson } from '#admin/http/json-body.ts';
import { describeApi } from '#admin/http/openapi.ts';
import { handleError, problemError, sendProblems } from '#admin/http/problems.ts';
import { RouteTable } from '#admin/http/route-table.ts';
import { auditRoutes } from '#admin/v1/audit.ts';
import { changesRoutes } from '#admin/v1/changes.ts';
import { dnssecRoutes } from '#admin/v1/dnssec.ts';
import { EVENT_TIMES, eventsRoutes, type EventTimes } from '#admin/v1/events.ts';
import { healthRoutes } from '#admin/v1/health.ts';
import { mailLifeRoutes } from '#admin/v1/mail/orders.ts';
import { mailReportsRoutes } from '#admin/v1/mail/reports.ts';
import { mailRoutes } from '#admin/v1/mail/policy.ts';
import { queryRoutes } from '#admin/v1/query.ts';
import { rrsetRoutes } from '#admin/v1/rrset.ts';
import { rrsetsRoutes } from '#admin/v1/rrsets.ts';
import { signersRoutes } from '#admin/v1/mail/signers.ts';
import { spfRoutes } from '#admin/v1/mail/spf.ts';
import { statusRoutes } from '#admin/v1/status.ts';
import { tlsaRoutes } from '#admin/v1/mail/tlsa.ts';
import { tokensRoutes } from '#admin/v1/tokens.ts';
import { zonefileRoutes } from '#admin/v1/zonefile.ts';
import { zoneRoutes } from '#admin/v1/zones.ts';
import { compileValidator } from '#admin/http/validate.ts';

/** Every resource; a new one is its file and a line here. */
const RESOURCES: readonly ((
  app: AdminApp,
  control: ControlApi,
  options: { readonly zoneFileBytesMax: number; readonly eventTimes: EventTimes },
) => void)[] = [
  zoneRoutes,
  zonefileRoutes,
  rrsetsRoutes,
  rrsetRoutes,
  changesRoutes,
  dnssecRoutes,
  mailRoutes,
  mailLifeRoutes,
  mailReportsRoutes,
  tlsaRoutes,
  queryRoutes,
  spfRoutes,
  signersRoutes,
  statusRoutes,
  tokensRoutes,
  auditRoutes,
  eventsRoutes,
  healthRoutes,
];

export interface AdminOptions {
  readonly control: ControlApi;
  /** Requests are logged without headers and bodies; none: silent. */
  readonly logger?: FastifyBaseLogger;
  readonly zoneFileBytesMax?: number;
  readonly requestsPerMinuteMax?: number;
  /** Of streams of events; a test makes them short. */
  readonly eventTimes?: EventTimes;
}

/** The app, ready to be given requests. */
export async function buildAdmin({
  control,
  logger,
  zoneFileBytesMax = ZONE_FILE_BYTES_MAX,
  requestsPerMinuteMax = API_REQUESTS_PER_MINUTE_MAX,
  eventTimes = EVENT_TIMES,
}: AdminOptions): Promise<AdminApp> {
  const app: AdminApp = fastify({
    ...(logger === undefined ? { logger: false } : { loggerInstance: logger }),
    bodyLimit: JSON_BODY_BYTES_MAX,
    // Whoever connects is whom the socket says: X-Forwarded-* is never believed.
    trustProxy: false,
    routerOptions: { maxParamLength: URL_PARAMETER_CHARACTERS_MAX, ignoreTrailingSlash: false },
    return503OnClosing: true,
    frameworkErrors: (error, request, reply) => {
      handleError(error, request, reply);
    },
  });
  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler(handleError);
  acceptJson(app);

  const routes = new RouteTable();
  app.addHook('onRoute', (route) => {
    // swagger-ui's own routes: pages and scripts of the API's description, nothing of the zones.
    if (route.url.startsWith('/docs')) route.config = { ...route.config, access: 'public' };
    assert(route.config?.access !== undefined, `route ${route.url} says who may use it`);
    routes.add(route.method, route.url);
  });

  await app.register(helmet, {
    // Plain HTTP: what follows would send browsers to an https:// that nobody serves.
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    hsts: false,
  });
  await app.register(rateLimit, {
    max: requestsPerMinuteMax,
    timeWindow: 60_000,
    keyGenerator: (request) => (isUnixConnection(request) ? 'unix' : clientNetwork(request.ip)),
    allowList: isUnixConnection,
    errorResponseBuilder: (_request, context) =>
      problemError([problem('RATE_LIMIT', WHOLE, `too many requests from this address; wait ${Math.ceil(context.ttl / 1000)} s`)]),
  });
  // Memory only: one large import keeps the event loop busy for seconds, and refusing what comes after it would help nobody.
  await app.register(underPressure, {
    maxHeapUsedBytes: getHeapStatistics().heap_size_limit * 0.9,
    pressureHandler: (request, reply) => {
      if (request.routeOptions.config.access === 'public') return;
      reply.header('retry-after', '10');
      sendProblems(reply, [problem('OVERLOADED', WHOLE, 'the control process is short of memory; DNS answers are not affected')]);
    },
  });
  guard(app, control);
  await describeApi(app, productVersion());

  for (const addRoutes of RESOURCES) {
    await app.register((scope: AdminApp, _options, done) => {
      addRoutes(scope, control, { zoneFileBytesMax, eventTimes });
      done();
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const allowed = routes.methodsOf(request.url);
    if (allowed.length === 0)
      return sendProblems(reply, [problem('ROUTE_NOT_FOUND', WHOLE, `there is no ${request.url.split('?')[0]}`, { fix: 'see /docs' })]);
    reply.header('allow', allowed.join(', '));
    return sendProblems(reply, [problem('METHOD_NOT_ALLOWED', WHOLE, `${request.method} is not possible here; ${allowed.join(', ')} are`)]);
  });
  await app.ready();
  return app;
}
