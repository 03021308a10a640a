/** The mail of a zone in the control room: policy in, records out, keys that change, and what is left after a crash. */
import { storedDkimKeys } from '#control/mail/dkim-keys.ts';
import { atRrset } from '#base/place.ts';
import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nameOf, ownerKey, parseName } from '#dns/name.ts';
import { typeCode } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type Resolver } from '#dns/resolver.ts';
import { txtText } from '#mail/text/txt.ts';
import { verifyStore } from '#store/verify.ts';
import { rrsetOf } from '#zone/view.ts';
import { type TestControl, bad, good, temporaryControl } from '../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 mx1
@ 3600 TXT "site-verification=1"
ns1 3600 A 192.0.2.1
mx1 3600 A 192.0.2.25
`;
const POLICY = { mtaSts: { mode: 'off' }, dkim: { queueLife: '5d' } };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const apply = (policy: unknown = POLICY, takeOver = false) => ({ kind: 'mail.apply', zone: ZONE, policy, takeOver }) as const;

/** Texts at a name of the zone. */
function texts({ control }: TestControl, owner: string): string[] {
  const name = parseName(owner, ZONE);
  if (!name.ok) throw new Error(owner);
  const node = control.zones.view(control.zones.find(ZONE)!).node(ownerKey(name.value));
  return (rrsetOf(node, TYPE.TXT)?.rdatas ?? []).map(txtText).toSorted();
}

function managerOf({ control }: TestControl, owner: string, type: string): string | undefined {
  const name = parseName(owner, ZONE);
  if (!name.ok) throw new Error(owner);
  return rrsetOf(control.zones.view(control.zones.find(ZONE)!).node(ownerKey(name.value)), typeCode(type)!)?.manager;
}

function keys({ control }: TestControl): Record<string, string> {
  return Object.fromEntries(control.mail.view(control.zones.find(ZONE)!)!.state.dkim.lifecycle.objects.map(({ id, stage }) => [id, stage]));
}

/** A room with the zone, whose workers serve everything at once. */
async function mailRoom(options: Parameters<typeof temporaryControl>[0] = {}): Promise<TestControl> {
  const room = temporaryControl({ sources: ['mail'], ...options });
  if (room.control.zones.find(ZONE) === undefined) await room.load('post.example.', TEXT);
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  return room;
}

describe('mail.apply', () => {
  test('what is planned is what is applied, keys included; the second time nothing changes', async () => {
    const room = await mailRoom();
    const planned = good(await room.run(apply(), { dryRun: true }));
    expect(room.control.mail.view(room.control.zones.find(ZONE)!)).toBeUndefined();
    const applied = good(await room.run(apply()));
    // Signatures hold a random number each.
    const records = (lines: readonly string[]) => lines.filter((line) => !line.includes(' IN RRSIG '));
    expect(records(applied.changeset.added)).toEqual(records(planned.changeset.added));
    expect(records(applied.changeset.deleted)).toEqual(records(planned.changeset.deleted));
    expect(applied).toMatchObject({ changed: true, serial: 11 });
    expect(texts(room, '@')).toEqual(['site-verification=1', 'v=spf1 mx ~all']);
    expect(texts(room, '_dmarc')).toEqual(['v=DMARC1; p=none; rua=mailto:postmaster@post.example']);
    expect(texts(room, '_smtp._tls')).toEqual(['v=TLSRPTv1; rua=mailto:postmaster@post.example']);
    expect(keys(room)).toEqual({ r20260101a: 'published', e20260101a: 'published' });
    expect(good(await room.run(apply()))).toMatchObject({ changed: false, serial: 11 });
    expect(verifyStore(room.writer).problems).toEqual([]);
  });
});

describe('beside records put by hand', () => {
  test('a record in the way is told and refused, with the way out; taken over it is replaced', async () => {
    const room = await mailRoom();
    const set = {
      op: 'set',
      name: '_smtp._tls.post.example',
      type: 'TXT',
      ttl: 60,
      records: ['"v=TLSRPTv1; rua=mailto:x@other.example"'],
    } as const;
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [set] }));
    const [problem] = bad(await room.run(apply()));
    expect(problem).toMatchObject({
      code: 'MAIL_CONFLICT',
      at: atRrset('_smtp._tls.post.example.', 'TXT'),
      fix: expect.stringContaining('--from-zone'),
    });
    expect(managerOf(room, '_smtp._tls', 'TXT')).toBe('manual');
    good(await room.run(apply(POLICY, true)));
    expect(managerOf(room, '_smtp._tls', 'TXT')).toBe('mail');
    expect(texts(room, '_smtp._tls')).toEqual(['v=TLSRPTv1; rua=mailto:postmaster@post.example']);
  });

  test('the policy that a zone proposes takes its records over without a change of any', async () => {
    const room = await mailRoom();
    const records = ['_dmarc 3600 TXT "v=DMARC1; p=reject; rua=mailto:d@post.example"', '@ 3600 TXT "v=spf1 mx -all"'];
    await room.load('post.example.', `${TEXT.replace(' 10 7200', ' 11 7200')}${records.join('\n')}\n`);
    const { document } = await room.control.mail.proposal(room.control.zones.find(ZONE)!);
    const outcome = good(await room.run(apply(document)));
    expect(outcome.changeset).toMatchObject({ added: [], deleted: [] });
    expect(managerOf(room, '_dmarc', 'TXT')).toBe('mail');
  });

  test('RFC 7208 §3.2: TXT beside SPF is changed by hand, SPF is not', async () => {
    const room = await mailRoom();
    good(await room.run(apply()));
    const change = (op: 'add' | 'remove' | 'set' | 'delete', ...records: string[]) =>
      room.run({ kind: 'rrsets.change', zone: ZONE, operations: [{ op, name: '@', type: 'TXT', records }] });
    good(await change('add', '"other=2"'));
    expect(texts(room, '@')).toEqual(['other=2', 'site-verification=1', 'v=spf1 mx ~all']);
    good(await change('remove', '"site-verification=1"'));
    expect(bad(await change('remove', '"v=spf1 mx ~all"'))).toMatchObject([{ code: 'RRSET_MANAGED' }]);
    expect(bad(await change('set', '"v=spf1 -all"'))).toMatchObject([{ code: 'RRSET_MANAGED' }]);
    good(await change('delete'));
    expect(texts(room, '@')).toEqual(['v=spf1 mx ~all']);
    expect(managerOf(room, '@', 'TXT')).toBe('mail');
    expect(
      bad(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [{ op: 'delete', name: '_dmarc', type: 'TXT' }] })),
    ).toMatchObject([{ code: 'RRSET_MANAGED' }]);
  });

  test('an import leaves what the policy keeps, and says so; TXT beside SPF is that of the file', async () => {
    const room = await mailRoom();
    good(await room.run(apply()));
    const before = keys(room);
    const file = `${TEXT.replace(' 10 7200', ' 50 7200').replace('site-verification=1', 'site-verification=2')}_dmarc 60 TXT "v=DMARC1; p=none"\n`;
    const outcome = await room.load('post.example.', file);
    expect(outcome.warnings).toMatchObject([{ code: 'RRSET_MANAGED', at: atRrset('_dmarc.post.example.', 'TXT') }]);
    expect(texts(room, '@')).toEqual(['site-verification=2', 'v=spf1 mx ~all']);
    expect(texts(room, '_dmarc')).toEqual(['v=DMARC1; p=none; rua=mailto:postmaster@post.example']);
    expect(keys(room)).toEqual(before);
    expect(bad(await room.run({ kind: 'zone.revert', zone: ZONE, serial: 11 }))[0]?.code).toBe('RRSET_MANAGED');
  });

  test('removed, its records stay as manual ones, its keys and its due times go', async () => {
    const room = await mailRoom();
    good(await room.run(apply()));
    good(await room.run({ kind: 'mail.remove', zone: ZONE, records: 'keep' }));
    expect(managerOf(room, '_dmarc', 'TXT')).toBe('manual');
    expect(room.control.mail.view(room.control.zones.find(ZONE)!)).toBeUndefined();
    // Signed as it is, its parent is still looked at.
    const ofMail = room.control.lifecycles.sources.filter(({ name }) => name !== 'dnssec');
    expect(ofMail.map(({ name }) => name)).toEqual(expect.arrayContaining(['mail', 'spf', 'certificate']));
    for (const source of ofMail) expect(source.nextDueMs()).toBeUndefined();
    expect(bad(await room.run({ kind: 'dkim.rotate', zone: ZONE, algorithms: [], reason: 'x' }))[0]?.code).toBe('MAIL_NO_POLICY');
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('RFC 7208 §4.6.4: a record that costs too much is refused with its tree', async () => {
    const room = await mailRoom();
    const mechanisms = Array.from({ length: 11 }, (_, at) => `a:h${at}.post.example`);
    expect(bad(await room.run(apply({ ...POLICY, spf: { mechanisms } }))).map(({ code }) => code)).toContain('SPF_LOOKUPS');
  });
});

describe('RFC 6376 §5.2: a key over time', () => {
  test(
    'a year of rotations: each key is seen, then waited for, then used; one active key per algorithm at every moment',
    { timeout: 60_000 },
    async () => {
      const room = await mailRoom();
      good(await room.run(apply()));
      const seen = new Map<string, string[]>();
      for (let day = 0; day < 365; day++) {
        await room.live(DAY_MS);
        const now = keys(room);
        expect(Object.entries(now).filter(([id, stage]) => id.startsWith('r') && stage === 'active')).toHaveLength(1);
        expect(Object.entries(now).filter(([id, stage]) => id.startsWith('e') && stage === 'active')).toHaveLength(1);
        for (const [id, stage] of Object.entries(now)) {
          const stages = seen.get(id) ?? [];
          if (stages.at(-1) !== stage) stages.push(stage);
          seen.set(id, stages);
          expect(texts(room, `${id}._domainkey`)).toHaveLength(stage === 'generated' ? 0 : 1);
        }
      }
      expect([...seen.keys()].filter((id) => id.startsWith('r')).length).toBeGreaterThanOrEqual(4);
      expect(texts(room, '_dmarc')).toEqual(['v=DMARC1; p=reject; rua=mailto:postmaster@post.example']);
      expect(verifyStore(room.writer).problems).toEqual([]);
    },
  );
});

describe('what happens in between', () => {
  test('a process that dies between steps goes on where it was; time that nobody counted does not count', async () => {
    const first = await mailRoom();
    good(await first.run(apply()));
    await first.live(HOUR_MS);
    expect(keys(first)).toEqual({ r20260101a: 'active', e20260101a: 'active' });
    good(await first.run({ kind: 'dkim.rotate', zone: ZONE, algorithms: ['ed25519'], reason: 'test' }));
    await first.writer.close();

    const second = await mailRoom({ in: first.dir, nowMs: first.clock.nowMs() + 10 * DAY_MS, bootId: 'another', random: anotherRandom() });
    expect(keys(second)).toEqual({ r20260101a: 'active', e20260101a: 'active', e20260101b: 'published' });
    await second.live(0);
    // Ten days have gone by and no cache of the outside has forgotten: negative TTLs are waited for anew.
    expect(keys(second)).toMatchObject({ e20260101a: 'active', e20260101b: 'visible' });
    await second.live(HOUR_MS);
    expect(keys(second)).toMatchObject({ e20260101a: 'retiring', e20260101b: 'active' });
    expect(
      storedDkimKeys(second.writer)
        .keysFor(ZONE)
        .map(({ selector, state }) => [selector, state]),
    ).toEqual([
      ['r20260101a', 'active'],
      ['e20260101a', 'retiring'],
      ['e20260101b', 'active'],
    ]);
    expect(verifyStore(second.writer).problems).toEqual([]);
  });

  test('a key opens to the private part of what is published, and nothing but its source shows it', async () => {
    const room = await mailRoom();
    good(await room.run(apply()));
    await room.live(HOUR_MS);
    for (const key of storedDkimKeys(room.writer).keysFor(ZONE)) {
      const publicKey = createPublicKey(key.privateKeyPem()).export({ type: 'spki', format: 'der' });
      expect(publicKey.toString('base64').endsWith(key.publicKey)).toBe(true);
      const body = key.privateKeyPem().split('\n')[1]!;
      expect(
        JSON.stringify([room.control.audit.entries(100), room.events, room.control.mail.view(room.control.zones.find(ZONE)!)]),
      ).not.toContain(body);
    }
  });

  test('RFC 6376 §3.6.1: a revoked key has an empty p= at once, its private part is destroyed, and another is on its way', async () => {
    const room = await mailRoom();
    good(await room.run(apply()));
    await room.live(HOUR_MS);
    expect(bad(await room.run({ kind: 'dkim.revoke', zone: ZONE, selector: 'nothing', reason: 'x', when: 'at-once' }))[0]?.code).toBe(
      'LIFECYCLE_OBJECT',
    );
    good(await room.run({ kind: 'dkim.revoke', zone: ZONE, selector: 'e20260101a', reason: 'stolen', when: 'at-once' }));
    expect(texts(room, 'e20260101a._domainkey')).toEqual(['v=DKIM1; k=ed25519; p=']);
    expect(
      storedDkimKeys(room.writer)
        .keysFor(ZONE)
        .map(({ selector }) => selector),
    ).toEqual(['r20260101a']);
    expect(keys(room)).toMatchObject({ e20260101a: 'compromised', e20260101b: 'published' });
    await room.live(HOUR_MS);
    expect(keys(room)).toMatchObject({ e20260101b: 'active' });
    expect(room.control.audit.entries(50).some(({ action, detail }) => action === 'dkim.revoke' && detail.includes('stolen'))).toBe(true);
  });

  test('held, nothing moves; resumed it goes on; an override ends one wait', async () => {
    const room = await mailRoom();
    good(await room.run(apply()));
    good(await room.run({ kind: 'lifecycle.hold', zone: ZONE, object: 'dmarc', reason: 'newsletter fails' }));
    await room.live(40 * DAY_MS);
    expect(texts(room, '_dmarc')).toEqual(['v=DMARC1; p=none; rua=mailto:postmaster@post.example']);
    good(await room.run({ kind: 'lifecycle.resume', zone: ZONE, object: 'dmarc' }));
    await room.live(0);
    expect(texts(room, '_dmarc')[0]).toContain('p=quarantine');
    const override = (wait: string, reason: string) => room.run({ kind: 'lifecycle.override', zone: ZONE, object: 'dmarc', wait, reason });
    expect(bad(await override('dwell', ' '))[0]?.code).toBe('LIFECYCLE_REASON');
    expect(bad(await override('nothing', 'x'))[0]?.code).toBe('LIFECYCLE_WAIT');
    good(await override('dwell', 'all sources known'));
    expect(texts(room, '_dmarc')[0]).toContain('p=reject');
    good(await room.run({ kind: 'dmarc.ramp', zone: ZONE, action: 'roll-back', reason: 'invoices fail' }));
    expect(texts(room, '_dmarc')[0]).toContain('p=quarantine');
  });

  test('a name server that does not show a key keeps it from being used', async () => {
    let isCurrent = false;
    const secondary: Resolver = {
      lookup: async (name, type) => (isCurrent ? await room.control.zones.resolver.lookup(name, type) : { kind: 'nxdomain' }),
    };
    const room = await mailRoom({ witnesses: { nameServers: new Map([['192.0.2.54:53', secondary]]), probes: new Map() } });
    good(await room.run(apply()));
    await room.live(2 * HOUR_MS);
    expect(keys(room)).toEqual({ r20260101a: 'published', e20260101a: 'published' });
    const lines = room.control.mail.view(room.control.zones.find(ZONE)!)!.explanations.flatMap((each) => each.lines);
    expect(lines.join('\n')).toContain('192.0.2.54:53: NXDOMAIN');
    isCurrent = true;
    await room.live(HOUR_MS);
    expect(keys(room)).toEqual({ r20260101a: 'active', e20260101a: 'active' });
  });

  test('RFC 7671 §8: the next key of a host stands two TTLs before it may be used', async () => {
    const room = await mailRoom();
    const [now, next] = ['11'.repeat(32), '22'.repeat(32)];
    good(await room.run(apply({ ...POLICY, dane: { hosts: { mx1: { keys: [`3 1 1 ${now}`] } } }, ttl: { tlsa: '30m' } })));
    const given = good(await room.run({ kind: 'tlsa.next', zone: ZONE, host: 'mx1', key: `3 1 1 ${next}` }));
    expect(given.mail).toMatchObject({ object: 'tlsa-mx1-2', notBeforeMs: room.clock.nowMs() + HOUR_MS, isFinal: false });
    const activate = { kind: 'tlsa.activated', zone: ZONE, host: 'mx1.post.example', force: false } as const;
    expect(bad(await room.run(activate))[0]?.code).toBe('MAIL_TLSA_EARLY');
    await room.live(2 * HOUR_MS);
    good(await room.run(activate));
    // No place looks at the host: a TTL and signerLag (1h) before the two TTLs.
    await room.live(3 * HOUR_MS);
    const node = room.control.zones.view(room.control.zones.find(ZONE)!).node(ownerKey(nameOf('_25._tcp.mx1.post.example.')));
    expect(rrsetOf(node, TYPE.TLSA)?.rdatas.map((rdata) => Buffer.from(rdata.subarray(3)).toString('hex'))).toEqual([next]);
  });
});

/** Not the octets that the process before had. */
function anotherRandom(): (bytes: number) => Uint8Array {
  let at = 0;
  return (bytes) => new Uint8Array(bytes).map(() => (at = (at * 75 + 74) % 65_537) & 0xff);
}
