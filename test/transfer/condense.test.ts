/** RFC 1995 §5: one difference in the place of many leads to the same zone. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { type Rrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { type Changeset } from '#zone/changeset.ts';
import { condense } from '#transfer/condense.ts';
import { pick, seededRandom } from '../support/random.ts';

type Step = Pick<Changeset, 'deleted' | 'added'>;

const ZONE = nameOf('a.test.');
const OWNERS = ['a.test.', 'b.a.test.', 'B.a.test.'].map((text) => nameOf(text));
const soa = (serial: number): Rrset => ({ owner: ZONE, type: TYPE.SOA, ttl: 60, rdatas: [Uint8Array.of(0, 0, serial)] });
const textOf = ({ owner, type, ttl }: Rrset, rdata: Uint8Array): string => [owner.join('.'), type, ttl, rdata.join('.')].join(' ');
const recordsOf = (rrsets: readonly Rrset[]): string[] => rrsets.flatMap((each) => each.rdatas.map((rdata) => textOf(each, rdata)));

/** As a secondary does: what is deleted must be there, what is added must not. */
function apply(zone: Set<string>, { deleted, added }: Step): void {
  for (const each of recordsOf(deleted)) expect(zone.delete(each), `deletes ${each}`).toBe(true);
  for (const each of recordsOf(added)) {
    expect(zone.has(each), `adds ${each}`).toBe(false);
    zone.add(each);
  }
}

/** A change of RRsets as ours are made: the whole RRset goes and comes, with its TTL and what stays in it. */
function randomStep(random: () => number, zone: Map<string, Rrset>, serial: number): Step {
  const deleted = [soa(serial)];
  const added = [soa(serial + 1)];
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
    const [owner, type] = [pick(random, OWNERS), pick(random, [TYPE.A, TYPE.TXT, TYPE.RRSIG])];
    const key = `${owner.join('.')} ${type}`;
    if ([...deleted, ...added].some((each) => each.type === type && each.owner === owner)) continue;
    const before = zone.get(key);
    if (before !== undefined) deleted.push(before);
    zone.delete(key);
    if (random() < 0.3) continue;
    const rdatas = [1, 2, 3].filter(() => random() < 0.5).map((each) => Uint8Array.of(each, Math.floor(random() * 2)));
    if (rdatas.length === 0) continue;
    const after = { owner, type, ttl: pick(random, [60, 300]), rdatas };
    added.push(after);
    zone.set(key, after);
  }
  return { deleted, added };
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('random changes, seed %i: the zone at the end is the same, with fewer records sent', (seed) => {
  const random = seededRandom(seed);
  const rrsets = new Map<string, Rrset>();
  const zone = new Set(recordsOf([soa(1)]));
  const steps = Array.from({ length: 30 }, (_, at) => randomStep(random, rrsets, 1 + at));
  const [known, ...rest] = [steps.slice(0, 5), ...steps.slice(5)] as [Step[], ...Step[]];
  for (const step of known) apply(zone, step);
  const [one, other] = [new Set(zone), new Set(zone)];
  for (const step of rest) apply(one, step);
  const condensed = condense(rest.map((each, at) => ({ ...each, zone: ZONE, fromSerial: 6 + at, toSerial: 7 + at })));
  apply(other, condensed);
  expect([...other].toSorted()).toEqual([...one].toSorted());
  const count = (all: readonly Step[]): number => recordsOf(all.flatMap((each) => [...each.deleted, ...each.added])).length;
  expect(count([condensed])).toBeLessThan(count(rest) / 2);
  // RFC 1995 §4: the SOA of each version comes first.
  expect([condensed.deleted[0], condensed.added[0]]).toEqual([soa(6), soa(31)]);
});

test('what comes and goes meanwhile is not sent; an owner that is written otherwise, and another TTL, are', () => {
  const rrset = (owner: string, ttl: number, ...octets: number[]): Rrset => {
    return { owner: nameOf(owner), type: TYPE.A, ttl, rdatas: octets.map((each) => Uint8Array.of(each)) };
  };
  const step = (serial: number, deleted: Rrset[], added: Rrset[]): Changeset => {
    return { zone: ZONE, fromSerial: serial, toSerial: serial + 1, deleted: [soa(serial), ...deleted], added: [soa(serial + 1), ...added] };
  };
  const condensed = condense([
    step(1, [], [rrset('x.a.test.', 60, 1)]),
    step(2, [rrset('x.a.test.', 60, 1), rrset('y.a.test.', 60, 2, 3)], [rrset('y.a.test.', 300, 2, 3)]),
    step(3, [rrset('z.a.test.', 60, 4)], [rrset('Z.a.test.', 60, 4)]),
  ]);
  expect(condensed).toEqual({
    deleted: [soa(1), rrset('y.a.test.', 60, 2, 3), rrset('z.a.test.', 60, 4)],
    added: [soa(4), rrset('y.a.test.', 300, 2, 3), rrset('Z.a.test.', 60, 4)],
  });
});
