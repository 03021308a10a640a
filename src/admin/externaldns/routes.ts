/**
 * ExternalDNS's webhook protocol below `/externaldns`: which zones there are, which records, and changes of them. The
 * token comes as the password of the provider's URL, because ExternalDNS sends nothing else.
 * Implements: ExternalDNS's webhook protocol, version 1; RFC 7617 (Basic), RFC 9110 §12.5.1 (Accept).
 * Not here: endpoints (endpoint.ts), what becomes of changes (changes.ts).
 */
import type { FastifyReply } from 'fastify';
import {
  EXTERNALDNS_ENDPOINTS_MAX,
  PAGE_ITEMS_MAX,
  POWERDNS_BODY_BYTES_MAX,
  SCOPE_PROBLEMS_MAX,
} from '#base/limits/admin.ts';
import { type LogEvent } from '#base/log/events.ts';
import { WHOLE, inHeader } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { formatName, nameOf, ownerKey } from '#dns/name.ts';
import { allows } from '#admin/http/access.ts';
import { runCommand } from '#admin/http/change-route.ts';
import { identityOf } from '#admin/http/identity.ts';
import { sendProblems } from '#admin/http/problems.ts';
import type { Asked, Route } from '#admin/http/route.ts';
import type { SearchPlace } from '#control/api/search.ts';
import { search } from '#admin/search/search.ts';
import { type ZoneChanges, readChanges, zoneOf } from './changes.ts';
import { type EndpointForm, adjusted, endpointForm, isEndpointType } from './endpoint.ts';

/** To the letter: ExternalDNS compares the whole header. */
const MEDIA_TYPE = 'application/external.dns.webhook+json;version=1';
const BASE = '/externaldns';

interface WebhookRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  readonly budget?: Route['budget'];
  readonly answer: (asked: Asked) => Result<FastifyReply> | Promise<Result<FastifyReply>>;
}

function webhookRoute({ method, path, summary, budget, answer }: WebhookRoute): Route {
  return {
    method,
    url: `${BASE}${path}`,
    access: 'zone-list',
    summary,
    tag: 'zones',
    isHidden: true,
    writes: path === '/records' && method === 'POST',
    answers: {},
    tokenHeaders: ['basic', 'authorization'],
    anyJson: { bytesMax: POWERDNS_BODY_BYTES_MAX },
    ...(budget === undefined ? {} : { budget }),
    handle: async (asked) => {
      const wrong = ofWebPage(asked) ?? otherVersion(asked);
      const answered = wrong === undefined ? await answer(asked) : fail(wrong);
      return answered.ok ? answered.value : rejected(asked, answered.problems);
    },
  };
}

/** ExternalDNS logs the status alone: its operator finds the reason here. */
function rejected({ request, reply }: Asked, problems: readonly Problem[]): FastifyReply {
  const event: LogEvent = 'externaldns.rejected';
  const [first] = problems;
  const fields = { event, tokenId: request.identity?.actor.id, code: first?.code };
  const shown = problems.slice(0, SCOPE_PROBLEMS_MAX).map(({ message }) => message);
  const more = problems.length > shown.length ? `; and ${problems.length - shown.length} more` : '';
  request.log.warn(fields, `${shown.join('; ')}${more}`);
  return sendProblems(reply, problems);
}

/** A browser sends a password that it knows with every request, also of a page of another origin. */
function ofWebPage({ request: { headers } }: Asked): Problem | undefined {
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) return undefined;
  return problem('AUTH_SCOPE', inHeader('Origin'), 'this is for ExternalDNS, and a web page has asked');
}

function otherVersion({ request: { headers } }: Asked): Problem | undefined {
  const { accept = '*/*' } = headers;
  const wanted = accept.split(',').map((each) => each.replaceAll(/\s/g, '').replace(/;q=[0-9.]+/, ''));
  if (wanted.some((each) => ['*/*', 'application/*', MEDIA_TYPE].includes(each))) return undefined;
  const what = `only ${MEDIA_TYPE} is spoken here, and ${JSON.stringify(accept.slice(0, 200))} is wanted`;
  return problem('REQUEST', inHeader('Accept'), what, { rfc: 'RFC 9110 §12.5.1' });
}

/** As octets: Fastify adds a charset to text. */
function send(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.header('content-type', MEDIA_TYPE).send(Buffer.from(JSON.stringify(value)));
}

/** Without last dots. */
function zonesToChange({ control, request }: Asked): readonly string[] {
  const identity = identityOf(request);
  const isOwn = (name: string): boolean => allows(identity, 'rrset-change', ownerKey(nameOf(name)));
  const zones = control.zones.list().filter(({ isCatalog, name }) => isCatalog !== true && isOwn(name));
  return zones.map(({ name }) => name.slice(0, -1)).filter((name) => name !== '');
}

function negotiate(asked: Asked): Result<FastifyReply> {
  const include = zonesToChange(asked);
  // Without any ExternalDNS would take all domains of the world for ours.
  if (include.length === 0)
    return fail(problem('AUTH_SCOPE', inHeader('Authorization'), 'this token may change no zone that is here'));
  asked.reply.header('vary', 'Content-Type');
  return ok(send(asked.reply, { include, filters: include, exclude: [] }));
}

async function records({ control, request, reply }: Asked): Promise<Result<FastifyReply>> {
  const endpoints: EndpointForm[] = [];
  const wanted = { matches: (_owner: unknown, { type }: { readonly type: number }) => isEndpointType(type) };
  let from: SearchPlace | undefined;
  do {
    const page = await search(control, identityOf(request), wanted, { from, limit: PAGE_ITEMS_MAX });
    endpoints.push(...page.found.flatMap(({ owner, rrset }) => endpointForm(owner, rrset) ?? []));
    if (endpoints.length > EXTERNALDNS_ENDPOINTS_MAX) return fail(tooMany());
    from = page.next;
  } while (from !== undefined && !reply.raw.destroyed);
  return ok(send(reply, endpoints));
}

function tooMany(): Problem {
  const what = `the zones of this token have more than ${EXTERNALDNS_ENDPOINTS_MAX} RRsets, and it holds all`;
  return problem('FIELD_VALUE', WHOLE, what, { fix: 'give it a token for fewer zones' });
}

function adjust({ control, body, reply }: Asked): Result<FastifyReply> {
  if (!Array.isArray(body)) return fail(problem('FIELD_VALUE', WHOLE, 'the body is no list of endpoints'));
  const isApex = (name: Uint8Array): boolean => zoneOf(name, control)?.name === formatName(name).toLowerCase();
  return ok(
    send(
      reply,
      body.map((each: unknown) => adjusted(each, isApex)),
    ),
  );
}

async function apply(asked: Asked): Promise<Result<FastifyReply>> {
  const changes = readChanges(asked.body, asked.control);
  if (!changes.ok) return changes;
  // Of several zones each is decided first: a mistake in one of them changes nothing in the others.
  const rounds = changes.value.length > 1 ? [true, false] : [false];
  for (const dryRun of rounds)
    for (const zone of changes.value) {
      const done = await changeZone(asked, zone, dryRun);
      if (!done.ok) return done;
    }
  return ok(asked.reply.status(204).send());
}

async function changeZone(
  asked: Asked,
  { record, operations }: ZoneChanges,
  dryRun: boolean,
): Promise<Result<unknown>> {
  const { actor } = identityOf(asked.request);
  const command = { kind: 'rrsets.change', zone: nameOf(record.name), operations } as const;
  return runCommand({ ...asked, actor, dryRun }, command, { wait: true });
}

export function externaldnsRoutes(): readonly Route[] {
  const negotiation = { method: 'GET', summary: 'Say which zones there are', answer: negotiate } as const;
  return [
    webhookRoute({ ...negotiation, path: '' }),
    webhookRoute({ ...negotiation, path: '/' }),
    webhookRoute({ method: 'GET', path: '/records', summary: 'List endpoints', budget: 'searches', answer: records }),
    webhookRoute({ method: 'POST', path: '/records', summary: 'Change endpoints', answer: apply }),
    webhookRoute({ method: 'POST', path: '/adjustendpoints', summary: 'Write endpoints as here', answer: adjust }),
    {
      ...webhookRoute({
        method: 'GET',
        path: '/healthz',
        summary: 'Say that the server is there',
        answer: ({ reply }) => ok(reply.type('text/plain').send('ok\n')),
      }),
      access: 'public',
    },
  ];
}
