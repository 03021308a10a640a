/**
 * A client that openapi-typescript makes of the description, as a stranger uses it: its types are checked by the compiler, and it imports a zone,
 * changes it under If-Match, and reads where a 422 points.
 */
import { spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { listenAdmin } from '#admin/http/listen.ts';
import { ipPort } from '#base/address.ts';
import { bench } from '../../support/admin/bench.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const PROGRAM = `
import createClient from 'openapi-fetch';
import type { components, paths } from './paths.ts';

const [baseUrl, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${token}\` } });
const zone = { path: { zone: 'client.test' } };

// A body that is not JSON is sent as it is.
const imported = await client.PUT('/v1/zones/{zone}/zonefile', {
  params: zone,
  body: '@ 3600 SOA ns1 hostmaster 1 7200 900 1209600 300\\n@ 3600 NS ns1\\nns1 3600 A 192.0.2.53\\n',
  bodySerializer: (body) => body,
  headers: { 'content-type': 'text/dns' },
});
const outcome: components['schemas']['ChangeOutcome'] | undefined = imported.data;
const etag = imported.response.headers.get('etag') ?? '';

const change = (match: string) =>
  client.PATCH('/v1/zones/{zone}/rrsets', {
    params: { ...zone, header: { 'If-Match': match } },
    body: [{ op: 'set', name: 'www', type: 'A', ttl: 300, records: ['192.0.2.1'] }],
  });
const changed = await change(etag);
const stale = await change(etag);

const wrong = await client.PUT('/v1/zones/{zone}/rrsets/{name}/{type}', {
  params: { path: { ...zone.path, name: 'www', type: 'A' } },
  body: { ttl: 300, records: ['192.0.2.1', '192.0.2.300'] },
});
const pointer: string | undefined = wrong.error?.errors[0]?.pointer;
// The compiler knows the codes of the route.
const isRdata: boolean = wrong.error?.code === 'RDATA_VALUE' || wrong.error?.code === 'RDATA_SYNTAX';

const file = await client.GET('/v1/zones/{zone}/zonefile', { params: zone, parseAs: 'text' });
const text: string | undefined = file.data;
console.log(JSON.stringify({
  imported: [imported.response.status, outcome?.created],
  changed: [changed.response.status, changed.data?.changeset.added.length],
  stale: [stale.response.status, stale.error?.code],
  wrong: [wrong.response.status, pointer, isRdata],
  file: text?.includes('www'),
}));
`;

const run = async (words: readonly string[], cwd: string) => await promisify(execFile)(process.execPath, words, { cwd });

test('imports a zone, changes it under If-Match, and learns where a 422 points', { timeout: 60_000 }, async () => {
  const { app, tokens } = await bench();
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined });
  onTestFinished(() => listeners.close(0));
  const folder = temporaryFolder();
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const document = (await app.inject('/v1/openapi.json')).body;
  const made = spawnSync(process.execPath, [join(ROOT, 'test/support/openapi-types.ts')], { cwd: ROOT, input: document, encoding: 'utf8' });
  expect([made.status, made.stderr]).toEqual([0, '']);
  writeFileSync(join(folder, 'paths.ts'), made.stdout);
  writeFileSync(join(folder, 'client.ts'), PROGRAM);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const options = ['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  const checked = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, '--allowImportingTsExtensions', 'client.ts'],
    { cwd: folder, encoding: 'utf8' },
  );
  expect([checked.status, checked.stdout]).toEqual([0, '']);
  const { stdout } = await run(['client.ts', `http://${listeners.address}`, tokens.admin], folder);
  expect(JSON.parse(stdout)).toEqual({
    imported: [201, true],
    changed: [200, 2],
    stale: [412, 'PRECONDITION'],
    wrong: [422, '/records/1', true],
    file: true,
  });
});
