/** Routes that only read: one version of the zone, entity tags, problems. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SOCKET_IDENTITY } from '#admin/http/identity.ts';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { readRoute, zoneReadRoute } from '#admin/http/read-route.ts';
import type { Asked } from '#admin/http/route.ts';
import { WHOLE } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import { fakeWithZone } from '../../support/admin/fake-control.ts';

const parts = { url: '/x', tag: 'zones', summary: 'Show x', answers: { 200: Type.Unknown() } } as const;

/** A request with these headers, and what is answered to it. */
async function asking(headers: Readonly<Record<string, string>> = {}, params: object = {}) {
  const answered: { status: number; sent: unknown; headers: Record<string, string> } = { status: 200, sent: undefined, headers: {} };
  const reply = {
    request: { server: {}, url: '/x' },
    getHeader: (name: string) => answered.headers[name],
    header: (name: string, value: string) => ((answered.headers[name] = value), reply),
    status: (status: number) => ((answered.status = status), reply),
    type: () => reply,
    serializer: () => reply,
    send: (sent?: unknown) => ((answered.sent = sent), reply),
  };
  const { control } = await fakeWithZone();
  const asked = { control, params, query: {}, body: undefined, request: { headers, identity: SOCKET_IDENTITY }, reply };
  return { answered, control, asked: asked as unknown as Asked & { request: FastifyRequest; reply: FastifyReply } };
}

test('a zone is found, read and answered without a pause in which another change could come in', async () => {
  const { answered, control, asked } = await asking({}, { zone: 'example.com' });
  const route = zoneReadRoute({ ...parts, show: (given) => ok({ body: () => given.control.zones.view(given.zone).apexKey }) });
  const answer = route.handle(asked);
  control.zoneMap.clear();
  expect(answer).not.toBeInstanceOf(Promise);
  expect(answered.sent).toEqual(expect.any(String));
});

test('an answer that needs others is waited for', async () => {
  const { answered, asked } = await asking();
  await readRoute({ ...parts, access: 'read', show: async () => await Promise.resolve(ok({ body: () => 1 })) }).handle(asked);
  expect(answered.sent).toBe(1);
});

test('RFC 9110 §15.4.5: the body is not made for a client that has it already', async () => {
  const { answered, asked } = await asking({ 'if-none-match': '"t"' });
  const body = () => {
    throw new Error('made in vain');
  };
  await readRoute({ ...parts, access: 'read', show: () => ok({ etag: '"t"', body }) }).handle(asked);
  expect(answered).toEqual({ status: 304, sent: undefined, headers: { etag: '"t"' } });
});

test('a problem is answered with the status of its code', async () => {
  const { answered, asked } = await asking();
  await readRoute({ ...parts, access: 'read', show: () => fail(problem('OVERLOADED', WHOLE, 'x')) }).handle(asked);
  expect(answered).toMatchObject({ status: 503, sent: { code: 'OVERLOADED' } });
});

test('404 for a zone that is not here', async () => {
  const { answered, asked } = await asking({}, { zone: 'other.test' });
  await zoneReadRoute({ ...parts, show: () => ok({ body: () => 1 }) }).handle(asked);
  expect(answered).toMatchObject({ status: 404, sent: { code: 'ZONE_NOT_FOUND' } });
});
