/**
 * Every route that writes, on a store without space, on one that fails, and behind a queue that is full: the answer is the same
 * everywhere, and none shows where the store is. The requests are the routes' own examples, which work where nothing fails
 * (routes.test.ts).
 */
import { describe, expect, test } from 'vitest';
import type { Route } from '#admin/http/route.ts';
import { adminRoutes } from '#admin/routes.ts';
import { CHANGES_WAITING_MAX } from '#base/limits/changes.ts';
import { alertEvent } from '#control/commands/events.ts';
import { nameOf } from '#dns/name.ts';
import { judgeSpace } from '#store/free-space.ts';
import { StoreFailure } from '#store/failure.ts';
import { exampleServer } from '../support/admin/example-server.ts';
import { auditEvent } from '../support/temporary-store.ts';

const MIB = 1024 * 1024;
const WRITING = adminRoutes().filter(({ writes }) => writes);
const label = ({ method, url }: Route) => `${method} ${url}`;
const EACH = WRITING.map((route) => [label(route), route] as const);

const EXPORT = 'POST /v1/signers/:signer/export';
/** It reads the store and writes into a folder of its own: it is most wanted when a store is ill. */
const BACKUP = 'POST /v1/backups';
const RESUME = 'POST /v1/backups/restored/resume';
/** Written even into the last reserve of the disk: what takes something away, and what must not wait for space. */
const UPKEEP = new Set([
  'DELETE /v1/zones/:zone',
  'DELETE /v1/tokens/:id',
  'DELETE /v1/signers/:signer',
  'POST /v1/zones/:zone/dkim/:selector/revoke',
  'POST /v1/dnssec/orders',
  // A hold: it stops what goes wrong.
  'POST /v1/zones/:zone/dnssec/orders',
  'DELETE /v1/zones/:zone/secondaries/:address',
  'DELETE /v1/tsig/:name',
  // A full disk is when alerts have to arrive.
  'POST /v1/alerts/test',
  EXPORT,
  BACKUP,
  // It ends a hold that only the restored store has.
  RESUME,
]);
/** Their commits are upkeep, which has places of its own in the queue. */
const OWN_PLACES = new Set([EXPORT, BACKUP, RESUME]);

test('every exception is a route that writes', () => {
  expect([...UPKEEP, ...OWN_PLACES].filter((each) => !WRITING.map(label).includes(each))).toEqual([]);
});

describe('a disk with nothing but its reserve: 507 without the path of the store', () => {
  test.each(EACH)('%s', async (name, route) => {
    let freeBytes = 1000 * MIB;
    const { dir, fatal, ...server } = await exampleServer({ space: () => judgeSpace(freeBytes, 400 * MIB) });
    freeBytes = 1 * MIB;
    const answer = await server.change(route);
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
  test.each(EACH)('%s', async (name, route) => {
    const { dir, writer, fatal, ...server } = await exampleServer();
    const broken = Object.assign(new Error(`write ${dir}/data.mdb: I/O error`), { code: 5 });
    const nodes = {
      [Symbol.iterator](): never {
        throw broken;
      },
    };
    const failure: unknown = await writer.commit({ audit: auditEvent(), nodes }).catch((error: unknown) => error);
    if (!(failure instanceof StoreFailure)) throw new Error('the commit did not fail as a store does');
    const answer = await server.change(route);
    const [status, body] = name === BACKUP ? [201, { removed: [] }] : [503, { code: 'STORE_BROKEN' }];
    expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining(body)]);
    expect(answer.body).not.toContain(dir);
    expect(fatal.map(({ code }) => code)).toContain('STORE_BROKEN');
    const event = alertEvent('example.com.', failure.problem);
    expect(event.text).toContain('I/O error');
    expect(event.text).not.toContain(dir);
  });
});

test('a queue that is full: 503 OVERLOADED from every one of them', async () => {
  const { writer, ...server } = await exampleServer();
  const commit = writer.commitTogether.bind(writer);
  const { promise, resolve } = Promise.withResolvers<void>();
  writer.commitTogether = async (collect) => {
    await promise;
    return await commit(collect);
  };
  const operation = { op: 'set', name: 'x', type: 'A', ttl: 60, records: ['192.0.2.8'] } as const;
  const command = { kind: 'rrsets.change', zone: nameOf('example.com.'), operations: [operation] } as const;
  const waiting = Array.from({ length: CHANGES_WAITING_MAX }, () => server.run(command));
  for (const route of WRITING) {
    if (OWN_PLACES.has(label(route))) continue;
    const answer = await server.change(route);
    const { code } = answer.json<{ code: string }>();
    expect([label(route), answer.statusCode, code]).toEqual([label(route), 503, 'OVERLOADED']);
  }
  resolve();
  expect((await Promise.all(waiting)).every((each) => each.ok)).toBe(true);
});
