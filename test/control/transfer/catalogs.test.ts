/** Catalogs that this server produces (RFC 9432): their records, members, and what is rejected. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import {
  MAIL_ZONE_TEXT,
  TEST_ACTOR,
  type TestControl,
  bad,
  good,
  temporaryControl,
} from '../../support/temporary-control.ts';

const CATALOG = nameOf('catalog.test.');
const A = nameOf('a.test.');
const B = nameOf('b.test.');

async function catalog(): Promise<TestControl> {
  const server = temporaryControl();
  await server.load('a.test.', MAIL_ZONE_TEXT);
  await server.load('b.test.', MAIL_ZONE_TEXT);
  good(await server.run({ kind: 'catalog.create', zone: CATALOG }));
  return server;
}

function add(server: TestControl, member = A, groups: readonly string[] = []) {
  return server.run({ kind: 'catalog.add', zone: CATALOG, member, groups });
}

/** As a zone file has them, SOA and NS left out. */
function records({ control, writer }: TestControl): string[] {
  const view = writer.view(control.zones.find(CATALOG)!);
  const lines = [...formatZoneFile(view.ascend(view.apexKey), { signed: false })].join('').split('\n');
  return lines.map((line) => line.trim().replaceAll(/\s+/g, ' ')).filter((line) => / (TXT|PTR|A) /.test(line));
}

const members = ({ control }: TestControl) => good(control.transfer.catalogs.members(CATALOG, 10));

describe('what a catalog consists of', () => {
  test('RFC 9432 §4.1, §4.3.1: SOA, NS `invalid.`, the version "2"', async () => {
    const server = await catalog();
    const record = server.control.zones.find(CATALOG)!;
    expect(record).toMatchObject({ dnssec: 'off', isCatalog: true });
    const view = server.writer.view(record);
    const text = [...formatZoneFile(view.ascend(view.apexKey), { signed: false })].join('').replaceAll(/[ \t]+/g, ' ');
    expect(text).toContain('IN NS invalid.');
    expect(text).toMatch(/IN SOA invalid\. invalid\. \d+ 3600 600 2147483646 0/);
    expect(records(server)).toEqual(['version.catalog.test. 0 IN TXT "2"']);
  });

  test('RFC 9432 §4.2, §4.4.2: each member is one PTR at a label of its own, with its groups below, in one serial step', async () => {
    const server = await catalog();
    const before = server.control.zones.find(CATALOG)!.serial;
    const { changeset, warnings } = good(await add(server, A, ['x.signed', 'y.eu']));
    expect([changeset.fromSerial, changeset.toSerial]).toEqual([before, before + 1]);
    expect(warnings).toEqual([]);
    good(await add(server, B));
    const [a, b] = members(server);
    expect([a, b]).toMatchObject([
      { zone: 'a.test.', groups: ['x.signed', 'y.eu'] },
      { zone: 'b.test.', groups: [] },
    ]);
    expect(records(server).toSorted()).toEqual(
      [
        `${a!.label}.zones.catalog.test. 0 IN PTR a.test.`,
        `${b!.label}.zones.catalog.test. 0 IN PTR b.test.`,
        `group.${a!.label}.zones.catalog.test. 0 IN TXT "x.signed"`,
        `group.${a!.label}.zones.catalog.test. 0 IN TXT "y.eu"`,
        'version.catalog.test. 0 IN TXT "2"',
      ].toSorted(),
    );
  });

  test('to add a member again changes its groups, and not its label', async () => {
    const server = await catalog();
    good(await add(server, A, ['one']));
    const [before] = members(server);
    expect(good(await add(server, A, ['one'])).changed).toBe(false);
    expect(good(await add(server, A, ['two'])).changed).toBe(true);
    expect(members(server)).toEqual([{ ...before!, groups: ['two'] }]);
    good(await add(server, A));
    expect(members(server)).toEqual([{ ...before!, groups: [] }]);
  });

  test('RFC 9432 §5.6: a zone that was taken out and is added again has another label', async () => {
    const server = await catalog();
    good(await add(server));
    const [before] = members(server);
    good(await server.run({ kind: 'catalog.remove', zone: CATALOG, member: A }));
    expect(members(server)).toEqual([]);
    good(await add(server));
    expect(members(server)[0]!.label).not.toBe(before!.label);
    expect(bad(await server.run({ kind: 'catalog.remove', zone: CATALOG, member: B }))).toMatchObject([
      { code: 'CATALOG_MEMBER_NOT_FOUND' },
    ]);
  });

  test('a zone that is removed leaves its catalogs in the same transaction, with what is below its node', async () => {
    const server = await catalog();
    const other = nameOf('other.test.');
    good(await server.run({ kind: 'catalog.create', zone: other }));
    good(await add(server, A, ['g']));
    good(await add(server, B));
    good(await server.run({ kind: 'catalog.add', zone: other, member: A, groups: [] }));
    const { label } = members(server)[0]!;
    const operations = [
      { op: 'set', name: `p.ext.${label}.zones`, type: 'A', ttl: 0, records: ['192.0.2.1'] },
    ] as const;
    const named = operations.map((each) => ({ ...each, name: `${each.name}.catalog.test.` }));
    good(await server.run({ kind: 'rrsets.change', zone: CATALOG, operations: named }));
    const { elsewhere = [], revision } = good(await server.run({ kind: 'zone.remove', zone: A }));
    expect(elsewhere.map(({ zone }) => zone).toSorted()).toEqual(['catalog.test.', 'other.test.']);
    expect(server.control.zones.find(CATALOG)!.revision).toBe(revision);
    expect(members(server)).toMatchObject([{ zone: 'b.test.' }]);
    expect(records(server)).toHaveLength(2);
    good(await server.run({ kind: 'zone.restore', zone: A }));
    expect(members(server)).toMatchObject([{ zone: 'b.test.' }]);
  });

  test('members come by pages, each after a label', async () => {
    const server = await catalog();
    good(await add(server, A, ['g']));
    good(await add(server, B, ['g']));
    const { catalogs } = server.control.transfer;
    const [first, ...more] = good(catalogs.members(CATALOG, 1));
    expect([first!.zone, more]).toEqual(['a.test.', []]);
    expect(good(catalogs.members(CATALOG, 5, first!.label))).toMatchObject([{ zone: 'b.test.' }]);
  });

  test('a catalog that is made again has a serial after the one that it had', async () => {
    const server = await catalog();
    good(await add(server));
    const { serial } = server.control.zones.find(CATALOG)!;
    const { warnings } = good(await server.run({ kind: 'zone.remove', zone: CATALOG }));
    expect(warnings).toMatchObject([{ code: 'ZONE_KEPT', fix: expect.stringContaining('catalog create') }]);
    good(await server.run({ kind: 'catalog.create', zone: CATALOG }));
    expect(server.control.zones.find(CATALOG)!.serial).toBe(serial + 1);
    expect(members(server)).toEqual([]);
  });
});

describe('what is rejected', () => {
  const set = (name: string, type: string, ...data: readonly string[]) => {
    return {
      kind: 'rrsets.change',
      zone: CATALOG,
      operations: [{ op: 'set', name, type, ttl: 0, records: data }],
    } as const;
  };

  test('changes by hand that would break the catalog, with the command that does it', async () => {
    const server = await catalog();
    good(await add(server));
    const { label } = members(server)[0]!;
    const before = records(server);
    const commands = [
      set(`${label}.zones.catalog.test.`, 'PTR', 'other.test.'),
      set('version.catalog.test.', 'TXT', '"3"'),
    ];
    for (const command of commands) {
      const [first] = bad(await server.run(command));
      expect(first).toMatchObject({ code: 'RRSET_MANAGED', fix: expect.stringContaining('waxseal catalog add') });
    }
    for (const command of [set('x.zones.catalog.test.', 'PTR', 'a.test.'), set('www.catalog.test.', 'A', '192.0.2.1')])
      expect(bad(await server.run(command))).toMatchObject([{ code: 'ZONE_CATALOG' }]);
    expect(records(server)).toEqual(before);
  });

  test('RFC 9432 §4.5: custom properties, SOA and NS are the operator’s', async () => {
    const server = await catalog();
    good(await server.run(set('example.vendor.ext.catalog.test.', 'A', '192.0.2.1')));
    good(await server.run(set('catalog.test.', 'NS', 'ns.test.')));
    expect(bad(await server.run(set('ext.catalog.test.', 'A', '192.0.2.1')))).toMatchObject([{ code: 'ZONE_CATALOG' }]);
  });

  test('signing, a zone file, an undo of a member', async () => {
    const server = await catalog();
    const { serial } = good(await add(server));
    expect(bad(await server.run({ kind: 'zone.dnssec', zone: CATALOG, dnssec: true }))).toMatchObject([
      { code: 'ZONE_CATALOG' },
    ]);
    const file = { text: MAIL_ZONE_TEXT, file: 'f', dnssec: false };
    expect(bad(await server.run({ kind: 'zone.import', zone: CATALOG, ...file }))).toMatchObject([
      { code: 'ZONE_CATALOG' },
    ]);
    expect(bad(await server.run({ kind: 'zone.revert', zone: CATALOG, serial }))).toMatchObject([
      { code: 'RRSET_MANAGED' },
    ]);
  });

  test('members that are not here or are catalogs, groups that are no text, catalogs that are none', async () => {
    const server = await catalog();
    expect(bad(await add(server, nameOf('c.test.')))).toMatchObject([{ code: 'ZONE_NOT_FOUND' }]);
    expect(bad(await add(server, CATALOG))).toMatchObject([{ code: 'ZONE_CATALOG' }]);
    expect(bad(await add(server, A, ['a b']))).toMatchObject([{ code: 'CATALOG_GROUP' }]);
    expect(bad(await add(server, A, ['a', 'a']))).toMatchObject([{ code: 'CATALOG_GROUP' }]);
    expect(bad(await server.run({ kind: 'catalog.add', zone: A, member: B, groups: [] }))).toMatchObject([
      { code: 'CATALOG_NOT_FOUND' },
    ]);
    expect(bad(await server.run({ kind: 'catalog.create', zone: A }))).toMatchObject([{ code: 'ZONE_EXISTS' }]);
    const long = nameOf(`${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(30)}.`);
    expect(bad(await server.run({ kind: 'catalog.create', zone: long }))).toMatchObject([{ code: 'FIELD_VALUE' }]);
  });

  test('RFC 9432 §7: a secondary without a key; one whose key does not open a member is a warning', async () => {
    const server = await catalog();
    const secondary = { kind: 'secondary.add', zone: CATALOG, ip: '192.0.2.9', port: 53 } as const;
    expect(bad(await server.run(secondary))).toMatchObject([{ code: 'SECONDARY_KEYLESS' }]);
    const wanted = { algorithm: 'hmac-sha256', operations: ['transfer' as const] };
    good(
      await server.control.transfer.createKey(
        { ...wanted, name: 'k.test', zones: ['catalog.test'] },
        TEST_ACTOR,
        false,
      ),
    );
    good(await server.run({ ...secondary, key: 'k.test.' }));
    expect(good(await add(server)).warnings).toMatchObject([{ code: 'CATALOG_MEMBER_GRANT' }]);
    good(await server.control.transfer.createKey({ ...wanted, name: 'all.test', zones: 'all' }, TEST_ACTOR, false));
    good(await server.run({ ...secondary, key: 'all.test.' }));
    expect(good(await add(server, B)).warnings).toEqual([]);
  });
});

test('a zone above and a catalog below do not know each other: no query gets to the catalog', async () => {
  const server = temporaryControl();
  await server.load('test.', `${MAIL_ZONE_TEXT}below.catalog 60 A 192.0.2.7\n`, { dnssec: true });
  good(await server.run({ kind: 'catalog.create', zone: CATALOG }));
  const answer = server.control.zones.query(nameOf('below.catalog.test.'), 1, false);
  expect(answer).toMatchObject({ rcode: 0 });
  expect(answer.answer).toHaveLength(1);
});
