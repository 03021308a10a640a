/** Several changesets as one: applied to the first version it gives the last one. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { formatChangeset } from '#zone/changeset-text.ts';
import { type Changeset, applyChangeset } from '#zone/changeset.ts';
import { filterChangeset, netChanges } from '#zone/history/net-changes.ts';
import { type ZoneRrset } from '#zone/zone.ts';

const ZONE = nameOf('example.com.');
const A = 1;

/** The addresses of two names, as sets of last octets; each state differs from the one before by a changeset. */
type State = Readonly<Record<'a' | 'b', readonly number[]>>;

const rrset = (name: 'a' | 'b', octets: readonly number[], ttl = 60) => ({
  owner: nameOf(`${name}.example.com.`),
  type: A,
  ttl,
  rdatas: octets.map((octet) => Uint8Array.of(192, 0, 2, octet)),
});

const NAMES = ['a', 'b'] as const;

function between(before: State, after: State, fromSerial: number): Changeset {
  const lacking = (one: State, other: State) =>
    NAMES.map((name) =>
      rrset(
        name,
        one[name].filter((octet) => !other[name].includes(octet)),
      ),
    ).filter(({ rdatas }) => rdatas.length > 0);
  return { zone: ZONE, fromSerial, toSerial: fromSerial + 1, deleted: lacking(before, after), added: lacking(after, before) };
}

const zoneOf = (state: State): ZoneRrset[] =>
  NAMES.flatMap((name) =>
    state[name].length === 0
      ? []
      : [
          rrset(
            name,
            state[name].toSorted((x, y) => x - y),
          ),
        ],
  );

const states = fc.array(fc.record({ a: fc.uniqueArray(fc.nat(5)), b: fc.uniqueArray(fc.nat(5)) }), { minLength: 2, maxLength: 6 });

test('the net of changes is the difference of the first version and the last one', () => {
  fc.assert(
    fc.property(states, (each) => {
      const changesets = each.slice(1).map((state, at) => between(each[at]!, state, 100 + at));
      const net = netChanges(changesets);
      const direct = between(each[0]!, each.at(-1)!, 100);
      expect([net.fromSerial, net.toSerial]).toEqual([100, 100 + changesets.length]);
      expect(formatChangeset(net).toSorted()).toEqual(formatChangeset(direct).toSorted());
      const applied = applyChangeset(zoneOf(each[0]!), net);
      expect(applied.ok && formatAll(applied.value)).toEqual(formatAll(zoneOf(each.at(-1)!)));
    }),
  );
});

function formatAll(rrsets: readonly ZoneRrset[]): string[] {
  return rrsets.map(({ owner, type, rdatas }) => `${owner.toString()} ${type} ${rdatas.map(String).join('/')}`).toSorted();
}

test('a record with another TTL is another record, and goes back as one', () => {
  const change = (ttl: number, next: number, fromSerial: number): Changeset => ({
    zone: ZONE,
    fromSerial,
    toSerial: fromSerial + 1,
    deleted: [rrset('a', [1], ttl)],
    added: [rrset('a', [1], next)],
  });
  expect(formatChangeset(netChanges([change(60, 300, 1), change(300, 900, 2)]))).toEqual([
    '- a.example.com. 60 IN A 192.0.2.1',
    '+ a.example.com. 900 IN A 192.0.2.1',
  ]);
  expect(formatChangeset(netChanges([change(60, 300, 1), change(300, 60, 2)]))).toEqual([]);
});

test('changes that do not follow each other are a bug of the caller', () => {
  const [one, two] = [between({ a: [], b: [] }, { a: [1], b: [] }, 1), between({ a: [1], b: [] }, { a: [], b: [] }, 5)];
  expect(() => netChanges([one, two])).toThrow('follows serial 2');
  expect(formatChangeset(filterChangeset(one, () => false))).toEqual([]);
});
