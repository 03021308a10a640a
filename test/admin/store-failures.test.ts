/** A store that is full or broken, seen through the API: the status says so, and no answer or event shows where the store is. */
import { expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { alertEvent } from '#control/commands/events.ts';
import { judgeSpace } from '#store/free-space.ts';
import { StoreFailure } from '#store/failure.ts';
import { TEST_ACTOR, good, temporaryControl } from '../support/temporary-control.ts';
import { auditEvent } from '../support/temporary-store.ts';

const MIB = 1024 * 1024;
const ZONE_TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';

async function bench() {
  let freeBytes = 300 * MIB;
  const room = temporaryControl({ space: () => judgeSpace(freeBytes, 400 * MIB) });
  await room.load('example.', ZONE_TEXT);
  const app = await buildAdmin({ control: room.control });
  onTestFinished(async () => {
    await app.close();
  });
  const { secret } = good(await room.control.tokens.create('test', ['admin'], undefined, TEST_ACTOR));
  const headers = { authorization: `Bearer ${secret}` };
  const payload = { ttl: 300, records: ['192.0.2.9'] };
  const change = () => app.inject({ method: 'PUT', url: '/v1/zones/example/rrsets/a/A', headers, payload });
  return { ...room, change, fill: () => (freeBytes = 1 * MIB) };
}

test('full: 507 without the path of the store', async () => {
  const { change, dir, fill } = await bench();
  fill();
  const answer = await change();
  expect(answer.statusCode).toBe(507);
  expect(answer.json()).toMatchObject({ code: 'STORE_FULL', detail: expect.stringContaining('no room'), errors: [{ at: '' }] });
  expect(answer.json<{ errors: object[] }>().errors[0]).not.toHaveProperty('pointer');
  expect(answer.body).not.toContain(dir);
});

test('broken: 503 without the path of the store, though the error of the disk names it', async () => {
  const { change, dir, writer } = await bench();
  const broken = Object.assign(new Error(`write ${dir}/data.mdb: I/O error`), { code: 5 });
  const nodes = {
    [Symbol.iterator](): never {
      throw broken;
    },
  };
  const failure: unknown = await writer.commit({ audit: auditEvent(), nodes }).catch((error: unknown) => error);
  if (!(failure instanceof StoreFailure)) throw new Error('the commit did not fail as a store does');
  expect(failure).toMatchObject({ code: 'STORE_BROKEN', message: expect.stringContaining(dir) });
  const answer = await change();
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toMatchObject({ code: 'STORE_BROKEN', errors: [{ at: '' }] });
  expect(answer.body).not.toContain(dir);
  const event = alertEvent('example.', failure.problem);
  expect(event.text).toContain('I/O error');
  expect(event.text).not.toContain(dir);
});
