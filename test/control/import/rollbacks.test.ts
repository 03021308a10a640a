/** The way back over large changes, made ready by the process of imports: what comes of it is what comes in its turn. */
import { expect, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { importsHere } from '../../support/import-here.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('example.com.');
/** With 200 octets of text each, some 0.9 MiB of changes. */
const HOSTS = 4000;
const TEXT = 'x'.repeat(200);

const file = (serial: number, word: string): string =>
  `@ 3600 SOA ns1 host ${serial} 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n` +
  Array.from({ length: HOSTS }, (_, at) => `h${at} 60 TXT "${word}${TEXT}"\n`).join('');

const setWww = (room: TestControl, value: string) =>
  room.run({
    kind: 'rrsets.change',
    zone: ZONE,
    operations: [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [value] }],
  });

const MADE: readonly RrType[] = [TYPE.SOA, TYPE.NSEC, TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY];

/** All records but those that signing makes. */
function records({ writer }: TestControl) {
  const record = writer.zoneByName(ZONE)!;
  const nodes = [...writer.view(record).ascend(writer.view(record).apexKey)];
  return nodes.map(({ key, rrsets }) => [
    key,
    rrsets.filter(({ type }) => !MADE.includes(type)).map(({ type, ttl, rdatas, manager }) => ({ type, ttl, rdatas, manager })),
  ]);
}

async function twoVersions(dnssec: boolean) {
  const here = importsHere();
  const room = temporaryControl(here);
  await room.load('example.com.', file(10, 'a'), { dnssec });
  const before = records(room);
  good(await setWww(room, '192.0.2.7'));
  await room.load('example.com.', file(20, 'b'), { dnssec });
  const works = () => here.requests.map(({ work }) => work.kind);
  return { room, before, works };
}

test.each([
  ['signed', true],
  ['unsigned', false],
] as const)('a rollback of a zone that is %s', async (_what, dnssec) => {
  const { room, before, works } = await twoVersions(dnssec);
  const now = records(room);
  const count = works().length;
  const to = { kind: 'serial', serial: 10 } as const;
  const dry = good(await room.run({ kind: 'zone.rollback', zone: ZONE, to }, { dryRun: true }));
  expect([dry.dryRun, dry.changed, records(room)]).toEqual([true, true, now]);
  const done = good(await room.run({ kind: 'zone.rollback', zone: ZONE, to }));
  expect(works().slice(count)).toEqual(['rollback', 'rollback']);
  expect(records(room)).toEqual(before);
  expect([done.changed, done.serial > 20, room.writer.zoneByName(ZONE)!.serial]).toEqual([true, true, done.serial]);
  const [entry] = room.writer.audit(1);
  expect(entry).toMatchObject({ action: 'zone.rollback', zone: 'example.com.' });
  expect(entry?.detail).toContain('rollback to serial 10');
  // A small change of it is made in its turn, as before.
  good(await setWww(room, '192.0.2.8'));
  expect(works()).toHaveLength(count + 2);
});

test('a revert of one large change leaves what came with another', async () => {
  const { room, works } = await twoVersions(true);
  const { serial } = room.writer.zoneByName(ZONE)!;
  good(await room.run({ kind: 'zone.revert', zone: ZONE, serial }));
  expect(works().at(-1)).toBe('rollback');
  const names = room.writer.view(room.writer.zoneByName(ZONE)!);
  expect(names.node(ownerKey(nameOf('www.example.com.')))?.rrsets[0]?.rdatas).toEqual([Uint8Array.of(192, 0, 2, 7)]);
  expect(names.node(ownerKey(nameOf('h7.example.com.')))?.rrsets[0]?.rdatas[0]?.[1]).toBe('a'.charCodeAt(0));
});

test('a version that is not there, and a sender with narrower rights, are answered in the turn', async () => {
  const { room, works } = await twoVersions(true);
  const count = works().length;
  const lost = bad(await room.run({ kind: 'zone.rollback', zone: ZONE, to: { kind: 'serial', serial: 5 } }));
  expect(lost.map(({ code }) => code)).toEqual(['VERSION_NOT_KEPT']);
  const to = { kind: 'serial', serial: 10 } as const;
  const narrow = bad(await room.run({ kind: 'zone.rollback', zone: ZONE, to }, { mayTouch: () => false }));
  expect(narrow.map(({ code }) => code)).toEqual(['AUTH_SCOPE']);
  expect(works()).toHaveLength(count);
});
