/**
 * Random zones in a real store that change at random while somebody answers from it: records come, go and become others, cuts, wildcards,
 * aliases and empty non-terminals with them; zones come and go and are signed and unsigned. What the oracle needs is kept beside it.
 */
import { type Name, type OwnerKey, formatName, nameOf } from '#dns/name.ts';
import { type Rrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { encodeNode } from '#store/node-codec.ts';
import { type NodeWrite, type StoreWriter } from '#store/writer.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type ZoneSet, zoneSet } from '#zone/served.ts';
import { type MemoryZone, memoryZone } from '#zone/zone.ts';
import { DENIALS, type DummyNsec3, dummySigned } from './dummy-signed.ts';
import { pick, type Random } from './random.ts';
import { type RandomZone, randomZone, randomZones } from './random-zone.ts';
import { auditEvent, zoneRecord } from './temporary-store.ts';

interface Zone extends RandomZone {
  readonly id: number;
  readonly signed: boolean;
  readonly nsec3: DummyNsec3 | undefined;
  readonly served: MemoryZone;
  /** What the store has. */
  readonly nodes: ReadonlyMap<OwnerKey, Uint8Array>;
  readonly hashed: ReadonlyMap<OwnerKey, Uint8Array>;
}

export class ChangingZones {
  readonly #writer: StoreWriter;
  readonly #random: Random;
  #zones: Zone[] = [];
  #serial = 1;

  constructor(writer: StoreWriter, random: Random) {
    this.#writer = writer;
    this.#random = random;
  }

  get plain(): readonly RandomZone[] {
    return this.#zones;
  }

  zones(): ZoneSet {
    return zoneSet(this.#zones.map(({ served, signed }) => ({ view: served, signed })));
  }

  /** A hashed owner name of one of the zones; undefined when that has none. */
  hashedName(): Name | undefined {
    const hashed = this.#zones.flatMap(({ served }) => [...served.hashed.ascend(served.apexKey)]);
    return hashed.length === 0 ? undefined : pick(this.#random, hashed).owner;
  }

  async begin(): Promise<void> {
    for (const plain of randomZones(this.#random)) await this.#put(plain, this.#writer.nextZoneId(), this.#random() < 0.6, undefined);
  }

  /** One commit, sometimes two or three before anybody can look. */
  async change(): Promise<void> {
    const random = this.#random;
    do await this.#changeOnce();
    while (random() < 0.15);
  }

  async #changeOnce(): Promise<void> {
    const random = this.#random;
    const draw = random();
    const zone = this.#zones.length === 0 ? undefined : pick(random, this.#zones);
    if (zone === undefined || (draw < 0.03 && this.#zones.length < 4)) {
      const fresh = randomZones(random).find(({ apex }) => !this.#zones.some((each) => formatName(each.apex) === formatName(apex)));
      if (fresh !== undefined) await this.#put(fresh, this.#writer.nextZoneId(), random() < 0.6, undefined);
    } else if (draw < 0.06) {
      await this.#writer.commit({ audit: auditEvent(), zones: { remove: [zone.id] } });
      this.#zones = this.#zones.filter((each) => each !== zone);
    } else if (draw < 0.1) await this.#put(zone, zone.id, !zone.signed, zone);
    else if (draw < 0.15) await this.#put(this.#edited(zone), zone.id, zone.signed, zone, pick(random, DENIALS));
    else await this.#put(this.#edited(zone), zone.id, zone.signed, zone);
  }

  /** Some RRsets taken out, some taken over from another random zone; a new serial, as with every change. */
  #edited(zone: Zone): RandomZone {
    const random = this.#random;
    const apex = formatName(zone.apex);
    const apexes = this.#zones.map((each) => formatName(each.apex));
    const isSoa = (rrset: Rrset) => rrset.type === TYPE.SOA;
    let rrsets: Rrset[] = zone.rrsets.filter((rrset) => !isSoa(rrset));
    for (let count = Math.floor(random() * 3); count > 0 && rrsets.length > 0; count--) {
      const gone = pick(random, rrsets);
      rrsets = rrsets.filter((rrset) => rrset !== gone);
    }
    const fresh = randomZone(random, apex, apexes).rrsets;
    for (let count = Math.floor(random() * 4); count > 0; count--) {
      const added = pick(random, fresh);
      if (isSoa(added)) continue;
      const owner = formatName(added.owner).toLowerCase();
      const isElsewhere = (rrset: Rrset) => formatName(rrset.owner).toLowerCase() !== owner;
      const staysWith = (rrset: Rrset) => rrset.type !== added.type && rrset.type !== TYPE.CNAME && added.type !== TYPE.CNAME;
      if (added.type === TYPE.CNAME && owner === apex.toLowerCase()) continue;
      rrsets = [...rrsets.filter((rrset) => isElsewhere(rrset) || staysWith(rrset)), added];
    }
    // Rarely the SOA says something else too: other names in it change how all that follows is compressed.
    const soa = (random() < 0.1 ? fresh : zone.rrsets).find(isSoa)!;
    const rdata = soa.rdatas[0]!.slice();
    new DataView(rdata.buffer).setUint32(rdata.length - 20, ++this.#serial);
    rrsets.unshift({ ...soa, rdatas: [rdata] });
    return { apex: zone.apex, rrsets, text: zone.text, zone: memoryZone(zone.apex, rrsets) };
  }

  async #put(
    plain: RandomZone,
    id: number,
    signed: boolean,
    before: Zone | undefined,
    nsec3 = before === undefined ? pick(this.#random, DENIALS) : before.nsec3,
  ): Promise<void> {
    const served = signed ? dummySigned(plain.zone, nsec3) : plain.zone;
    const isBelow = occlusion(served);
    const nodes = new Map<OwnerKey, Uint8Array>();
    for (const node of served.ascend(served.apexKey))
      nodes.set(node.key, encodeNode(node, nodeFlags(node, served.apexKey, isBelow(node.key))));
    const writes: NodeWrite[] = [];
    for (const [key, value] of nodes) {
      const known = before?.nodes.get(key);
      if (known === undefined || Buffer.compare(known, value) !== 0) writes.push({ zoneId: id, key, value });
    }
    for (const key of before?.nodes.keys() ?? []) if (!nodes.has(key)) writes.push({ zoneId: id, key, value: null });
    const hashed = new Map([...served.hashed.ascend(served.apexKey)].map((node) => [node.key, encodeNode(node, 0)]));
    for (const [key, value] of hashed) {
      const known = before?.hashed.get(key);
      if (known === undefined || Buffer.compare(known, value) !== 0) writes.push({ zoneId: id, key, value, isHashed: true });
    }
    for (const key of before?.hashed.keys() ?? []) if (!hashed.has(key)) writes.push({ zoneId: id, key, value: null, isHashed: true });
    const record = { ...zoneRecord(id, formatName(plain.apex), this.#serial), dnssec: signed ? ('on' as const) : ('off' as const) };
    await this.#writer.commit({ audit: auditEvent(), zones: { put: [record] }, nodes: writes });
    const zone: Zone = { ...plain, apex: nameOf(formatName(plain.apex)), id, signed, nsec3, served, nodes, hashed };
    this.#zones = [...this.#zones.filter((each) => each !== before), zone];
  }
}
