/**
 * The admin API: one Fastify app for the TCP listener and the Unix socket.
 * Not here: listening (http/listen.ts), who may do what (http/access.ts), the routes (routes.ts).
 */
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import { fastify, type FastifyBaseLogger, LogController } from 'fastify';
import { getHeapStatistics } from 'node:v8';
import { clientNetwork } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import {
  API_REQUESTS_PER_MINUTE_MAX,
  API_TOKENS_PER_ADDRESS,
  JSON_BODY_BYTES_MAX,
  URL_PARAMETER_CHARACTERS_MAX,
  ZONE_FILE_BYTES_MAX,
} from '#base/limits/admin.ts';
import { type LogEvent } from '#base/log/events.ts';
import { WHOLE } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { productVersion } from '#base/version.ts';
import type { ControlApi } from '#control/api/control.ts';
import { type GuardOptions, guard, isRead } from '#admin/http/access.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { AllowedMethods } from '#admin/http/allowed-methods.ts';
import { isUnixConnection } from '#admin/http/identity.ts';
import { acceptJson } from '#admin/http/json-body.ts';
import { handleError, problemError, sendProblems } from '#admin/http/problems.ts';
import { noteRefusals } from './refusals.ts';
import { addRoute } from '#admin/http/route.ts';
import { compileValidator } from '#admin/http/validate.ts';
import { RequestCounts } from './request-counts.ts';
import { Budgets } from '#admin/http/budgets.ts';
import { limitBodies } from '#admin/http/body-octets.ts';
import { keepAnswers, storeAnswers } from '#admin/idempotency/idempotency-key.ts';
import { describeApi } from '#admin/openapi/openapi.ts';
import { externaldnsRoutes } from '#admin/externaldns/routes.ts';
import { POWERDNS } from '#admin/powerdns/dialect.ts';
import { powerdnsRoutes } from '#admin/powerdns/routes.ts';
import { checkForwarded, proxyTest } from './forwarded.ts';
import { rejectOtherHosts } from './known-hosts.ts';
import { type RouteOptions, adminRoutes } from './routes.ts';
import { originForm, rejectOddRequests, withoutTokens } from './strict-requests.ts';

export interface AdminOptions extends RouteOptions {
  readonly control: ControlApi;
  /** Requests are logged without headers and bodies; none: silent. */
  readonly logger?: FastifyBaseLogger;
  readonly requestsPerMinuteMax?: number;
  /** Whose process opened a connection of the Unix socket, for the audit log; absent: it is not known. */
  readonly socketUser?: GuardOptions['socketUser'];
  /** Large bodies wait here while they come in; see http/body-octets.ts. */
  readonly bodyFolder?: string;
  /** Names with a dot that clients reach this server by; it has its addresses and names without a dot anyway. */
  readonly hosts?: readonly string[];
  /** Networks of proxies whose X-Forwarded-For is believed; none: the client is who the socket says. */
  readonly trustedProxies?: readonly string[];
  /** The PowerDNS-compatible API below `/api`; there unless it is false. */
  readonly hasPowerdns?: boolean;
  /** ExternalDNS's webhook protocol below `/externaldns`; there if it is true. */
  readonly hasExternaldns?: boolean;
}

/** The app, ready to be given requests. */
export async function buildAdmin(options: AdminOptions): Promise<AdminApp> {
  const { control, logger, requestsPerMinuteMax = API_REQUESTS_PER_MINUTE_MAX, hasPowerdns = true } = options;
  const externaldns = options.hasExternaldns === true ? externaldnsRoutes() : [];
  const others = [...(hasPowerdns ? powerdnsRoutes() : []), ...externaldns];
  const isProxy = proxyTest(options.trustedProxies ?? []);
  const app = newApp(logger, isProxy);
  app.decorate('dialect', hasPowerdns ? POWERDNS : null);
  await addBrowserHeaders(app);
  rejectOddRequests(app);
  checkForwarded(app, isProxy);
  rejectOtherHosts(app, options.hosts ?? []);
  const methods = checkRoutes(app);
  await protect(app, requestsPerMinuteMax);
  guard(app, control, { requestsPerMinuteMax, socketUser: options.socketUser });
  noteRefusals(app, control);
  app.decorate('budgets', new Budgets(options.zoneFileBytesMax ?? ZONE_FILE_BYTES_MAX));
  limitBodies(app, options.bodyFolder);
  storeAnswers(app, control);
  const routes = adminRoutes(options).map(keepAnswers);
  await describeApi(app, productVersion(), routes);
  for (const route of [...routes, ...others]) {
    // A scope for each: what a route with a body of its own kind does to the parsers stays there.
    await app.register((scope: AdminApp, _options, done) => {
      addRoute(scope, control, route);
      done();
    });
  }
  answerUnknownPaths(app, methods);
  await app.ready();
  return app;
}

function newApp(logger: FastifyBaseLogger | undefined, isProxy: (address: string | undefined) => boolean): AdminApp {
  const app: AdminApp = fastify({
    ...(logger === undefined ? { logger: false } : { loggerInstance: logger }),
    // One line for each request, below, in place of Fastify's two.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: JSON_BODY_BYTES_MAX,
    // The client is who the socket says, and who a configured proxy says; nothing else of X-Forwarded-* is looked at.
    trustProxy: isProxy,
    routerOptions: { maxParamLength: URL_PARAMETER_CHARACTERS_MAX, ignoreTrailingSlash: false },
    return503OnClosing: true,
    rewriteUrl: ({ url = '/' }) => originForm(url),
    frameworkErrors: (error, request, reply) => {
      // Before any hook: a URL that cannot be read.
      reply.headers({ 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' });
      handleError(error, request, reply);
    },
  });
  app.decorateRequest('refusedFor', null);
  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler(handleError);
  logRequests(app);
  acceptJson(app);
  return app;
}

/** Makes sure that every route that is added says who may use it; gives the methods of all of them. */
function checkRoutes(app: AdminApp): AllowedMethods {
  const methods = new AllowedMethods();
  app.addHook('onRoute', (route) => {
    // swagger-ui's own routes: pages and scripts of the API's description, nothing of the zones.
    if (route.url.startsWith('/docs')) route.config = { ...route.config, access: 'public' };
    assert(route.config?.access !== undefined, `route ${route.url} says who may use it`);
    methods.add(route.method, route.url);
  });
  return methods;
}

/** Headers for browsers, on every answer: call before any hook that may answer. */
async function addBrowserHeaders(app: AdminApp): Promise<void> {
  await app.register(helmet, {
    // The server speaks plain HTTP: these headers would send browsers to an https:// address that does not exist.
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    hsts: false,
  });
}

/** Limits against too many requests. */
async function protect(app: AdminApp, requestsPerMinuteMax: number): Promise<void> {
  await app.register(rateLimit, {
    max: requestsPerMinuteMax * API_TOKENS_PER_ADDRESS,
    timeWindow: 60_000,
    keyGenerator: (request) => (isUnixConnection(request) ? 'unix' : clientNetwork(request.ip)),
    allowList: isUnixConnection,
    errorResponseBuilder: (_request, context) =>
      problemError([problem('RATE_LIMIT', WHOLE, `too many requests from this address; wait ${Math.ceil(context.ttl / 1000)} s`)]),
  });
  // Memory only: one large import keeps the event loop busy for seconds, and to reject the requests that follow it
  // would not help.
  await app.register(underPressure, {
    maxHeapUsedBytes: getHeapStatistics().heap_size_limit * 0.9,
    pressureHandler: (request, reply) => {
      if (request.routeOptions.config.access === 'public') return;
      reply.header('retry-after', '10');
      sendProblems(reply, [problem('OVERLOADED', WHOLE, 'the control process is short of memory; DNS answers are not affected')]);
    },
  });
}

function answerUnknownPaths(app: AdminApp, methods: AllowedMethods): void {
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods.methodsOf(request.url);
    // A path of ours below which there is nothing of that name has its method all the same.
    if (allowed.length === 0 || allowed.includes(request.method))
      return sendProblems(reply, [problem('ROUTE_NOT_FOUND', WHOLE, `there is no ${request.url.split('?')[0]}`, { fix: 'see /docs' })]);
    reply.header('allow', allowed.join(', '));
    return sendProblems(reply, [problem('METHOD_NOT_ALLOWED', WHOLE, `${request.method} is not possible here; ${allowed.join(', ')} are`)]);
  });
}

/** One event for each request: what changes something at level info, reads and probes at level debug. */
function logRequests(app: AdminApp): void {
  app.decorate('requestCounts', new RequestCounts());
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const url = withoutTokens(request.url);
    // Null: a public route, or a sender that was rejected.
    const tokenId = request.identity?.actor.id;
    const ms = Math.round(reply.elapsedTime);
    app.requestCounts.answered(request, reply.statusCode, reply.elapsedTime);
    const event: LogEvent = 'http.request';
    const fields = { event, method, url, status: reply.statusCode, ms, client: request.ip, tokenId };
    request.log[isRead(request) ? 'debug' : 'info'](fields, `${method} ${url.split('?')[0]} ${reply.statusCode}`);
    done();
  });
}
