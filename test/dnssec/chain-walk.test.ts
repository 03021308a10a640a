/** RFC 4035 §5.2–5.3: a validator's way from DS to data, over every version that caches may hold; each broken step is found. */
import { describe, expect, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { walkChains } from '#dnssec/chain-walk.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { rrsetOf } from '#zone/view.ts';
import { HOUR_MS, ZONE, bench, follow, roll } from '../support/dnssec-control.ts';
import { good } from '../support/temporary-control.ts';

/** A zone before and after a new CSK took over, and half way between. */
async function versions() {
  const room = await bench();
  follow(room);
  const snap = () => {
    const view = room.writer.view(room.record());
    const keySet = rrsetOf(room.apex(), TYPE.DNSKEY)!;
    const www = view.node(ownerKey(nameOf('ns1.keys.example.')))!;
    const ds = room.record().keys.map(({ dnskey }) => dsRdata(ZONE, new Uint8Array(Buffer.from(dnskey, 'base64')), 2));
    return { keySet, data: { owner: www.owner, rrset: rrsetOf(www, TYPE.A)! }, ds };
  };
  const before = snap();
  good(await roll(room, 'csk'));
  const between = snap();
  await room.live(3 * HOUR_MS);
  follow(room);
  await room.live(12 * HOUR_MS);
  return { before, between, after: snap(), nowSeconds: room.clock.nowMs() / 1000 };
}

describe('of a CSK that is rolled', () => {
  test('neighbours stand together, the first and the last do not', async () => {
    const { before, between, after, nowSeconds } = await versions();
    const walk = (ds: readonly Uint8Array[], keySets: (typeof before)['keySet'][], data: (typeof before)['data'][]) =>
      walkChains({ apex: ZONE, ds, keySets, rrsets: data, nowSeconds })?.message;
    expect(walk(before.ds, [before.keySet, between.keySet], [before.data, between.data])).toBeUndefined();
    expect(walk(after.ds, [between.keySet, after.keySet], [after.data])).toBeUndefined();
    expect(walk([], [before.keySet], [before.data])).toBeUndefined();
    expect(walk(before.ds, [after.keySet], [])).toContain('no DS at the parent leads to');
    expect(walk(after.ds, [before.keySet], [])).toContain('no DS at the parent leads to');
    expect(walk(after.ds, [after.keySet], [before.data])).toContain('does not validate ns1.keys.example. A');
    expect(walk(before.ds, [before.keySet], [after.data])).toContain('does not validate ns1.keys.example. A');
  });

  test('a DS of another digest, a DNSKEY RRset without a signature and a signature that is over are found', async () => {
    const { before, nowSeconds } = await versions();
    const { keySet, data, ds } = before;
    const walk = (more: object) => walkChains({ apex: ZONE, ds, keySets: [keySet], rrsets: [data], nowSeconds, ...more });
    expect(walk({ ds: [ds[0]!.map((octet, at) => (at === 9 ? octet ^ 1 : octet))] })?.code).toBe('DNSSEC_CHAIN');
    expect(walk({ ds: [ds[0]!.map((octet, at) => (at === 3 ? 1 : octet))] })?.code).toBe('DNSSEC_CHAIN');
    expect(walk({ keySets: [{ ...keySet, signatures: [] }] })?.code).toBe('DNSSEC_CHAIN');
    expect(walk({ nowSeconds: nowSeconds + 30 * 86_400 })?.code).toBe('DNSSEC_CHAIN');
  });
});
