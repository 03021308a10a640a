/** Orders to the lives of mail: what each wrong one is answered with, and that the state given stays as it is. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { inBody } from '#base/place.ts';
import { type MailOrder, takeOrder } from '#control/mail/orders.ts';
import { bad, good } from '../../support/temporary-control.ts';
import { MAIL_ZONE, temporaryMail } from '../../support/temporary-mail.ts';

const zone = MAIL_ZONE;
const HOUR_MS = 3_600_000;
const [FIRST, SECOND, THIRD] = ['11', '22', '33'].map((octet) => `3 1 1 ${octet.repeat(32)}`);
const POLICY = {
  mtaSts: { mode: 'off' },
  dkim: { algorithms: ['ed25519'], signers: ['mx'] },
  dane: { hosts: { mx1: { keys: [FIRST] } } },
};
const KEY = 'e20260101a';

/** What takes an order of the token `deploy` into the state that the store has. */
async function orders() {
  const { room, steps, served, stored } = await temporaryMail(POLICY);
  const take = (order: MailOrder, state = stored().state) => {
    const { view } = served();
    return takeOrder(order, { domain: zone, policy: stored().policy, state, view, facts: steps.facts(view), by: 'token deploy' });
  };
  return { room, take, stored };
}

test('an object that is not there is neither held nor resumed nor overridden', async () => {
  const { take } = await orders();
  const absent = { zone, object: 'nothing', reason: 'x' };
  const expected = [{ code: 'LIFECYCLE_OBJECT', message: expect.stringContaining('there is nothing called "nothing"') }];
  expect(bad(take({ kind: 'lifecycle.hold', ...absent }))).toMatchObject(expected);
  expect(bad(take({ kind: 'lifecycle.resume', zone, object: 'nothing' }))).toMatchObject(expected);
  expect(bad(take({ kind: 'lifecycle.override', ...absent, wait: 'dwell' }))).toMatchObject(expected);
});

test('a wait that an object does not have is answered with those that it has', async () => {
  const { take } = await orders();
  expect(bad(take({ kind: 'lifecycle.override', zone, object: 'dmarc', wait: 'rain', reason: 'x' }))).toMatchObject([
    { code: 'LIFECYCLE_WAIT', fix: expect.stringMatching(/^it waits for: .*dwell/) },
  ]);
});

test('a hold of everything says why, who and since when; the state given stays as it is', async () => {
  const { room, take, stored } = await orders();
  const before = stored().state;
  const held = good(take({ kind: 'lifecycle.hold', zone, reason: 'migration' }, before));
  expect(held.state.dkim.lifecycle.hold).toEqual({ reason: 'migration', by: 'token deploy', atMs: room.clock.nowMs() });
  expect(held).toMatchObject({ detail: 'everything held: migration', note: {}, newKeys: [], events: [] });
  expect(before).toEqual(stored().state);
  // A life that has nothing to hold was held too, and stays as an empty one.
  const mtaSts = { ...before.mtaSts, policyHost: { version: 1, objects: [] } };
  const empty = { version: 1, objects: [] };
  const bimi = { host: empty, files: empty, lastVersion: 0 };
  expect(good(take({ kind: 'lifecycle.resume', zone }, held.state)).state).toEqual({ ...before, mtaSts, bimi });
});

test('a signer acknowledges active keys only; a wrong selector is answered with the right ones', async () => {
  const { room, take } = await orders();
  const ack = (...selectors: string[]) => take({ kind: 'dkim.ack', zone, signer: 'mx', selectors, isAll: true });
  expect(bad(ack(KEY))).toMatchObject([{ code: 'SIGNER_SELECTOR', fix: 'no key is active now' }]);
  await room.live(HOUR_MS);
  expect(bad(ack('other', KEY))).toMatchObject([{ code: 'SIGNER_SELECTOR', fix: `active now: ${KEY}` }]);
  expect(good(ack(KEY)).detail).toBe(`mx signs with ${KEY} and no other`);
});

test('a key is added for a signer of the policy, once', async () => {
  const { room, take, stored } = await orders();
  const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
  const add = (signer: string) => ({ kind: 'dkim.add', zone, signer, publicKey }) as const;
  expect(bad(take(add('stranger')))).toMatchObject([{ code: 'LIFECYCLE_OBJECT', fix: 'add it to dkim.signers of the mail policy' }]);
  expect(good(take(add('mx'))).newKeys).toMatchObject([{ algorithm: 'ed25519', signer: 'mx' }]);
  good(await room.run(add('mx')));
  expect(stored().state.dkim.lifecycle.objects.map(({ data }) => data.signer)).toContain('mx');
  expect(bad(take(add('mx')))).toMatchObject([{ code: 'LIFECYCLE_ORDER', fix: 'make a new one for each rotation' }]);
});

test('a DMARC ramp is paused with a reason only; resumed without', async () => {
  const { take } = await orders();
  const ramp = (action: 'pause' | 'resume', reason: string) => take({ kind: 'dmarc.ramp', zone, action, reason });
  expect(bad(ramp('pause', ' '))).toMatchObject([{ code: 'LIFECYCLE_REASON', message: expect.stringContaining('pause needs a reason') }]);
  expect(good(ramp('pause', 'invoices fail'))).toMatchObject({
    detail: 'DMARC ramp paused: invoices fail',
    note: { object: 'dmarc' },
  });
  expect(good(ramp('resume', '')).detail).toBe('DMARC ramp continues');
});

test('RFC 6698 §2.1.3: a TLSA key that is too short for its digest is told at its place in the request', async () => {
  const { take } = await orders();
  const problems = bad(take({ kind: 'tlsa.next', zone, host: 'mx1', key: '3 1 1 1122' }));
  expect(problems.map(({ at }) => at)).toEqual([inBody('/key')]);
});

test('without an object, a TLSA order is for the only key to come: none and two are rejected, with the way out', async () => {
  const { take, stored } = await orders();
  const activate = { kind: 'tlsa.activated', zone, host: 'mx1', force: true } as const;
  const abandon = { kind: 'tlsa.abandon', zone, host: 'mx1', reason: 'lost' } as const;
  expect(bad(take(activate))).toMatchObject([{ code: 'LIFECYCLE_OBJECT', fix: 'publish it first with: waxseal tlsa next' }]);
  expect(bad(take(abandon))).toMatchObject([{ code: 'LIFECYCLE_OBJECT', fix: 'see: waxseal tlsa list' }]);
  const next = (key: string, state = stored().state) => good(take({ kind: 'tlsa.next', zone, host: 'mx1', key }, state));
  const one = next(SECOND!);
  const two = next(THIRD!, one.state);
  expect(bad(take(abandon, two.state))).toMatchObject([
    { code: 'LIFECYCLE_OBJECT', fix: `say which: ${one.note.object}, ${two.note.object}` },
  ]);
  expect(good(take(abandon, one.state)).note).toEqual({ object: one.note.object });
  expect(bad(take({ ...abandon, object: 'tlsa-other-1' }, one.state))[0]?.code).toBe('LIFECYCLE_OBJECT');
});
