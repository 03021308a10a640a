/** Zones are made that come from primaries, and get others. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { type Primary, type PrimaryTls, readPrimaries } from '#store/transfer/primaries.ts';
import { TEST_ACTOR, type TestControl, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('z.example.');
const ONE = { ip: '192.0.2.1', port: 53 };
const make = (room: TestControl, primaries: readonly Primary[], dryRun = false) =>
  room.run({ kind: 'secondary.create', zone: ZONE, primaries, isSigning: false }, { dryRun });
const codesOf = (result: Awaited<ReturnType<typeof make>>) => (result.ok ? [] : result.problems.map(({ code }) => code));

test('the zone is there at once, without records, with its primaries in order', async () => {
  const room = temporaryControl();
  good(await make(room, [ONE], true));
  expect(room.writer.zoneByName(ZONE)).toBeUndefined();
  const outcome = good(await make(room, [{ ip: '2001:DB8::1', port: 5300 }, ONE]));
  expect([outcome.created, outcome.serial]).toEqual([true, 0]);
  const { id, secondary } = room.writer.zoneByName(ZONE)!;
  expect([secondary, readPrimaries(room.writer, id)]).toEqual([{ mode: 'copy' }, [{ ip: '2001:db8::1', port: 5300 }, ONE]]);
  expect(room.control.transfer.primaries(room.writer.zoneByName(ZONE)!)).toMatchObject({ state: 'waiting', mode: 'copy' });
});

test('a key must be there and be for transfers of the zone', async () => {
  const room = temporaryControl();
  const key = (name: string, zones: readonly string[]) =>
    room.control.transfer.createKey({ name, algorithm: 'hmac-sha256', operations: ['transfer'], zones }, TEST_ACTOR);
  good(await key('other.example.', ['other.example']));
  good(await key('k.example.', ['z.example']));
  expect(codesOf(await make(room, [{ ...ONE, key: 'none.example.' }]))).toEqual(['TSIG_KEY_GRANT']);
  expect(codesOf(await make(room, [{ ...ONE, key: 'other.example.' }]))).toEqual(['TSIG_KEY_GRANT']);
  expect(codesOf(await make(room, [{ ...ONE, key: 'k.example.' }]))).toEqual([]);
});

test('what is no address, there twice, none or too many is rejected; so are zones that are there, or kept here', async () => {
  const room = temporaryControl();
  expect(codesOf(await make(room, [{ ip: 'ns.example', port: 53 }]))).toEqual(['FIELD_VALUE']);
  expect(codesOf(await make(room, [ONE, ONE]))).toEqual(['FIELD_VALUE']);
  expect(codesOf(await make(room, []))).toEqual(['PRIMARIES_MANY']);
  expect(
    codesOf(
      await make(
        room,
        Array.from({ length: 9 }, (_, at) => ({ ip: `192.0.2.${at}`, port: 53 })),
      ),
    ),
  ).toEqual(['PRIMARIES_MANY']);
  await room.load('z.example.', '@ 60 SOA ns host 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  expect(codesOf(await make(room, [ONE]))).toEqual(['ZONE_EXISTS']);
  expect(codesOf(await room.run({ kind: 'primaries.set', zone: ZONE, primaries: [ONE] }))).toEqual(['ZONE_NOT_SECONDARY']);
});

test('other primaries replace the list; the same ones change nothing; removed, the zone is gone with them', async () => {
  const room = temporaryControl();
  good(await make(room, [ONE]));
  const set = (ip: string) => room.run({ kind: 'primaries.set', zone: ZONE, primaries: [{ ip, port: 53 }] });
  expect(good(await set('192.0.2.2')).changed).toBe(true);
  expect(good(await set('192.0.2.2')).changed).toBe(false);
  const { id } = room.writer.zoneByName(ZONE)!;
  good(await room.run({ kind: 'zone.remove', zone: ZONE }));
  expect([room.writer.zoneByName(ZONE), readPrimaries(room.writer, id)]).toEqual([undefined, []]);
});

test('RFC 9103 §9.3: a primary over TLS proves who it is, by a name that is one, by pins, or by both', async () => {
  const room = temporaryControl();
  const pin = Buffer.alloc(32, 1).toString('base64');
  const over = (tls: PrimaryTls) => ({ ...ONE, port: 853, tls });
  const rejected: readonly PrimaryTls[] = [
    {},
    { certificate: 'ns1.example' },
    // RFC 6066 §3: no address; and nothing that a TLS library would take for something else.
    { host: '192.0.2.1' },
    { host: 'ns 1.example' },
    { host: 'ns1.example', certificate: '-' },
    { pins: [] },
    { pins: ['abc'] },
    { host: 'ns1.example', pins: [pin, pin, pin, pin, pin] },
  ];
  for (const tls of rejected) expect([tls, codesOf(await make(room, [over(tls)]))]).toEqual([tls, ['FIELD_VALUE']]);
  const taken: readonly PrimaryTls[] = [{ host: 'ns1.example' }, { pins: [pin] }];
  for (const tls of taken) expect(codesOf(await make(room, [over(tls)], true))).toEqual([]);
  const all = over({ host: 'ns1.example', pins: [pin], certificate: 'ns2.example' });
  good(await make(room, [all]));
  expect(readPrimaries(room.writer, room.writer.zoneByName(ZONE)!.id)).toEqual([all]);
});
