/** RFC 9990 §4 between zones of ours: consent to DMARC reports comes with the address that they go to, and goes with it. */
import { describe, expect, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { verifyStore } from '#store/verify.ts';
import { rrsetOf } from '#zone/view.ts';
import { type TestControl, bad, good, temporaryControl, MAIL_ZONE_TEXT } from '../../support/temporary-control.ts';

const DOMAIN = nameOf('post.example.');
const HOST = nameOf('reports.test.');
const OWNER = nameOf('post.example._report._dmarc.in.reports.test.');
const base = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' } };
const toHost = { ...base, dmarc: { rua: ['mailto:d@in.reports.test'] } };
const toItself = { ...base, dmarc: { rua: ['mailto:d@post.example'] } };

async function house(): Promise<TestControl> {
  const room = temporaryControl();
  await room.load('post.example.', MAIL_ZONE_TEXT);
  await room.load('reports.test.', MAIL_ZONE_TEXT);
  return room;
}

const apply = (room: TestControl, zone: Uint8Array, policy: unknown) => room.run({ kind: 'mail.apply', zone, policy });

/** Who manages the consent; undefined: there is none. */
function consent({ control }: TestControl): string | undefined {
  return rrsetOf(control.zones.view(control.zones.find(HOST)!).node(ownerKey(OWNER)), TYPE.TXT)?.manager;
}

describe('RFC 9990 §4: consent in another zone of ours', () => {
  test('comes with the report address and goes with it, in the same change', async () => {
    const room = await house();
    good(await apply(room, DOMAIN, toHost));
    expect(consent(room)).toBe('mail');
    const planned = await room.run({ kind: 'mail.apply', zone: DOMAIN, policy: toItself }, { dryRun: true });
    expect([good(planned).changed, consent(room)]).toEqual([true, 'mail']);
    // The plan tells of it.
    expect(good(planned).elsewhere).toMatchObject([
      {
        zone: 'reports.test.',
        changeset: { deleted: expect.arrayContaining([expect.stringContaining('post.example._report._dmarc.in.')]) },
      },
    ]);
    good(await apply(room, DOMAIN, toItself));
    expect(consent(room)).toBeUndefined();
    good(await apply(room, DOMAIN, toHost));
    good(await apply(room, DOMAIN, { ...base, dmarc: { enabled: false } }));
    expect(consent(room)).toBeUndefined();
    expect(good(await apply(room, DOMAIN, { ...base, dmarc: { enabled: false } })).changed).toBe(false);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('waits for whoever has a right to that zone: a token for the domain alone does not reach into it', async () => {
    const room = await house();
    const token = { actor: { kind: 'token', id: 't1', from: '192.0.2.1' } } as const;
    // The wildcard of the other zone goes on answering at the name of the consent.
    const wildcard = { op: 'set', name: '*', type: 'TXT', ttl: 60, records: ['any'] } as const;
    good(await room.run({ kind: 'rrsets.change', zone: HOST, operations: [wildcard] }));
    const before = room.control.zones.find(HOST)!;
    const command = { kind: 'mail.apply', zone: DOMAIN, policy: toHost } as const;
    const applied = good(await room.run(command, token));
    expect(room.control.zones.find(HOST)).toEqual(before);
    expect(applied.elsewhere).toBeUndefined();
    expect(applied.warnings).toContainEqual(
      expect.objectContaining({
        code: 'MAIL_CONSENT_WAITS',
        fix: expect.stringContaining('waxseal rrset set reports.test. post.example._report._dmarc.in.reports.test. TXT 3600 "v=DMARC1"'),
      }),
    );
    // It waits in the status too, also after steps that time brings, and after an order of that token.
    good(await room.run({ kind: 'lifecycle.tick', zone: DOMAIN, observations: [] }, { actor: { kind: 'system', id: 'x', from: '' } }));
    good(await room.run({ kind: 'lifecycle.hold', zone: DOMAIN, reason: 'a test' }, token));
    expect(consent(room)).toBeUndefined();
    const codes = () => room.control.mail.view(room.control.zones.find(DOMAIN)!)!.problems.map(({ code }) => code);
    expect(codes()).toContain('MAIL_CONSENT_WAITS');
    // The owner of the other zone publishes the record that was shown.
    const shown = {
      op: 'set',
      name: 'post.example._report._dmarc.in.reports.test.',
      type: 'TXT',
      ttl: 3600,
      records: ['v=DMARC1'],
    } as const;
    good(await room.run({ kind: 'rrsets.change', zone: HOST, operations: [shown] }));
    expect(codes()).not.toContain('MAIL_CONSENT_WAITS');
    expect(consent(room)).toBe('manual');
  });

  test('comes when the token has a right to both zones, or the administrator applies the policy', async () => {
    for (const options of [{ actor: { kind: 'token', id: 't1', from: '' }, mayChange: () => true }, {}] as const) {
      const room = await house();
      good(await room.run({ kind: 'mail.apply', zone: DOMAIN, policy: toHost }, options));
      expect(consent(room)).toBe('mail');
    }
  });

  test.each([
    ['delete', undefined],
    ['keep', 'manual'],
  ] as const)('when the policy is removed, with its records: %s', async (records, manager) => {
    const room = await house();
    good(await apply(room, DOMAIN, toHost));
    good(await room.run({ kind: 'mail.remove', zone: DOMAIN, records }));
    expect(consent(room)).toBe(manager);
  });

  test('goes with the zone of the domain', async () => {
    const room = await house();
    good(await apply(room, DOMAIN, toHost));
    good(await room.run({ kind: 'zone.remove', zone: DOMAIN }, { dryRun: true }));
    expect(consent(room)).toBe('mail');
    good(await room.run({ kind: 'zone.remove', zone: DOMAIN }));
    expect(consent(room)).toBeUndefined();
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('does not go while the policy of the host wants it too, and the other way round', async () => {
    const room = await house();
    const ofHost = (acceptReportsOf: string[]) => apply(room, HOST, { ...base, dmarc: { acceptReportsOf } });
    const atHost = (policy: unknown) => apply(room, DOMAIN, policy);
    // The host's policy says it for its own name, the domain sends its reports there.
    const toApex = { ...base, dmarc: { rua: ['mailto:d@reports.test'] } };
    const owner = ownerKey(nameOf('post.example._report._dmarc.reports.test.'));
    const isThere = () => rrsetOf(room.control.zones.view(room.control.zones.find(HOST)!).node(owner), TYPE.TXT) !== undefined;
    good(await ofHost(['post.example']));
    good(await atHost(toApex));
    good(await atHost(toItself));
    expect(isThere()).toBe(true);
    good(await atHost(toApex));
    good(await ofHost([]));
    expect(isThere()).toBe(true);
    good(await room.run({ kind: 'mail.remove', zone: HOST, records: 'delete' }));
    expect(isThere()).toBe(true);
    good(await atHost(toItself));
    expect(isThere()).toBe(false);
  });

  test('one put by hand is left alone', async () => {
    const room = await house();
    const set = { op: 'set', name: 'post.example._report._dmarc.in.reports.test', type: 'TXT', ttl: 60, records: ['"v=DMARC1"'] } as const;
    good(await room.run({ kind: 'rrsets.change', zone: HOST, operations: [set] }));
    good(await apply(room, DOMAIN, toHost));
    good(await apply(room, DOMAIN, toItself));
    expect(consent(room)).toBe('manual');
    good(await room.run({ kind: 'rrsets.change', zone: HOST, operations: [{ ...set, op: 'delete', records: [] }] }));
    good(await apply(room, DOMAIN, toHost));
    const [refused] = bad(await room.run({ kind: 'rrsets.change', zone: HOST, operations: [{ ...set, op: 'delete', records: [] }] }));
    expect(refused?.code).toBe('RRSET_MANAGED');
  });

  test('where the host is given away, it is for others to say', async () => {
    const room = await house();
    await room.load('reports.test.', `${MAIL_ZONE_TEXT.replace(' 10 7200', ' 90 7200')}in 3600 NS ns.elsewhere.example.\n`);
    good(await apply(room, DOMAIN, toHost));
    expect(consent(room)).toBeUndefined();
  });
});
