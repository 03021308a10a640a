/**
 * What the schemas of a route do not say of its operation: its name, what the token must open, conditional headers and
 * those of answers, and every status with the problem codes that it can have.
 * Implements: OpenAPI 3.1 §4.8.10 (operations), §4.8.16 (responses); RFC 9110 §13.1 (conditions).
 */
import { STATUS_CODES } from 'node:http';
import { assert } from '#base/assert.ts';
import { type ProblemCode, problemKind } from '#base/problem-codes.ts';
import type { Route } from '#admin/http/route.ts';
import { ProblemDocument } from '#admin/http/schemas.ts';
import { operationIdOf, pascal } from './operation-id.ts';
import { problemCodesOf } from './problem-codes-of.ts';
import { type Tree, branch, isTree } from './tree.ts';

/** Changes `document` in place. */
export function completeOperations(document: Tree, routes: readonly Route[]): void {
  const components = branch(document, 'components');
  Object.assign(branch(components, 'headers'), HEADERS);
  Object.assign(branch(components, 'parameters'), CONDITIONS);
  const shared: SharedResponses = { made: branch(components, 'responses'), names: new Map() };
  const ids = new Set<string>();
  for (const route of routes.filter(({ isHidden }) => isHidden !== true)) {
    const methods = branch(branch(document, 'paths'), route.url.replaceAll(/:([A-Za-z]+)/g, '{$1}'));
    const operation = branch(methods, route.method.toLowerCase());
    const operationId = operationIdOf(route.method, route.url);
    assert(!ids.has(operationId), `two operations are called ${operationId}`);
    ids.add(operationId);
    Object.assign(operation, { operationId, security: securityOf(route) });
    addConditions(operation, route);
    nameOctets(operation, route);
    describeGood(branch(operation, 'responses'), route);
    addProblems(branch(operation, 'responses'), route, shared);
  }
}

function securityOf({ access, tokenHeaders }: Route): readonly Tree[] {
  if (access === 'public') return [];
  return [{ token: [access] }, ...(tokenHeaders?.includes('x-vault-token') === true ? [{ vaultToken: [access] }] : [])];
}

const header = (description: string, example: string | number): Tree => ({
  description,
  schema: { type: typeof example === 'number' ? 'integer' : 'string' },
  example,
});

const HEADERS = {
  ETag: header('tag of the resource (RFC 9110 §8.8.3)', '"r42"'),
  Location: header('where the resource is that was created', '/v1/zones/example.com'),
  Link: header('the next page of the list, when there is one (RFC 8288 §3)', '</v1/zones?cursor=…>; rel="next"'),
  RetryAfter: header('seconds after which the request may be sent again (RFC 9110 §10.2.3)', 10),
};

const CONDITIONS = {
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    schema: { type: 'string' },
    example: '"r42"',
    description: 'change only if the resource has one of these tags, or is there (`*`); else 412 (RFC 9110 §13.1.1)',
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    schema: { type: 'string', enum: ['*'] },
    example: '*',
    description: 'change only if the resource is not there yet; else 412 (RFC 9110 §13.1.2)',
  },
  IfNoneMatchTag: {
    name: 'If-None-Match',
    in: 'header',
    schema: { type: 'string' },
    example: '"r42"',
    description: 'tags that the client has; 304 when the resource still has one of them (RFC 9110 §13.1.2)',
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    schema: { type: 'string', minLength: 16, maxLength: 257 },
    example: '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
    description:
      'a key of this change, such as a UUID: sent again with the same request within a day, it is answered as before ' +
      'and not carried out a second time; with another request 422',
  },
} as const;

const reference = (part: string, name: string): Tree => ({ $ref: `#/components/${part}/${name}` });

function addConditions(operation: Tree, { conditional, writes }: Route): void {
  const names = [
    ...(conditional === 'read' ? ['IfNoneMatchTag'] : []),
    ...(conditional === 'change' ? ['IfMatch', 'IfNoneMatch'] : []),
    ...(writes ? ['IdempotencyKey'] : []),
  ];
  if (names.length === 0) return;
  const given: unknown = operation['parameters'];
  operation['parameters'] = [
    ...(Array.isArray(given) ? given : []),
    ...names.map((name) => reference('parameters', name)),
  ];
}

/** Texts are strings for generated clients; other octets are whatever the client has. */
function nameOctets(operation: Tree, { octets }: Route): void {
  if (octets === undefined) return;
  for (const [type, media] of Object.entries(branch(branch(operation, 'requestBody'), 'content'))) {
    const isText = /^(?:text\/|message\/)|[/+](?:xml|json)$/.test(type);
    if (isTree(media)) Object.assign(branch(media, 'schema'), isText ? { type: 'string' } : { format: 'binary' });
  }
}

/** What the statuses of success mean, and their headers. */
function describeGood(responses: Tree, { conditional, query, access }: Route): void {
  for (const [status, answer] of Object.entries(responses)) {
    if (!isTree(answer)) continue;
    if (answer['description'] === 'Default Response')
      answer['description'] = GOOD[status] ?? STATUS_CODES[status] ?? status;
    const names = [
      ...(conditional === undefined ? [] : (['ETag'] as const)),
      ...(conditional === 'read' && query !== undefined && 'cursor' in query ? (['Link'] as const) : []),
      ...(status === '201' ? (['Location'] as const) : []),
    ];
    if (names.length > 0)
      answer['headers'] = Object.fromEntries(names.map((name) => [name, reference('headers', name)]));
  }
  if (conditional === 'read' && access !== 'public')
    responses['304'] = { description: 'the client has it already', headers: { ETag: reference('headers', 'ETag') } };
}

const GOOD: Readonly<Record<string, string>> = {
  200: 'done, or what was asked for',
  201: 'created',
  202: 'durable, but not yet served by every worker',
};

/** One response for each status that a problem can have, with the codes; the same one for routes that share them. */
function addProblems(responses: Tree, route: Route, shared: SharedResponses): void {
  const byStatus = Map.groupBy(problemCodesOf(route), (code) => problemKind(code).status);
  for (const [status, codes] of [...byStatus].toSorted(([a], [b]) => a - b)) {
    if (responses[String(status)] !== undefined) continue;
    const name = sharedName(status, codes, route, shared);
    responses[String(status)] = reference('responses', name);
  }
}

interface SharedResponses {
  /** By name, as they stand in the document. */
  readonly made: Tree;
  /** JSON → name. */
  readonly names: Map<string, string>;
}

/** The name of the response of `shared` that has just these codes; made when there is none. */
function sharedName(status: number, codes: readonly ProblemCode[], route: Route, shared: SharedResponses): string {
  const made = problemResponse(status, codes);
  const text = JSON.stringify(made);
  const known = shared.names.get(text);
  if (known !== undefined) return known;
  const phrase = pascal(STATUS_CODES[status] ?? 'Problem');
  const free = [
    phrase,
    `${phrase}Of${pascal(route.tag)}`,
    `${phrase}Of${pascal(operationIdOf(route.method, route.url))}`,
  ];
  const name = free.find((each) => !(each in shared.made));
  assert(name !== undefined, 'a response without a name');
  shared.made[name] = made;
  shared.names.set(text, name);
  return name;
}

function problemResponse(status: number, codes: readonly ProblemCode[]): Tree {
  const schema = {
    allOf: [
      structuredClone(ProblemDocument),
      { type: 'object', properties: { status: { const: status }, code: { type: 'string', enum: codes } } },
    ],
  };
  const waits =
    status === 429 || status === 503 ? { headers: { 'Retry-After': reference('headers', 'RetryAfter') } } : {};
  return { description: meaning(status, codes), ...waits, content: { 'application/problem+json': { schema } } };
}

/** Few codes have their meaning here; for many there is docs/errors.md. */
function meaning(status: number, codes: readonly ProblemCode[]): string {
  const phrase = STATUS_CODES[status] ?? String(status);
  if (codes.length > 12) return `${phrase}: what the request brings or asks for is not possible`;
  return `${phrase}: ${codes.map((code) => `\`${code}\` ${problemKind(code).title}`).join('; ')}`;
}
