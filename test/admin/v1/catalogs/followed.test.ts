/** Catalogs of other servers, as clients follow, set and see them. */
import { expect, test } from 'vitest';
import { mailBench } from '../../../support/admin/mail-bench.ts';

async function served() {
  const bench = await mailBench();
  const headers = { authorization: `Bearer ${await bench.token('admin')}` };
  const api = async (method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) => {
    const answer = await bench.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  await api('POST', '/v1/tsig', { name: 'k', zones: ['cat.example'] });
  return api;
}

const PRIMARIES = [{ address: '192.0.2.1', key: 'K' }];

test('a catalog is followed with templates, shown, and gets others', async () => {
  const api = await served();
  const templates = [{ group: 'far', primaries: [{ address: '192.0.2.9', key: 'k' }] }, { sign: true }];
  const made = await api('POST', '/v1/catalogs', { name: 'cat.example', primaries: PRIMARIES, templates, membersMax: 5 });
  expect(made).toMatchObject({ status: 201, body: { zone: 'cat.example.', created: true, warnings: [] } });
  expect(await api('GET', '/v1/catalogs/cat.example')).toMatchObject({
    status: 200,
    body: {
      state: 'waiting',
      members: 0,
      membersMax: 5,
      templates: [
        { group: 'far', primaries: [{ address: '192.0.2.9', port: 53, key: 'k.' }], sign: false },
        { primaries: [], sign: true },
      ],
    },
  });
  expect((await api('GET', '/v1/catalogs')).body['catalogs']).toMatchObject([{ name: 'cat.example.', followed: true }]);
  expect((await api('PUT', '/v1/catalogs/cat.example/settings', {})).status).toBe(200);
  expect((await api('GET', '/v1/catalogs/cat.example')).body).toMatchObject({ templates: [], membersMax: 10_000 });
});

test('everything that is wrong with it is said at its place, and nothing is made', async () => {
  const api = await served();
  const bad = { address: '192.0.2.1', key: 'other' };
  const templates = [{ group: 'x' }, { group: 'x' }, { primaries: [bad, { address: 'ns1' }] }];
  const answer = await api('POST', '/v1/catalogs', { name: 'cat.example', primaries: [bad], templates });
  expect(answer.body['errors']).toMatchObject([
    { code: 'TSIG_KEY_GRANT', at: '/primaries/0/key' },
    { code: 'FIELD_VALUE', at: '/templates/1/group' },
    { code: 'TSIG_KEY_GRANT', at: '/templates/2/primaries/0/key' },
    { code: 'FIELD_VALUE', at: '/templates/2/primaries/1/address' },
  ]);
  expect((await api('GET', '/v1/catalogs')).body['catalogs']).toEqual([]);
  const idle = await api('POST', '/v1/catalogs', { name: 'cat.example', membersMax: 5 });
  expect(idle).toMatchObject({ status: 422, body: { errors: [{ at: '/membersMax' }] } });
});

test('a catalog of ours is not followed, and a zone is no catalog', async () => {
  const api = await served();
  await api('POST', '/v1/catalogs', { name: 'ours.example' });
  for (const name of ['ours.example', 'post.example', 'none.example'])
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PUT', '/settings', {}],
      ['POST', '/confirm', { removals: 1 }],
    ] as const)
      expect(await api(method, `/v1/catalogs/${name}${path}`, body)).toMatchObject({
        status: 404,
        body: { code: 'CATALOG_NOT_FOUND' },
      });
});

test('RFC 9432 §4.4.1: a member moves to another catalog of ours under its label; coo names any catalog', async () => {
  const api = await served();
  for (const name of ['old.example', 'new.example']) await api('POST', '/v1/catalogs', { name });
  await api('PUT', '/v1/catalogs/old.example/members/post.example', { groups: ['g'] });
  const members = async (name: string) => (await api('GET', `/v1/catalogs/${name}/members`)).body['members'];
  const [before] = (await members('old.example')) as readonly object[];
  const move = (to: string) => api('POST', '/v1/catalogs/old.example/members/post.example/move', { to });
  expect(await move('old.example')).toMatchObject({ status: 422, body: { errors: [{ at: '/to' }] } });
  expect(await move('none.example')).toMatchObject({ status: 404, body: { code: 'CATALOG_NOT_FOUND' } });
  expect(await move('new.example')).toMatchObject({ status: 200, body: { warnings: [{ code: 'CATALOG_MEMBER_MOVES' }] } });
  expect(await members('old.example')).toEqual([{ ...before, coo: 'new.example.' }]);
  expect(await members('new.example')).toEqual([before]);
  // Groups alone leave it; null takes it back.
  await api('PUT', '/v1/catalogs/old.example/members/post.example', { groups: [] });
  expect(await members('old.example')).toMatchObject([{ groups: [], coo: 'new.example.' }]);
  await api('PUT', '/v1/catalogs/old.example/members/post.example', { groups: [], coo: 'far.example' });
  expect(await members('old.example')).toMatchObject([{ coo: 'far.example.' }]);
  await api('PUT', '/v1/catalogs/old.example/members/post.example', { groups: [], coo: null });
  expect((await members('old.example')) as readonly object[]).not.toMatchObject([{ coo: expect.anything() }]);
});
