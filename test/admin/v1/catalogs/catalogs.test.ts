/** `/v1/catalogs`, as requests and answers. */
import { expect, test } from 'vitest';
import { type TokenScope } from '#control/api/tokens.ts';
import { mailBench } from '../../../support/admin/mail-bench.ts';

async function served() {
  const bench = await mailBench();
  const as = async (scope: TokenScope) => {
    const headers = { authorization: `Bearer ${await bench.token(scope)}` };
    return async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => {
      const answer = await bench.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
      return { status: answer.statusCode, body: answer.json<Record<string, unknown>>(), location: answer.headers.location };
    };
  };
  return { as, api: await as('admin') };
}

const MEMBERS = '/v1/catalogs/catalog.example/members';

test('a catalog is made, gets a member with groups, shows it, and loses it', async () => {
  const { api } = await served();
  expect(await api('GET', '/v1/catalogs')).toMatchObject({ status: 200, body: { catalogs: [] } });
  const made = await api('POST', '/v1/catalogs', { name: 'catalog.example' });
  expect(made).toMatchObject({
    status: 201,
    location: '/v1/catalogs/catalog.example/members',
    body: { zone: 'catalog.example.', created: true },
  });
  expect(await api('POST', '/v1/catalogs', { name: 'catalog.example' })).toMatchObject({ status: 409, body: { code: 'ZONE_EXISTS' } });
  expect(await api('PUT', `${MEMBERS}/post.example`, { groups: ['a'] })).toMatchObject({ status: 200, body: { changed: true } });
  const label = expect.stringMatching(/^\d+-\d+$/) as string;
  expect((await api('GET', MEMBERS)).body).toEqual({ members: [{ zone: 'post.example.', label, groups: ['a'] }] });
  expect((await api('GET', '/v1/zones/catalog.example')).body).toMatchObject({ catalog: true });
  const foreign = Buffer.from(JSON.stringify(['x'.repeat(900)])).toString('base64url');
  expect(await api('GET', `${MEMBERS}?cursor=${foreign}`)).toMatchObject({ status: 400, body: { code: 'PARAMETER' } });
  expect((await api('GET', '/v1/catalogs')).body).toMatchObject({ catalogs: [{ name: 'catalog.example.' }] });
  expect(await api('DELETE', `${MEMBERS}/post.example`)).toMatchObject({ status: 200, body: { changed: true } });
  expect((await api('GET', MEMBERS)).body).toEqual({ members: [] });
  expect(await api('DELETE', `${MEMBERS}/post.example`)).toMatchObject({ status: 404, body: { code: 'CATALOG_MEMBER_NOT_FOUND' } });
});

test('members of what is no catalog, and of what is not there', async () => {
  const { api } = await served();
  for (const name of ['post.example', 'none.example'])
    expect(await api('GET', `/v1/catalogs/${name}/members`)).toMatchObject({ status: 404, body: { code: 'CATALOG_NOT_FOUND' } });
  const put = await api('PUT', '/v1/catalogs/post.example/members/post.example', {});
  expect(put).toMatchObject({ status: 404, body: { code: 'CATALOG_NOT_FOUND' } });
});

test('a token of the member, or of the catalog, changes no catalog: other servers follow it', async () => {
  const { as, api } = await served();
  await api('POST', '/v1/catalogs', { name: 'catalog.example' });
  for (const scope of ['zone:post.example', 'zone:catalog.example', 'read'] as const) {
    const call = await as(scope);
    expect((await call('PUT', `${MEMBERS}/post.example`, {})).status).toBe(403);
    expect((await call('DELETE', `${MEMBERS}/post.example`)).status).toBe(403);
  }
  expect((await (await as('read'))('GET', MEMBERS)).status).toBe(200);
  expect((await (await as('zone:post.example'))('GET', MEMBERS)).status).toBe(403);
});
