/** What each mail command decides before it is written: records, documents, secrets, and how they are written. */
import { expect, test } from 'vitest';
import { type RrsetChange } from '#zone/changeset.ts';
import { formatName } from '#dns/name.ts';
import { type Decision } from '#control/commands/decision.ts';
import { NEW_SPF_WATCH, type SpfLook, spfBasis } from '#mail/spf/upkeep.ts';
import { type SpfTree } from '#mail/spf/tree.ts';
import { SPF_KIND } from '#store/mail/spf-watch.ts';
import { TYPE } from '#dns/types.ts';
import { TEST_ACTOR, bad, good } from '../../support/temporary-control.ts';
import { MAIL_ZONE, temporaryMail } from '../../support/temporary-mail.ts';

const zone = MAIL_ZONE;
const POLICY = { mtaSts: { mode: 'off' }, dkim: { algorithms: ['ed25519'] } };
const KEY = 'e20260101a';

const changesOf = ({ parts = [] }: Decision): readonly RrsetChange[] =>
  parts.flatMap(({ changes }) => (typeof changes === 'function' ? [] : changes));

const dmarcOf = (decision: Decision) =>
  changesOf(decision).find(({ owner, type }) => formatName(owner) === '_dmarc.post.example.' && type === TYPE.TXT);

/** A look under the SPF policy of `basis`, which found nothing. */
const NO_TREE: SpfTree = {
  domain: 'post.example',
  state: 'none',
  text: '',
  ownerBytes: 0,
  branches: [],
  problems: [],
  lookups: 0,
  voids: 0,
  voidsIpv4: 0,
  voidsIpv6: 0,
};
const lookFor = (basis: string): SpfLook => ({ basis, sources: [], watch: NEW_SPF_WATCH, tree: NO_TREE, alerts: [], recovered: [] });

test('a policy for a zone that is not served is looked at without an error, and rejected in its turn', async () => {
  const { room, handlers, context } = await temporaryMail();
  good(await room.run({ kind: 'zone.remove', zone }));
  const decide = good(await handlers['mail.apply'].look!({ kind: 'mail.apply', zone, policy: POLICY }));
  expect(bad(await decide({ ...context(), served: undefined }))).toMatchObject([
    { code: 'ZONE_NOT_FOUND', fix: expect.stringContaining('waxseal zone list') },
  ]);
});

test('RFC 7208 §4.6.4: a policy whose SPF costs too much is rejected by the look, before its turn', async () => {
  const { handlers } = await temporaryMail();
  const mechanisms = Array.from({ length: 11 }, (_, at) => `a:h${at}.post.example`);
  const policy = { ...POLICY, spf: { mechanisms } };
  const looked = await handlers['mail.apply'].look!({ kind: 'mail.apply', zone, policy });
  expect(bad(looked).map(({ code }) => code)).toContain('SPF_LOOKUPS');
});

test('without a policy there is nothing to give an order to', async () => {
  const { handlers, context } = await temporaryMail();
  const hold = { kind: 'lifecycle.hold', zone, reason: 'x' } as const;
  expect(bad(await handlers['lifecycle.hold'].decide(hold, context()))).toMatchObject([
    { code: 'MAIL_NO_POLICY', fix: 'propose one: waxseal mail plan post.example. --from-zone' },
  ]);
});

test('a policy that goes gives its records up as manual ones, or deletes them; its private keys go in both cases', async () => {
  const { handlers, context, stored } = await temporaryMail(POLICY);
  const remove = async (records: 'keep' | 'delete') =>
    good(await handlers['mail.remove'].decide({ kind: 'mail.remove', zone, records }, context()));
  const [kept, deleted] = [await remove('keep'), await remove('delete')];
  expect(dmarcOf(kept)?.rrset?.manager).toBe('manual');
  expect(dmarcOf(deleted)).toMatchObject({ rrset: null });
  const ids = stored().state.dkim.lifecycle.objects.map(({ data }) => data.secretId);
  expect(ids).toHaveLength(1);
  for (const { secrets } of [kept, deleted]) expect(secrets).toMatchObject([{ id: ids[0], value: null }]);
  expect([kept.detail, deleted.detail]).toEqual([
    'mail policy removed, its records are manual now',
    'mail policy removed with its records',
  ]);
});

test('a look at SPF under another policy is discarded', async () => {
  const { handlers, context, stored } = await temporaryMail(POLICY);
  const take = async (basis: string) =>
    good(await handlers['spf.take'].decide({ kind: 'spf.take', zone, look: lookFor(basis) }, context()));
  const watched = ({ documents = [] }: Decision) => documents.filter(({ kind }) => kind === SPF_KIND);
  const other = await take('another policy');
  expect(other).toMatchObject({ isChanged: false, isQuiet: true, detail: 'due', parts: [] });
  expect(watched(other)).toEqual([]);
  expect(watched(await take(spfBasis({ policy: stored().policy.spf })))).toHaveLength(1);
});

test('a tick is written though nothing changes, for its new time; an order is written because it changes something', async () => {
  const { handlers, context } = await temporaryMail(POLICY);
  const tick = await handlers['lifecycle.tick'].decide({ kind: 'lifecycle.tick', zone, observations: [] }, context());
  expect(good(tick)).toMatchObject({ isChanged: false, isAlwaysWritten: true, isQuiet: true, parts: [] });
  const hold = await handlers['lifecycle.hold'].decide({ kind: 'lifecycle.hold', zone, reason: 'x' }, context());
  expect(good(hold)).toMatchObject({ isChanged: true, isAlwaysWritten: false, isQuiet: false });
});

test('what time and theft ask for is written on a full disk too; other orders are not', async () => {
  const { handlers } = await temporaryMail();
  const upkeep = Object.entries(handlers).filter(([, { isUpkeep }]) => isUpkeep === true);
  expect(upkeep.map(([kind]) => kind).toSorted()).toEqual(['dkim.revoke', 'lifecycle.tick', 'spf.take']);
});

test('events of an order are told after its commit, and histories name who gave it', async () => {
  const { handlers, context, committed } = await temporaryMail(POLICY);
  const revoke = { kind: 'dkim.revoke', zone, selector: KEY, reason: 'stolen', when: 'at-once' } as const;
  const actor = { ...TEST_ACTOR, kind: 'token', id: 'deploy' } as const;
  const decision = good(await handlers['dkim.revoke'].decide(revoke, { ...context(), actor }));
  expect(committed).toEqual([]);
  expect(JSON.stringify(decision.documents)).toContain('token deploy');
  decision.afterCommit!();
  expect(committed).toMatchObject([['post.example.', expect.arrayContaining([expect.objectContaining({ object: KEY })])]]);
});
