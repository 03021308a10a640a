/**
 * The zone of the examples that routes carry: example.com with records, keys, a mail policy, signers and a token, over a real store. Each
 * example of a route that writes is a good request here.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { onTestFinished } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { watchAnswers } from './documented-answers.ts';
import type { Route } from '#admin/http/route.ts';
import { createLog } from '#base/log.ts';
import { WHOLE } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { SignerExporter } from '#control/signers/export.ts';
import { nameOf } from '#dns/name.ts';
import { restoredWrite } from '#store/backup/restored.ts';
import { followedWrite, membershipWrite } from '#store/transfer/followed-catalogs.ts';
import { primariesWrite } from '#store/transfer/primaries.ts';
import { LOGO } from '../mail/mark-certificate.ts';
import { foldersHere } from '../signers/folders-here.ts';
import { HOUR_MS, LOCAL } from '../signing-control.ts';
import { TEST_ACTOR, type TestControl, type TestControlOptions, good, temporaryControl } from '../temporary-control.ts';
import { TEST_KEK, countedRandom, temporaryFolder } from '../temporary-store.ts';

const ZONE = nameOf('example.com.');
const ZONE_TEXT = `
@ 3600 SOA ns1 hostmaster 1 7200 900 1209600 300
@ 3600 NS ns1
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.53
mx1 3600 A 192.0.2.25
www 3600 A 192.0.2.1
`;
const POLICY = {
  dkim: { signers: ['mx1', 'mx2', 'mx3'] },
  mtaSts: { mode: 'testing' },
  dane: { hosts: { mx1: { keys: [`3 1 1 ${'11'.repeat(32)}`] } } },
};

export interface ExampleServer extends TestControl {
  /** Sends the route's example, as the administrator or as the signer mx1. */
  send(route: Route, query?: string, payload?: object): Promise<LightMyRequestResponse>;
  /** Sends any request, as who may use the route. */
  inject(route: Route, request: InjectOptions): Promise<LightMyRequestResponse>;
  /** Sends a request that changes the store: the example, or another body where the example asks for what is so already. */
  change(route: Route): Promise<LightMyRequestResponse>;
}

/** The zone is signed, and the example turns signing on. */
const SIGNING_OFF = { dnssec: 'off', force: true };
const OTHER_BODIES: Readonly<Record<string, object>> = {
  'PATCH /v1/zones/:zone': SIGNING_OFF,
  'PATCH /v1/zones/:zone/dnssec': SIGNING_OFF,
};

export async function exampleServer(options: TestControlOptions = {}): Promise<ExampleServer> {
  const server = temporaryControl({ sources: ['mail'], ...options });
  await server.load('example.com.', ZONE_TEXT);
  await server.load('removed.example.', ZONE_TEXT);
  good(await server.run({ kind: 'zone.remove', zone: nameOf('removed.example.') }));
  const set = { op: 'set', name: 'www.example.com.', type: 'A', ttl: 300, records: ['192.0.2.1', '192.0.2.2'] } as const;
  good(await server.run({ kind: 'rrsets.change', zone: ZONE, operations: [set] }));
  const token = await addSigners(server);
  good(await server.run({ kind: 'mail.apply', zone: ZONE, policy: POLICY }));
  const kekFile = join(temporaryFolder(), 'kek');
  writeFileSync(kekFile, TEST_KEK, { mode: 0o600 });
  const mark = { version: 1, backup: 'waxseal-20251231T000000Z-00000000', createdAtMs: 0, restoredAtMs: 0 } as const;
  const documents = [restoredWrite({ ...mark, reason: 'restored' })];
  await server.writer.commit({ audit: { atMs: server.clock.nowMs() }, kekFile, documents });
  server.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  await server.live(HOUR_MS);
  good(await server.run({ kind: 'certificate.want', zone: ZONE, host: 'www.example.com' }));
  good(await server.control.dnssec.setPolicy('default', { keys: 'csk' }, { actor: TEST_ACTOR, dryRun: false }));
  good(await server.run({ kind: 'bimi.upload', zone: ZONE, selector: 'default', logo: new Uint8Array(LOGO) }));
  const key = { name: 'secondary.example.com', algorithm: 'hmac-sha256', operations: ['transfer'], zones: ['example.com'] } as const;
  good(await server.control.transfer.createKey(key, TEST_ACTOR));
  good(await server.run({ kind: 'secondary.add', zone: ZONE, ip: '192.0.2.53', port: 53 }));
  const catalog = nameOf('catalog.example.com.');
  good(await server.run({ kind: 'catalog.create', zone: catalog }));
  good(await server.run({ kind: 'catalog.add', zone: catalog, member: ZONE, groups: [] }));
  await server.load('secondary.example.com.', ZONE_TEXT, { parent: 'ignore' });
  good(await server.run({ kind: 'catalog.create', zone: nameOf('other.catalog.example.') }));
  await addFollowed(server);
  const primaries = [{ ip: '192.0.2.2', port: 53 }];
  good(await server.run({ kind: 'secondary.create', zone: nameOf('secondary.example.'), primaries, isSigning: false }));
  good(await server.run({ kind: 'tlsa.next', zone: ZONE, host: 'mx1', key: `3 1 1 ${'22'.repeat(32)}` }));

  await server.control.events.alert(undefined, [problem('CLOCK_JUMPED', WHOLE, 'the clock has jumped')]);
  await server.control.alerts.lookAtReports();
  const alert = server.control.alerts.list()[0]!.id;

  const app = await buildAdmin({ control: server.control });
  watchAnswers(app);
  onTestFinished(async () => {
    await app.close();
  });
  const { info, secret } = good(await server.control.tokens.create({ name: 'admin', scopes: ['admin'] }, TEST_ACTOR));
  // The first use of a token is written down: not while a test counts what its request writes.
  for (const each of [secret, token]) {
    server.control.tokens.authenticate(each, 'unix');
    await server.control.tokens.revoke('none', TEST_ACTOR);
  }
  const inject = (route: Route, query: string, other: { readonly payload?: object } = {}) => {
    const { url, headers, ...rest } = exampleRequest(route, { id: info.id, alert });
    const authorization = `Bearer ${route.access === 'signer' ? token : secret}`;
    return app.inject({ ...rest, ...other, url: url + query, headers: { ...headers, authorization } });
  };
  return {
    ...server,
    inject: (route, request) => {
      const authorization = `Bearer ${route.access === 'signer' ? token : secret}`;
      return app.inject({ ...request, headers: { ...request.headers, authorization } });
    },
    send: (route, query = '', payload) => inject(route, query, payload === undefined ? {} : { payload }),
    change: (route) => {
      const payload = OTHER_BODIES[`${route.method} ${route.url}`];
      return inject(route, '', payload === undefined ? {} : { payload });
    },
  };
}

/** A catalog of another server that has lost all of its twelve members. */
async function addFollowed(server: TestControl): Promise<void> {
  const { control, writer, clock } = server;
  const zone = nameOf('followed.example.');
  good(await server.run({ kind: 'catalog.create', zone }));
  const record = { ...writer.zoneByName(zone)!, secondary: { mode: 'copy' as const } };
  const ids = Array.from({ length: 12 }, (_, at) => writer.nextZoneId() + 1000 + at);
  const membership = { catalog: record.name, catalogId: record.id, label: 'x', groups: [] };
  const { isCatalog: _isCatalog, ...bare } = record;
  await writer.commit({
    audit: { atMs: clock.nowMs() },
    zones: { put: [record, ...ids.map((id) => ({ ...bare, id, name: `m${id}.example.` }))] },
    documents: [
      followedWrite(record.id, { templates: [], membersMax: 100 }),
      primariesWrite(record.id, [{ ip: '192.0.2.2', port: 53 }]),
      ...ids.map((id) => membershipWrite(id, membership)),
    ],
  });
  const { follower } = control.transferParts;
  follower.noteAll();
  follower.changed([record]);
  await follower.settled();
}

/** mx1 fetches its keys, mx2 makes its own, mx3 reads files; gives the token of mx1. */
async function addSigners({ control, clock, writer }: TestControl): Promise<string> {
  const exporter = new SignerExporter({
    signers: control.signers,
    clock,
    random: countedRandom(),
    log: createLog({ level: 'silent' }),
    generation: () => writer.generation(),
    installation: writer.installation(),
    folders: () => foldersHere(),
  });
  onTestFinished(() => exporter.stop());
  control.signers.useFiles(exporter);
  const options = { actor: LOCAL, dryRun: false };
  const domains = ['example.com'];
  const mx1 = good(await control.signers.add({ name: 'mx1', delivery: 'fetch', domains }, options));
  good(await control.signers.add({ name: 'mx2', delivery: 'own-key', domains }, options));
  const files = { form: 'opendkim', folder: join(temporaryFolder(), 'mx3') } as const;
  good(await control.signers.add({ name: 'mx3', delivery: 'files', domains, files }, options));
  if (mx1.token === undefined) throw new Error('a signer that fetches its keys has a token');
  return mx1.token.secret;
}

type ExampleRequest = Required<Pick<InjectOptions, 'method'>> & {
  readonly url: string;
  readonly payload?: string | object;
  readonly headers: Readonly<Record<string, string>>;
};

/** The request that a route's examples make up; `path` instead of examples of parameters that only the server knows. */
export function exampleRequest(
  { method, url, params = {}, example, octets }: Route,
  path: Readonly<Record<string, string>> = {},
): ExampleRequest {
  const filled = url.replaceAll(/:([A-Za-z]+)/g, (_all, name: string) => {
    const examples: unknown = Reflect.get(params[name] ?? {}, 'examples');
    const value: unknown = path[name] ?? (Array.isArray(examples) ? examples[0] : undefined);
    if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`${url}: no example for ${name}`);
    return encodeURIComponent(value);
  });
  if (octets !== undefined) return { method, url: filled, payload: octets.example, headers: { 'content-type': octets.types[0]! } };
  return { method, url: filled, ...(example === undefined ? {} : { payload: example as object }), headers: {} };
}
