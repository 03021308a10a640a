/** Steps of a mail policy as data: what a change holds, what stops it; nothing is written before it is carried out. */
import { expect, test } from 'vitest';
import { LIFECYCLE_RETRY_MS } from '#base/limits/lifecycle.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { newMailState } from '#mail/state.ts';
import { type MailChange } from '#control/mail/steps.ts';
import { readGiven } from '#control/mail/given.ts';
import { MAIL_ZONE_TEXT, bad, good } from '../../support/temporary-control.ts';
import { MAIL_ZONE, temporaryMail } from '../../support/temporary-mail.ts';

const POLICY = { mtaSts: { mode: 'off' }, dkim: { algorithms: ['ed25519'] } };
const CONSENTED = { ...POLICY, dkim: { algorithms: [] }, dmarc: { rua: ['mailto:d@reports.test'] } };

/** A zone without a policy, and what a step with `policy` needs: a state that was never written. */
async function firstStep(policy: unknown = POLICY) {
  const mail = await temporaryMail();
  const { served, room, steps } = mail;
  const { policy: settled } = good(readGiven(policy, MAIL_ZONE));
  const fresh = () => ({ policy: settled, state: newMailState(served().view, MAIL_ZONE, steps.facts(served().view).nowMs) });
  const step = (more: { isStrict?: boolean; mayChange?: (apex: Uint8Array) => boolean } = {}) =>
    steps.step(served(), fresh(), { detail: 'test', ...more });
  const inTheWay = () =>
    room.run({
      kind: 'rrsets.change',
      zone: MAIL_ZONE,
      operations: [{ op: 'set', name: '_smtp._tls.post.example', type: 'TXT', ttl: 60, records: ['"v=TLSRPTv1; rua=mailto:x@a.test"'] }],
    });
  return { ...mail, step, inTheWay };
}

const owners = ({ parts: [part] }: MailChange) =>
  typeof part!.changes === 'function' ? [] : part!.changes.map(({ owner }) => formatName(owner));

test('a strict step with an error is not taken; one that is not strict does the rest and warns of it', async () => {
  const { step, inTheWay } = await firstStep();
  good(await inTheWay());
  expect(bad(await step({ isStrict: true }))).toMatchObject([{ code: 'MAIL_CONFLICT', severity: 'error' }]);
  const change = good(await step());
  expect(change.warnings).toMatchObject([{ code: 'MAIL_CONFLICT', severity: 'warning' }]);
  expect(owners(change)).toContain('_dmarc.post.example.');
  expect(owners(change)).not.toContain('_smtp._tls.post.example.');
});

test('a step is data: the store has no policy and no state of it, whether it succeeds or not', async () => {
  const { step, steps, served, inTheWay } = await firstStep();
  expect(good(await step({ isStrict: true })).secrets).toHaveLength(1);
  expect(steps.stored(served().record)).toBeUndefined();
  good(await inTheWay());
  bad(await step({ isStrict: true }));
  expect(steps.stored(served().record)).toBeUndefined();
});

test('keys are made once: the step after a plan has the same ones, until they are committed', async () => {
  const { step, steps } = await firstStep();
  const planned = good(await step());
  const applied = good(await step());
  expect(planned.keys).toHaveLength(1);
  expect(applied.keys.map(({ key }) => key.publicKey)).toEqual(planned.keys.map(({ key }) => key.publicKey));
  expect(applied.secrets).toEqual(planned.secrets);
  steps.committed('post.example.', applied.keys);
  const [another] = good(await step()).keys;
  expect(another?.key.publicKey).not.toBe(planned.keys[0]!.key.publicKey);
});

test('RFC 9990 §4: a record for another zone of ours is part of the step only if it may change that zone', async () => {
  const { step, room } = await firstStep(CONSENTED);
  await room.load('reports.test.', MAIL_ZONE_TEXT);
  const zones = ({ parts }: MailChange) => parts.map(({ record }) => record?.name);
  expect(zones(good(await step()))).toEqual(['post.example.']);
  expect(zones(good(await step({ mayChange: () => false })))).toEqual(['post.example.']);
  const apexes: string[] = [];
  const mayChange = (apex: Uint8Array) => apexes.push(formatName(apex)) > 0;
  expect(zones(good(await step({ mayChange })))).toEqual(['post.example.', 'reports.test.']);
  expect(new Set(apexes)).toEqual(new Set([formatName(nameOf('reports.test.'))]));
});

test('a step in which nothing happens is unchanged, and quiet if that was asked for', async () => {
  const { steps, served, stored } = await temporaryMail(POLICY);
  const request = { detail: 'due' };
  expect(good(await steps.step(served(), stored(), request))).toMatchObject({ isChanged: false, isQuiet: false, detail: 'due' });
  expect(good(await steps.step(served(), stored(), { ...request, isQuiet: true })).isQuiet).toBe(true);
});

test('a preview says what is due and changes nothing; without a policy there is none', async () => {
  const without = await temporaryMail();
  expect(without.steps.preview(without.served())).toBeUndefined();
  const { steps, served, stored, room } = await temporaryMail(POLICY);
  const before = stored();
  room.clock.pass(40 * 86_400_000);
  const preview = steps.preview(served())!;
  expect(preview.state).not.toEqual(before.state);
  expect(stored()).toEqual(before);
  expect(steps.preview(served())).toEqual(preview);
});

test('an error is looked at again soon: what is in its way may be gone', async () => {
  const { step, steps, served, inTheWay } = await firstStep({ ...POLICY, dkim: { algorithms: [] } });
  const soonMs = steps.facts(served().view).nowMs + LIFECYCLE_RETRY_MS;
  const dueAtMs = ({ documents }: MailChange) => Math.min(...documents.flatMap((each) => ('dueAtMs' in each ? (each.dueAtMs ?? []) : [])));
  expect(dueAtMs(good(await step()))).toBeGreaterThan(soonMs);
  good(await inTheWay());
  expect(dueAtMs(good(await step()))).toBe(soonMs);
});
