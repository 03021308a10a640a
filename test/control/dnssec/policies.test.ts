/** Key policies with names, and the hold of all rollovers: one write, and the zones follow in their turns. */
import { describe, expect, test } from 'vitest';
import { type Problem } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { rrsigFields } from '#dnssec/sign.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Actor } from '#control/api/control.ts';
import { HOUR_MS, ZONE, bench, follow, problemsOf, roll, states } from '../../support/dnssec-control.ts';
import { bad as refused, good } from '../../support/temporary-control.ts';

const bad: (...given: Parameters<typeof refused>) => Problem = (result) => refused(result)[0]!;
const SOCKET: Actor = { kind: 'socket', id: '', from: '' };
const BY = { actor: SOCKET, dryRun: false };

type Room = Awaited<ReturnType<typeof bench>>;

const set = (room: Room, name: string, change: object, dryRun = false) =>
  room.control.dnssec.setPolicy(name, change, { actor: SOCKET, dryRun });

/** Lives until nothing is under way; the registrar does what CDS asks for. */
async function settle(room: Room): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await room.live(8 * HOUR_MS);
    follow(room);
  }
}

describe('a policy with a name', () => {
  test('default is that of every zone; its dry run says what follows where, and changes nothing', async () => {
    const room = await bench();
    follow(room);
    const { plan, zones, changed } = good(await set(room, 'default', { keys: 'ksk+zsk' }, true));
    expect([zones, changed]).toEqual([1, true]);
    expect(plan[0]).toMatch(/^keys\.example\. ksk-\d+: published → submitted, not before 20\d\d-/);
    expect(room.control.dnssec.policies()).toMatchObject([{ name: 'default', policy: { keys: 'csk' }, zones: 1 }]);
    good(await set(room, 'default', { keys: 'ksk+zsk' }));
    expect(states(room)).toEqual(['csk 13 active']);
    await settle(room);
    expect(states(room)).toEqual(['ksk 13 active', 'zsk 13 active']);
    expect(room.record()).toMatchObject({ keyPolicyName: 'default', keyPolicy: { keys: 'ksk+zsk' } });
    expect(problemsOf(room)).toEqual([]);
  });

  test('a new zone begins with the keys that it asks for', async () => {
    const room = await bench();
    good(await set(room, 'default', { keys: 'ksk+zsk', algorithm: 15 }));
    await room.load('new.example.', '@ 3600 SOA ns1.test. host 1 7200 900 1209600 900\n@ 3600 NS ns1.test.\n');
    const record = room.writer.zones().find(({ name }) => name === 'new.example.')!;
    expect(record.keys.map(({ role, algorithm, state }) => [role, algorithm, state])).toEqual([
      ['ksk', 15, 'active'],
      ['zsk', 15, 'active'],
    ]);
  });

  test('a zone takes one by its name, and leaves it with a change of its own', async () => {
    const room = await bench();
    follow(room);
    good(await set(room, 'strict', { keyTtlSeconds: 600 }));
    good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policyName: 'strict' }, { dryRun: false }));
    expect(room.control.dnssec.view(room.record())).toMatchObject({ policyName: 'strict', policy: { keyTtlSeconds: 600 } });
    expect(rrsetOf(room.apex(), TYPE.DNSKEY)!.ttl).toBe(600);
    good(await set(room, 'strict', { keyTtlSeconds: 900 }));
    await room.live(60_000);
    expect(rrsetOf(room.apex(), TYPE.DNSKEY)!.ttl).toBe(900);
    const used = bad(await room.control.dnssec.removePolicy('strict', BY));
    expect([used.code, used.fix]).toEqual(['DNSSEC_POLICY_USED', expect.stringContaining('--name default')]);
    good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy: { keyTtlSeconds: 1200 } }, { dryRun: false }));
    expect(room.control.dnssec.view(room.record()).policyName).toBeUndefined();
    good(await room.control.dnssec.removePolicy('strict', BY));
    expect(room.control.dnssec.policies().map(({ name }) => name)).toEqual(['default']);
    expect(rrsetOf(room.apex(), TYPE.DNSKEY)!.ttl).toBe(1200);
  });

  test('one that is not there, and a name that is none, are refused', async () => {
    const room = await bench();
    expect(bad(await room.run({ kind: 'dnssec.policy', zone: ZONE, policyName: 'none' }, { dryRun: false })).code).toBe(
      'DNSSEC_POLICY_NONE',
    );
    expect(bad(await room.control.dnssec.removePolicy('none', BY)).code).toBe('DNSSEC_POLICY_NONE');
    for (const name of ['', 'A b', '-x', '../x']) expect(bad(await set(room, name, {})).code).toBe('DNSSEC_POLICY');
  });
});

describe('RFC 6781 §4.4.2: times of signatures', () => {
  test('validity, jitter and inception are those of the policy from the next signature on, and a refresh is', async () => {
    const room = await bench();
    const day = 86_400;
    const policy = {
      signatureValiditySeconds: 30 * day,
      signatureJitterSeconds: 0,
      signatureRefreshSeconds: 20 * day,
      inceptionOffsetSeconds: 2 * day,
    };
    good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy }, { dryRun: false }));
    const nowSeconds = Math.floor(room.clock.nowMs() / 1000);
    // Those of before have 12 to 14 days left, which is less than the refresh that is asked for now.
    for (const { signatures } of room.apex().rrsets) {
      const { inception, expiration } = rrsigFields(signatures[0]!);
      expect([nowSeconds - inception, expiration - nowSeconds]).toEqual([2 * day, 30 * day]);
    }
    expect(problemsOf(room)).toEqual([]);
  });

  test('times that cannot fit together are refused, and a short refresh is warned of', async () => {
    const room = await bench();
    const change = (policy: object) => room.run({ kind: 'dnssec.policy', zone: ZONE, policy }, { dryRun: false });
    expect(bad(await change({ signatureValiditySeconds: 8 * 86_400 })).message).toContain('due as soon as it is made');
    expect(bad(await change({ signatureRefreshSeconds: 3600 })).message).toContain('zones are swept every hour');
    const short = await change({ signatureRefreshSeconds: 86_400 });
    expect(good(short).warnings.map(({ code, message }) => [code, message])).toEqual([
      ['DNSSEC_POLICY', expect.stringContaining('24 hours left')],
    ]);
  });
});

describe('all rollovers of all zones', () => {
  test('are held, and move again; nothing new begins by itself, signatures are renewed', async () => {
    const room = await bench();
    follow(room);
    good(await roll(room, 'csk'));
    const held = good(await room.control.dnssec.setFreeze('holidays', BY));
    expect(held).toMatchObject({ by: 'administrator', reason: 'holidays' });
    good(await set(room, 'default', { algorithm: 15 }));
    await settle(room);
    expect(states(room)).toEqual(['csk 13 active', 'csk 13 published']);
    const [rollover] = room.control.dnssec.view(room.record()).rollovers;
    expect(rollover!.explanation.hold).toMatchObject({ by: 'administrator', reason: 'holidays' });
    expect(rollover!.explanation.lines.join('\n')).toContain('holidays');
    expect(good(await room.control.dnssec.setFreeze(undefined, BY))).toBeUndefined();
    await settle(room);
    await settle(room);
    await settle(room);
    expect(states(room)).toEqual(['csk 15 active']);
    expect(problemsOf(room)).toEqual([]);
  });

  test('a hold of one zone keeps what would begin by itself away too', async () => {
    const room = await bench();
    follow(room);
    good(await room.run({ kind: 'dnssec.hold', zone: ZONE, reason: 'no' }, { dryRun: false }));
    good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy: { keys: 'ksk+zsk' } }, { dryRun: false }));
    await settle(room);
    expect(states(room)).toEqual(['csk 13 active']);
    good(await room.run({ kind: 'dnssec.resume', zone: ZONE }, { dryRun: false }));
    // RFC 7583 §3.3.3: the DS that was there may have had a TTL of a day, which counts from when the next one is seen everywhere.
    await settle(room);
    await settle(room);
    expect(states(room)).toEqual(['ksk 13 active', 'zsk 13 active']);
  });
});
