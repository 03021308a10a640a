/** Which operations follow from the lists of ExternalDNS. */
import { expect, test } from 'vitest';
import { RRSET_OPERATIONS_MAX } from '#base/limits/admin.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { readChanges, zoneOf } from '#admin/externaldns/changes.ts';
import { fakeWithZone } from '../../support/admin/fake-control.ts';
import { bad, good } from '../../support/temporary-control.ts';

const a = (dnsName: string, ...targets: readonly string[]) => ({ dnsName, recordType: 'A', targets });
const { control } = await fakeWithZone();
const operations = (body: unknown) =>
  good(readChanges(body, control)).flatMap(({ record, operations: all }) =>
    all.map(
      ({ op, name, type, ttl, records }) => `${record.name} ${op} ${name} ${ttl ?? '-'} ${type} ${records?.join()}`,
    ),
  );

test('what comes stands before what goes; a TTL only where there is a wish or a new RRset', () => {
  const body = {
    create: [a('new.example.com', '192.0.2.1')],
    updateOld: [a('www.example.com', '192.0.2.80', '192.0.2.81')],
    updateNew: [{ ...a('www.example.com', '192.0.2.81', '192.0.2.82'), recordTTL: 60 }],
    delete: [a('old.example.com', '192.0.2.3')],
  };
  expect(operations(body)).toEqual([
    'example.com. add new.example.com. 300 A 192.0.2.1',
    'example.com. add www.example.com. 60 A 192.0.2.81,192.0.2.82',
    'example.com. remove old.example.com. - A 192.0.2.3',
    'example.com. remove www.example.com. - A 192.0.2.80',
  ]);
  expect(operations({ updateNew: [a('www.example.com', '192.0.2.80')] })).toEqual([
    'example.com. add www.example.com. - A 192.0.2.80',
  ]);
  // Another type of the same name, and another spelling of the same.
  const cname = { dnsName: 'WWW.example.com', recordType: 'CNAME', targets: ['x.example.net'] };
  expect(operations({ updateOld: [a('WWW.Example.com', '192.0.2.80')], updateNew: [cname] })).toEqual([
    'example.com. add WWW.example.com. 300 CNAME x.example.net.',
    'example.com. remove WWW.Example.com. - A 192.0.2.80',
  ]);
});

test('nothing follows from nothing, in all its forms', () => {
  for (const body of [{}, { create: null }, { create: [], Delete: [] }]) expect(operations(body)).toEqual([]);
});

test('everything that is wrong is said at once, with its place', () => {
  const problems = bad(readChanges({ create: [a('x.example.com', 'x'), a('y.example.com')], delete: 7 }, control));
  expect(problems.map(({ at }) => ('pointer' in at ? at.pointer : at.kind))).toEqual([
    '/create/0',
    '/create/1',
    'whole',
  ]);
  expect(bad(readChanges({ create: [a('x.example.net', '192.0.2.1')] }, control))).toMatchObject([
    { code: 'ZONE_NOT_FOUND', fix: expect.stringContaining('--txt-prefix') },
  ]);
});

test('there are as many operations as in any change', () => {
  const create = Array.from({ length: RRSET_OPERATIONS_MAX + 1 }, (_, at) => a(`n${at}.example.com`, '192.0.2.1'));
  expect(bad(readChanges({ create }, control))).toMatchObject([{ code: 'FIELD_VALUE' }]);
});

test('the zone of a name is the nearest one', () => {
  const of = (name: string) => zoneOf(nameOf(name), control)?.name;
  expect(['a.b.example.com.', 'example.com.', 'EXAMPLE.com.', 'com.', '.'].map(of)).toEqual([
    'example.com.',
    'example.com.',
    'example.com.',
    undefined,
    undefined,
  ]);
  expect(formatName(nameOf('.'))).toBe('.');
});
