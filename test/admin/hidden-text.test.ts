/** Characters that forge rows, in every text of every route that writes: made from the table of routes and their schemas. */
import { describe, expect, test, vi } from 'vitest';
import { adminRoutes } from '#admin/routes.ts';
import type { Route } from '#admin/http/route.ts';
import { MailPolicySchema } from '#mail/policy/schema.ts';
import { type ProblemBody, bench } from '../support/admin/bench.ts';
import { exampleServer } from '../support/admin/example-server.ts';

/** A cursor movement, the separators of Unicode, and what turns the direction of text. */
const HIDDEN = ['\u001b', '\u007f', '\u0085', '\u009b', '\u2028', '\u2029', '\u200f', '\u202e', '\u2066', '\u061c'];

interface Field {
  readonly pointer: string;
  readonly body: unknown;
}

type Schema = Readonly<Record<string, unknown>>;
const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null;
const propertiesOf = (schema: Schema): readonly (readonly [string, Schema])[] =>
  Object.entries(isSchema(schema['properties']) ? schema['properties'] : {}).filter((each): each is [string, Schema] => isSchema(each[1]));

/** A value that the schema lets through. */
function sample(schema: Schema): unknown {
  const branch: unknown = Array.isArray(schema['anyOf']) ? schema['anyOf'][0] : undefined;
  if (isSchema(branch)) return sample(branch);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  if (schema['type'] === 'array') return [sample(isSchema(schema['items']) ? schema['items'] : {})];
  if (schema['type'] === 'object') {
    const required = Array.isArray(schema['required']) ? schema['required'] : [];
    return Object.fromEntries(
      propertiesOf(schema)
        .filter(([name]) => required.includes(name))
        .map(([name, each]) => [name, sample(each)]),
    );
  }
  return schema['type'] === 'integer' ? 1 : schema['type'] === 'boolean' ? true : 'x';
}

/** Each text of a body of this schema, with `text` at its place. */
function fields(schema: Schema, text: string, pointer = ''): Field[] {
  if (Array.isArray(schema['anyOf'])) return schema['anyOf'].filter(isSchema).flatMap((each) => fields(each, text, pointer));
  if (schema['type'] === 'string' && !('const' in schema) && !('enum' in schema)) return [{ pointer, body: text }];
  if (schema['type'] === 'array' && isSchema(schema['items']))
    return fields(schema['items'], text, `${pointer}/0`).map((each) => ({ ...each, body: [each.body] }));
  const pattern: unknown = isSchema(schema['patternProperties']) ? Object.values(schema['patternProperties'])[0] : undefined;
  const members = isSchema(pattern) ? [['mx1', pattern] as const] : propertiesOf(schema);
  const base = sample(schema);
  return members.flatMap(([name, each]) =>
    fields(each, text, `${pointer}/${name}`).map((found) => ({ ...found, body: { ...(isSchema(base) ? base : {}), [name]: found.body } })),
  );
}

const POLICY_ROUTE = 'PUT /v1/zones/:zone/mail';
const nameOf = ({ method, url }: Route) => `${method} ${url}`;
const bodyOf = (route: Route): Schema => ({ ...(nameOf(route) === POLICY_ROUTE ? MailPolicySchema : route.body) });
const WRITING = adminRoutes().filter(({ writes }) => writes);

test('the routes have as many texts in their bodies as this test looks at', () => {
  const pointers = WRITING.flatMap((route) => fields(bodyOf(route), 'x').map(({ pointer }) => `${nameOf(route)} ${pointer}`));
  expect(pointers.length).toBeGreaterThan(60);
  for (const expected of [
    'POST /v1/tokens /name',
    'POST /v1/zones /contact',
    'POST /v1/signers /files/folder',
    'POST /v1/zones/:zone/mail/orders /reason',
    'PATCH /v1/zones/:zone/rrsets /0/records/0',
    'PUT /v1/zones/:zone/mail /dane/hosts/mx1/keys/0',
  ])
    expect(pointers).toContain(expected);
});

describe.each(WRITING.map((route) => [nameOf(route), route] as const))('%s', (_name, route) => {
  test('rejects hidden characters in every text of its body, its query and its path, and changes nothing', async () => {
    const server = await exampleServer();
    const before = server.writer.generation();
    for (const character of HIDDEN) {
      for (const { pointer, body } of fields(bodyOf(route), `x${character}y`)) {
        const answer = await server.send(route, '', body as object);
        const { errors } = answer.json<ProblemBody>();
        expect([pointer, answer.statusCode]).toEqual([pointer, 422]);
        expect(errors.map((each) => each.pointer)).toContain(pointer);
      }
      for (const name of Object.keys(route.query ?? {})) {
        const answer = await server.send(route, `?${name}=x${encodeURIComponent(character)}`);
        expect([400, 422]).toContain(answer.statusCode);
        expect(answer.json<ProblemBody>().errors[0]).toMatchObject({ parameter: name });
      }
    }
    // Each commit is the entry of a refusal in the audit log.
    const refusals = () => server.control.audit.entries(1000).filter(({ outcome }) => outcome === 'refused').length;
    await vi.waitFor(() => expect(server.writer.generation() - before).toBe(refusals()));
  });
});

test('a line break in a reason or a name is rejected with its place', async () => {
  const { call } = await bench();
  const token = await call('POST', '/v1/tokens', { payload: { name: 'ci\n0123456789abcdef  admin', scopes: ['admin'] } });
  expect([token.statusCode, token.json<ProblemBody>().errors]).toMatchObject([422, [{ code: 'TEXT_HIDDEN', pointer: '/name' }]]);
  const field = await call('POST', '/v1/tokens', { payload: { name: 'ci', scopes: ['admin'], 'a\u2028b': 'x' } });
  expect(field.statusCode).toBe(422);
});

test('PEM keeps its line breaks, and nothing else', async () => {
  const server = await exampleServer();
  const route = WRITING.find((each) => nameOf(each) === 'POST /v1/signers/:signer/public-keys')!;
  const publicKey = 'JNyi81Czeh4PFczQqdFnKeJi6+\r\ne3NJPY2pEVvEmgt3s=\n';
  expect((await server.send(route, '?dryRun=1', { domain: 'example.com', publicKey })).statusCode).toBe(200);
  expect((await server.send(route, '?dryRun=1', { domain: 'example.com\n', publicKey })).statusCode).toBe(422);
});

test('a body of more levels than any document has is rejected, and not read on', async () => {
  const { call } = await bench();
  const payload = `{"a":${'['.repeat(400_000)}"\\u2028"${']'.repeat(400_000)}}`;
  const answer = await call('PUT', '/v1/zones/example.com/mail', { payload, headers: { 'content-type': 'application/json' } });
  expect([answer.statusCode, answer.json<ProblemBody>().errors]).toMatchObject([
    422,
    [{ code: 'FIELD_VALUE', detail: expect.stringContaining('32 levels') }],
  ]);
});
