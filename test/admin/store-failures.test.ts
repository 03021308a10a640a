/**
 * Every route that writes, on a store without space, on one that fails, and behind a queue that is full: the answer is the same
 * everywhere, and none shows where the store is. The requests are the routes' own examples, on a zone where each of them works.
 */
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import type { Route } from '#admin/http/route.ts';
import { adminRoutes } from '#admin/routes.ts';
import { CHANGES_WAITING_MAX } from '#base/limits/changes.ts';
import { alertEvent } from '#control/commands/events.ts';
import { ok } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { judgeSpace } from '#store/free-space.ts';
import { StoreFailure } from '#store/failure.ts';
import { TEST_ACTOR, type TestControl, good, temporaryControl } from '../support/temporary-control.ts';
import { auditEvent } from '../support/temporary-store.ts';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
const ZONE = nameOf('example.com.');
const TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
mx1 3600 A 192.0.2.25
mail 3600 A 192.0.2.26
`;
const KEY = `3 1 1 ${'ab'.repeat(32)}`;

/** Written even into the last reserve of the disk: what takes something away, and what must not wait for space. */
const UPKEEP = new Set([
  'DELETE /v1/zones/:zone',
  'DELETE /v1/tokens/:id',
  'DELETE /v1/signers/:signer',
  'POST /v1/zones/:zone/dkim/:selector/revoke',
  'POST /v1/signers/:signer/export',
]);

interface Bench extends TestControl {
  readonly app: AdminApp;
  readonly call: (route: Route, query?: string) => Promise<LightMyRequestResponse>;
  readonly fill: () => void;
}

/** A zone with a mail policy, keys, a signer, a TLSA key to come, a journal, and a removed zone beside it. */
async function bench(): Promise<Bench> {
  let freeBytes = 1000 * MIB;
  const room = temporaryControl({ space: () => judgeSpace(freeBytes, 400 * MIB), sources: ['mail'] });
  const { control } = room;
  await room.load('example.com.', TEXT);
  await room.load('gone.example.', TEXT);
  const policy = { dkim: { signers: ['mx9', 'own'] }, dane: { hosts: { mail: { keys: [KEY] } } }, mtaSts: { mode: 'testing' } };
  good(await room.run({ kind: 'mail.apply', zone: ZONE, policy }));
  const signer = good(
    await control.signers.add(
      { name: 'mx9', delivery: 'fetch', domains: ['example.com'], allow: ['0.0.0.0/0'] },
      { actor: TEST_ACTOR, dryRun: false },
    ),
  );
  good(await control.signers.add({ name: 'own', delivery: 'own-key', domains: ['example.com'] }, { actor: TEST_ACTOR, dryRun: false }));
  good(
    await control.signers.add(
      { name: 'files', delivery: 'files', domains: ['example.com'], files: { form: 'opendkim' } },
      { actor: TEST_ACTOR, dryRun: false },
    ),
  );
  const status = () => ({ state: 'waiting' }) as const;
  control.signers.useFiles({
    status,
    exportNow: async (record) => {
      const noted = await control.signers.noteExport(record, 'files');
      return noted.ok ? ok(status()) : noted;
    },
    prepare: () => Promise.resolve(ok(undefined)),
    forget: () => undefined,
  });
  // Until the first keys are active.
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  await room.live(3 * HOUR_MS);
  good(await room.run({ kind: 'zone.remove', zone: nameOf('gone.example.') }));
  const change = { op: 'set', name: 'www', type: 'A', ttl: 60, records: ['192.0.2.7'] } as const;
  const { serial } = good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [change] }));
  const coming = good(await room.run({ kind: 'tlsa.next', zone: ZONE, host: 'mail', key: `3 1 1 ${'cd'.repeat(32)}` }));
  expect(coming.mail?.object).toBeDefined();
  const { info, secret } = good(await control.tokens.create('test', ['admin'], undefined, TEST_ACTOR));
  const app = await buildAdmin({ control });
  onTestFinished(async () => {
    await app.close();
  });
  const selector = control.mail(control.zone(ZONE)!)!.state.dkim.lifecycle.objects[0]!.id;
  const values: Record<string, string> = {
    zone: 'example.com',
    name: 'www',
    type: 'A',
    serial: String(serial),
    selector,
    host: 'mail',
    id: info.id,
    domain: 'example.com',
    signer: 'mx9',
  };
  const call: Bench['call'] = async (route, query = '') => {
    const { method, access, example, octets } = route;
    const special = SPECIAL[`${method} ${route.url}`] ?? {};
    const url = route.url.replaceAll(/:(\w+)/g, (_all, name: string) => special.params?.[name] ?? values[name] ?? `no-${name}`);
    const payload = special.body?.(values) ?? example ?? octets?.example;
    const type = octets?.types[0];
    const token = access === 'signer' ? signer.token!.secret : secret;
    const headers = { authorization: `Bearer ${token}`, ...(type === undefined ? {} : { 'content-type': type }) };
    const request: InjectOptions = { method, url: url + query, headers };
    return await app.inject(payload === undefined ? request : { ...request, payload: payload as string });
  };
  return { ...room, app, call, fill: () => (freeBytes = 1 * MIB) };
}

/** Where a route's example is about something that only exists here under another name. */
const SPECIAL: Readonly<
  Record<string, { readonly params?: Record<string, string>; readonly body?: (values: Record<string, string>) => object }>
> = {
  'PATCH /v1/zones/:zone': { body: () => ({ dnssec: 'off', force: true }) },
  'PATCH /v1/zones/:zone/dnssec': { body: () => ({ dnssec: 'off', force: true }) },
  'POST /v1/zones/:zone/restore': { params: { zone: 'gone.example' } },
  'POST /v1/signers/:signer/ack': { body: ({ selector }) => ({ domain: 'example.com', selector }) },
  'POST /v1/signers/:signer/public-keys': { params: { signer: 'own' } },
  'POST /v1/signers/:signer/export': { params: { signer: 'files' } },
};

const WRITING = adminRoutes().filter(({ writes }) => writes);
const label = ({ method, url }: Route) => `${method} ${url}`;

test('the list of writing routes is not empty, and every exception names one of them', () => {
  expect(WRITING.length).toBeGreaterThan(20);
  const labels = WRITING.map(label);
  expect([...UPKEEP, ...Object.keys(SPECIAL)].filter((each) => !labels.includes(each))).toEqual([]);
});

describe('control: every example works here', () => {
  test.each(WRITING.map((route) => [label(route), route] as const))('%s', async (_label, route) => {
    const { call } = await bench();
    const answer = await call(route, '?dryRun=1');
    expect([answer.statusCode, answer.body]).toEqual([expect.toSatisfy((status: number) => status < 300), expect.any(String)]);
  });
});

describe('a disk with nothing but its reserve: 507 without the path of the store', () => {
  test.each(WRITING.map((route) => [label(route), route] as const))('%s', async (name, route) => {
    const { call, dir, fill, fatal } = await bench();
    fill();
    const answer = await call(route);
    if (UPKEEP.has(name)) expect(answer.statusCode).toBeLessThan(300);
    else {
      expect([answer.statusCode, answer.json()]).toEqual([507, expect.objectContaining({ code: 'STORE_FULL' })]);
      expect(answer.json<{ errors: object[] }>().errors[0]).not.toHaveProperty('pointer');
    }
    expect(answer.body).not.toContain(dir);
    expect(fatal).toEqual([]);
  });
});

describe('a store that failed: 503, and the process has to end', () => {
  test.each(WRITING.map((route) => [label(route), route] as const))('%s', async (_label, route) => {
    const { call, dir, writer, fatal } = await bench();
    const broken = Object.assign(new Error(`write ${dir}/data.mdb: I/O error`), { code: 5 });
    const nodes = {
      [Symbol.iterator](): never {
        throw broken;
      },
    };
    const failure: unknown = await writer.commit({ audit: auditEvent(), nodes }).catch((error: unknown) => error);
    if (!(failure instanceof StoreFailure)) throw new Error('the commit did not fail as a store does');
    const answer = await call(route);
    expect([answer.statusCode, answer.json()]).toEqual([503, expect.objectContaining({ code: 'STORE_BROKEN' })]);
    expect(answer.body).not.toContain(dir);
    expect(fatal.map(({ code }) => code)).toEqual(['STORE_BROKEN']);
    const event = alertEvent('example.com.', failure.problem);
    expect(event.text).toContain('I/O error');
    expect(event.text).not.toContain(dir);
  });
});

test('a queue that is full: 503 OVERLOADED from every one of them', async () => {
  const { call, writer, ...room } = await bench();
  const commit = writer.commit.bind(writer);
  const { promise, resolve } = Promise.withResolvers<void>();
  writer.commit = async (write) => {
    await promise;
    return commit(write);
  };
  const change = { op: 'set', name: 'x', type: 'A', ttl: 60, records: ['192.0.2.8'] } as const;
  const waiting = Array.from({ length: CHANGES_WAITING_MAX }, () => room.run({ kind: 'rrsets.change', zone: ZONE, operations: [change] }));
  for (const route of WRITING) {
    // Its entry in the audit log is upkeep, which has places of its own.
    if (label(route) === 'POST /v1/signers/:signer/export') continue;
    const answer = await call(route);
    expect([label(route), answer.statusCode, answer.json<{ code: string }>().code]).toEqual([label(route), 503, 'OVERLOADED']);
  }
  resolve();
  expect((await Promise.all(waiting)).every((each) => each.ok)).toBe(true);
});
