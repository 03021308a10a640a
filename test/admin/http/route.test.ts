/** A route as a value becomes a route of an app: bodies of other kinds, its description, what its handler is given. */
import { fastify } from 'fastify';
import { Type } from 'typebox';
import { expect, onTestFinished, test } from 'vitest';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { acceptJson } from '#admin/http/json-body.ts';
import { describeApi } from '#admin/openapi/openapi.ts';
import { handleError } from '#admin/http/problems.ts';
import { type Asked, type Route, addRoute } from '#admin/http/route.ts';
import { compileValidator } from '#admin/http/validate.ts';
import { FakeControl } from '../../support/admin/fake-control.ts';

const route = (more: Partial<Route>): Route => ({
  method: 'POST',
  url: '/things/:thing',
  access: 'admin',
  writes: true,
  answers: { 200: Type.Unknown() },
  handle: ({ params, query, body, reply }: Asked) => reply.send({ params, query, body: Buffer.isBuffer(body) ? body.toString() : body }),
  tag: 'zones',
  summary: 'Make a thing',
  params: { thing: Type.Integer({ examples: [7] }) },
  ...more,
});

async function served(...routes: readonly Route[]): Promise<AdminApp> {
  const app: AdminApp = fastify();
  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler(handleError);
  acceptJson(app);
  await describeApi(app, '1', routes);
  for (const each of routes) {
    await app.register((scope: AdminApp, _options, done) => {
      addRoute(scope, new FakeControl(), each);
      done();
    });
  }
  onTestFinished(async () => {
    await app.close();
  });
  return app;
}

const octets = { types: ['text/dns', 'text/plain'], bytesMax: 10, description: 'a text', example: 'one two' };

test('the handler is given parameters in their types, and the body', async () => {
  const app = await served(route({ query: { size: Type.Optional(Type.Integer()) }, body: Type.Object({ a: Type.Integer() }) }));
  const answer = await app.inject({ method: 'POST', url: '/things/5?size=3', payload: { a: 1 } });
  expect(answer.json()).toEqual({ params: { thing: 5 }, query: { size: 3 }, body: { a: 1 } });
});

test('a query that the route describes takes no other parameters; one that it does not describe is not looked at', async () => {
  const app = await served(route({ query: {} }), route({ url: '/others/:thing' }));
  expect((await app.inject({ method: 'POST', url: '/things/5?size=3' })).statusCode).toBe(400);
  expect((await app.inject({ method: 'POST', url: '/others/5?size=3' })).statusCode).toBe(200);
});

test('a body of octets comes as it is, in the types of the route only, up to its size', async () => {
  const app = await served(route({ octets }));
  const post = (type: string, payload: string) =>
    app.inject({ method: 'POST', url: '/things/5', headers: { 'content-type': type }, payload });
  expect((await post('text/dns', 'a\r\n')).json()).toMatchObject({ body: 'a\r\n' });
  expect((await post('TEXT/plain; charset=utf-8', 'a')).json()).toMatchObject({ body: 'a' });
  expect((await post('application/json', '{}')).statusCode).toBe(415);
  expect((await post('text/dns', '0123456789')).statusCode).toBe(200);
  expect((await post('text/dns', '0123456789a')).statusCode).toBe(413);
});

test('routes beside one with octets still take JSON and nothing else', async () => {
  const beside = route({ url: '/others/:thing', body: Type.Object({}) });
  const app = await served(route({ octets }), beside);
  const post = (type: string, payload: string) =>
    app.inject({ method: 'POST', url: '/others/5', headers: { 'content-type': type }, payload });
  expect((await post('application/json', '{}')).statusCode).toBe(200);
  expect((await post('text/dns', 'a')).statusCode).toBe(415);
});

test('OpenAPI shows the examples of parameters and bodies; octets have theirs in the first type', async () => {
  const body = Type.Object({ a: Type.Integer() });
  const app = await served(route({ body, example: { a: 1 } }), route({ url: '/others/:thing', octets, access: 'public' }));
  const { paths } = (await app.inject('/v1/openapi.json')).json<{ paths: Record<string, { post: object }> }>();
  expect(paths['/things/{thing}']!.post).toMatchObject({
    summary: 'Make a thing',
    tags: ['zones'],
    parameters: [{ in: 'path', name: 'thing', required: true, example: 7 }, { $ref: '#/components/parameters/IdempotencyKey' }],
    requestBody: { required: true, content: { 'application/json': { example: { a: 1 } } } },
  });
  expect(paths['/others/{thing}']!.post).toMatchObject({
    security: [],
    requestBody: { content: { 'text/dns': { example: 'one two' }, 'text/plain': {} } },
  });
  expect(paths['/others/{thing}']!.post).not.toHaveProperty(['requestBody', 'content', 'text/plain', 'example']);
});
