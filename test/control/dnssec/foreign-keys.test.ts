/** DNSKEY records of another provider of a zone: beside ours through a rollover, taken away by order, nothing for an unsigned zone. */
import { beforeEach, describe, expect, test } from 'vitest';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { keyTagOf } from '#dnssec/key.ts';
import { rrsetOf } from '#zone/view.ts';
import { makeKey as make } from '../../support/brought-keys.ts';
import { type Bench, HOUR_MS, ZONE, bench, problemsOf, roll, states } from '../../support/dnssec-control.ts';
import { good } from '../../support/temporary-control.ts';

const other = make(256);
let room: Bench;

beforeEach(async () => {
  room = await bench();
});

const unsign = async () => good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
const parentHas = (...ds: readonly Uint8Array[]) => Object.values(room.parents).forEach((each) => (each.ds = ds));
const messages = (result: Awaited<ReturnType<typeof room.run>>) => (result.ok ? [] : result.problems.map(({ message }) => message));
const dnskeys = () =>
  rrsetOf(room.apex(), TYPE.DNSKEY)
    ?.rdatas.map(keyTagOf)
    .toSorted((a, b) => a - b);
const sorted = (...tags: readonly number[]) => tags.toSorted((a, b) => a - b);

describe('RFC 8901 §2.1.2: keys of another provider', () => {
  const foreign = (add: readonly string[], remove: readonly number[] = [], isAnnounced = true) =>
    room.run({ kind: 'dnssec.foreign', zone: ZONE, add, remove, isAnnounced });

  test('stand in the DNSKEY RRset, their KSKs in CDS and CDNSKEY, through a rollover of ours, until they are taken away', async () => {
    const theirs = [make(257), make(256)] as const;
    good(await foreign(theirs.map(({ text }) => text)));
    const [own] = room.record().keys;
    expect([dnskeys(), problemsOf(room)]).toEqual([sorted(own!.keyTag, theirs[0].tag, theirs[1].tag), []]);
    const cds = () => rrsetOf(room.apex(), TYPE.CDS)!.rdatas;
    expect(cds()).toHaveLength(2);
    // The registrar has both; it follows what CDS says.
    parentHas(...cds());
    good(await roll(room, 'csk'));
    const [{ object } = { object: '' }] = room.control.dnssec.view(room.record()).rollovers;
    const told = { object, wait: 'others', reason: 'they have the new key' };
    good(await room.run({ kind: 'dnssec.override', zone: ZONE, ...told }));
    for (let hour = 0; hour < 30 * 24 && states(room).length > 1; hour++) {
      await room.live(HOUR_MS);
      parentHas(...cds());
      expect(problemsOf(room)).toEqual([]);
      expect(dnskeys()).toEqual(expect.arrayContaining([theirs[0].tag, theirs[1].tag]));
    }
    expect(states(room)).toEqual(['csk 13 active']);
    expect(cds()).toHaveLength(2);
    const gone = good(await foreign([], [theirs[0].tag, theirs[1].tag]));
    expect(gone.warnings.map(({ rfc }) => rfc)).toEqual(['RFC 8901 §6.2', 'RFC 8901 §6.2']);
    expect(dnskeys()).toEqual([room.record().keys[0]!.keyTag]);
    expect(problemsOf(room)).toEqual([]);
  });

  test('RFC 8901 §4: are of the algorithms that the zone is signed with; ours among them are left out; unknown tags are said', async () => {
    const own = room.record().keys[0]!;
    const ownText = `DNSKEY ${formatRdata(TYPE.DNSKEY, new Uint8Array(Buffer.from(own.dnskey, 'base64')))}`;
    expect(good(await foreign([ownText])).changed).toBe(false);
    expect(messages(await foreign([make(257, 15).text]))).toEqual([expect.stringMatching(/all who sign it use the same/)]);
    expect(messages(await foreign([], [4711]))).toEqual([expect.stringMatching(/publishes no key 4711 of others/)]);
    expect(messages(await foreign(['what?']))).toEqual(['this is no DNSKEY record']);
  });

  test('are nothing for an unsigned zone, and go with its signing', async () => {
    good(await foreign([other.text]));
    await unsign();
    expect(room.record().foreignKeys).toBeUndefined();
    expect(messages(await foreign([other.text]))).toEqual([expect.stringMatching(/is not signed/)]);
  });
});
