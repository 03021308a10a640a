/** Labels of PowerDNS clients: kept, read back after a restart, gone with the zone; damage is seen. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { StoreFailure } from '#store/failure.ts';
import { readLabels } from '#store/powerdns/labels.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';

const zone = nameOf('example.com.');

test('are kept beside the zone, each by itself, and leave its serial alone', async () => {
  const server = temporaryControl();
  const { control, writer } = server;
  const { serial } = await server.load('example.com.', '@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a.example.net.\n');
  const record = control.zones.find(zone)!;
  expect(control.zones.labels(record)).toEqual({});
  const labelled = good(await server.run({ kind: 'zone.labels', zone, labels: { kind: 'Master', account: 'admin' } }));
  expect(labelled).toMatchObject({ changed: true, serial });
  good(await server.run({ kind: 'zone.labels', zone, labels: { soaEditApi: '' } }));
  expect(readLabels(writer, record.id)).toEqual({ kind: 'Master', account: 'admin', soaEditApi: '' });
  expect(good(await server.run({ kind: 'zone.labels', zone, labels: { soaEditApi: '' } })).changed).toBe(false);
  expect(bad(await server.run({ kind: 'zone.labels', zone: nameOf('other.'), labels: {} }))[0]?.code).toBe('ZONE_NOT_FOUND');
  await writer.commit({ audit: { atMs: 1 }, documents: [{ zoneId: record.id, kind: 'powerdns', id: 'labels', value: { kind: 1 } }] });
  expect(() => readLabels(writer, record.id)).toThrow(StoreFailure);
});
