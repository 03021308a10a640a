/**
 * A route of the API as a value: method and URL, who may use it, how OpenAPI describes it, and what it does. Lists of
 * such values are what the app serves and what tests go through.
 * Not here: how routes that only read, that write, and that change a zone are made (read-route.ts, write-route.ts,
 * change-route.ts).
 */
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import type { RateLimitOptions } from '@fastify/rate-limit';
import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import type { Result } from '#base/problem.ts';
import type { Name } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { Access } from './access.ts';
import type { AdminApp } from './admin-app.ts';
import type { BudgetName } from './budgets.ts';
import { given } from './form.ts';
import { checkTexts } from './hidden-text.ts';
import type { TokenHeader } from './identity.ts';
import type { Tag } from './tags.ts';
import { acceptAnyJson } from './json-body.ts';
import { sendProblems } from './problems.ts';
import { type Answer, closed } from './schemas.ts';

/** A request whose parameters and body its route's schemas have passed. */
export interface Asked<P = unknown, Q = unknown, B = unknown> {
  readonly control: ControlApi;
  readonly params: P;
  readonly query: Q;
  /** Octets where the route takes `octets`. */
  readonly body: B;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/**
 * What the schemas of a path or query let through. Functions of a route ask for these types. The helpers that make
 * routes of every type cast those functions to `unknown` parameters; that is sound, because the app has checked each
 * request against the same schemas.
 */
export type Values<P extends TProperties> = Static<TObject<P>>;

/** A body that is not JSON. Elsewhere its media types are answered 415, and here every other one is. */
interface OctetBody {
  readonly types: readonly string[];
  readonly bytesMax: number;
  readonly description: string;
  readonly example: string;
}

/** What every kind of route says of itself. */
export interface RouteParts<P extends TProperties, Q extends TProperties, B extends TSchema> {
  /** As Fastify has it: `:zone` for a parameter. */
  readonly url: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** Parameters of the path, each with an example. */
  readonly params?: P;
  /** Parameters of the query, and no others; absent: the query is not looked at. */
  readonly query?: Q;
  readonly headers?: TSchema;
  readonly body?: B;
  /** A body that the route accepts; OpenAPI shows it. */
  readonly example?: NoInfer<Static<B>>;
  /** Pointers of texts whose line breaks the route judges itself: PEM, record data; `*` is any step. */
  readonly multiline?: readonly string[];
  readonly octets?: OctetBody;
  /** A body of JSON in whatever type a client states for it, up to so many octets; the route looks at what is in it. */
  readonly anyJson?: { readonly bytesMax: number };
  /** How the zone in the path is read; absent: as in `/v1`. */
  readonly readZone?: (text: string) => Result<Name>;
  /** It is of another program's API, and not in our description. */
  readonly isHidden?: boolean;
  /** Headers that can carry the token; absent: the Authorization header. */
  readonly tokenHeaders?: readonly TokenHeader[];
  /** What each request takes a share of, for as long as it is under way. */
  readonly budget?: BudgetName;
  /** Instead of the limit for all routes. */
  readonly rateLimit?: RateLimitOptions | false;
  /**
   * Which conditions of RFC 9110 §13 it takes: `read` answers 304 to If-None-Match, `change` looks at If-Match and
   * If-None-Match; absent: none.
   */
  readonly conditional?: 'read' | 'change';
  /** False for an answer without end: there is no HEAD beside the GET. */
  readonly hasHead?: boolean;
}

export interface Route extends RouteParts<TProperties, TProperties, TSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly access: Access;
  /** True when a request without `?dryRun` changes what is stored or exported. */
  readonly writes: boolean;
  /** Answers by status. */
  readonly answers: Readonly<Record<number, Answer>>;
  readonly handle: (asked: Asked) => FastifyReply | Promise<FastifyReply>;
}

/** Serves `route`. */
export function addRoute(app: AdminApp, control: ControlApi, route: Route): void {
  const { method, url, access, octets, multiline, budget, tokenHeaders, rateLimit, hasHead, anyJson, readZone } = route;
  if (octets !== undefined) acceptOctets(app, octets);
  if (anyJson !== undefined) acceptAnyJson(app);
  app.route({
    method,
    url,
    ...given({ bodyLimit: octets?.bytesMax ?? anyJson?.bytesMax, exposeHeadRoute: hasHead }),
    config: { access, ...given({ bodyTypes: octets?.types, tokenHeaders, rateLimit, readZone }) },
    schema: schemaOf(route),
    handler: (request, reply) => {
      const { params, query, body } = request;
      const hidden = checkTexts({ params, query, body }, multiline);
      if (hidden.length > 0) return sendProblems(reply, hidden);
      const refusal = budget === undefined ? undefined : app.budgets.take(budget, request, reply);
      if (refusal !== undefined) return sendProblems(reply, [refusal]);
      return route.handle({ control, params, query, body, request, reply });
    },
  });
}

/** Bodies of this scope come as octets, in these types only. */
function acceptOctets(app: AdminApp, { types, bytesMax }: OctetBody): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...types], { parseAs: 'buffer', bodyLimit: bytesMax }, (_request, body, done) => {
    done(null, body);
  });
}

function schemaOf(route: Route): FastifySchema {
  const { access, tag, summary, description, params, query, headers, answers } = route;
  return {
    summary,
    tags: [tag],
    response: answers,
    ...given({
      description,
      hide: route.isHidden,
      security: access === 'public' ? [] : undefined,
      params: params && closed(params),
      querystring: query && closed(query),
      headers,
      body: bodySchema(route),
    }),
  };
}

function bodySchema({ body, example, octets }: Route): object | undefined {
  if (octets !== undefined)
    return { content: Object.fromEntries(octets.types.map((type) => [type, { schema: octetSchema(octets, type) }])) };
  return body === undefined || example === undefined ? body : { ...body, examples: [example] };
}

/** The example is in the first type. Every value passes: the route looks at the octets itself. */
function octetSchema({ types, description, example }: OctetBody, type: string): TSchema {
  return Type.Unknown({ description, ...(type === types[0] ? { examples: [example] } : {}) });
}
