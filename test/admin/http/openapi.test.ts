/** The API describes itself. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';

test('describes every route with a summary, parameters and answers', async () => {
  const { app } = await bench();
  interface Operation {
    readonly summary?: string;
    readonly responses: Record<string, unknown>;
    readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  }
  const { paths } = (await app.inject('/v1/openapi.json')).json<{ paths: Record<string, Record<string, Operation>> }>();
  for (const [path, methods] of Object.entries(paths)) {
    const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const operation of Object.values(methods)) {
      expect(operation.summary).toBeDefined();
      expect(operation.parameters?.filter((each) => each.in === 'path').map(({ name }) => name) ?? []).toEqual(placeholders);
      expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
    }
  }
});

test('can be browsed without a token, from files of our own', async () => {
  const { app } = await bench();
  const page = await app.inject('/docs/');
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect((await app.inject('/docs/static/swagger-ui.css')).statusCode).toBe(200);
});
