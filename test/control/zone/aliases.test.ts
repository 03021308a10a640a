/** ALIAS in changes by hand: what is published, and what is rejected. */
import { describe, expect, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { settleAliases } from '#control/zone/aliases.ts';
import { TYPE } from '#dns/types.ts';
import { rrsetOf } from '#zone/view.ts';
import { ALIAS_ZONE, LB, alias, aliasLab } from '../../support/alias-lab.ts';
import { bad, good } from '../../support/temporary-control.ts';

describe('set', () => {
  test('at the apex: both families are published at once, signed, with the shorter TTL; the ALIAS is shown', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    const outcome = good(await made.change(alias('@', 'lb.test.')));
    expect(outcome.changeset.added).toEqual(
      expect.arrayContaining(['example. 120 IN A 8.8.8.8', 'example. 120 IN AAAA 2600::1']),
    );
    expect(made.show('example.')).toEqual(['120 8.8.8.8 8.8.8.9 alias', '120 2600::1 alias', '300 lb.test. manual']);
    const node = made.control.zones.view(made.control.zones.find(ALIAS_ZONE)!).node(ownerKey(ALIAS_ZONE))!;
    expect(rrsetOf(node, TYPE.A)!.signatures).toHaveLength(1);
    expect(rrsetOf(node, TYPE.ALIAS)).toBeUndefined();
    expect(made.control.zones.query(ALIAS_ZONE, TYPE.ALIAS, false)).toMatchObject({ rcode: 0, answer: [] });
  });

  test('in place of addresses and of a CNAME, in one request; beside them it is rejected with the fix', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    expect(bad(await made.change(alias('www', 'lb.test.')))).toMatchObject([
      { code: 'ALIAS_CLASH', fix: expect.stringContaining('same request') },
    ]);
    expect(bad(await made.change(alias('old', 'lb.test.')))).toMatchObject([{ code: 'CNAME_OTHER_DATA' }]);
    good(await made.change({ op: 'delete', name: 'www', type: 'A' }, alias('www', 'lb.test.')));
    good(await made.change({ op: 'delete', name: 'old', type: 'CNAME' }, alias('old', 'lb.test.')));
    expect(made.show('www.example.')).toContain('120 8.8.8.8 8.8.8.9 alias');
    expect(bad(await made.change({ op: 'set', name: 'www', type: 'A', ttl: 60, records: ['8.8.4.4'] }))).toMatchObject([
      { code: 'ALIAS_CLASH' },
    ]);
    expect(
      bad(await made.change({ op: 'set', name: 'www', type: 'CNAME', ttl: 60, records: ['ns1'] }))[0],
    ).toMatchObject({
      code: 'ALIAS_CLASH',
    });
    good(
      await made.change(
        { op: 'delete', name: 'www', type: 'ALIAS' },
        { op: 'set', name: 'www', type: 'A', ttl: 60, records: ['8.8.4.4'] },
      ),
    );
    expect(made.show('www.example.')).toEqual(['60 8.8.4.4 manual']);
    good(await made.change({ op: 'delete', name: 'old', type: 'ALIAS' }));
    expect(made.show('old.example.')).toEqual([]);
  });

  test('addresses by hand stand in for a target that does not answer', async () => {
    const made = await aliasLab({ 'lb.test.': 'servfail' });
    const outcome = good(await made.change({ op: 'delete', name: 'www', type: 'A' }, alias('www', 'lb.test.')));
    expect(made.show('www.example.')).toEqual(['60 8.8.8.1 alias', '300 lb.test. manual']);
    expect(outcome.warnings).toMatchObject([
      { code: 'ALIAS_UNRESOLVED', message: expect.stringContaining('it is broken') },
    ]);
  });

  test('a dry run changes nothing; the same again changes nothing', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    const command = { kind: 'rrsets.change', zone: ALIAS_ZONE, operations: [alias('@', 'lb.test.')] } as const;
    good(await made.run(command, { dryRun: true }));
    expect(made.show('example.')).toEqual([]);
    const first = good(await made.run(command));
    expect(good(await made.run(command)).serial).toBe(first.serial);
  });

  test.each([
    ['its own name', alias('www2', 'www2'), 'ALIAS_LOOP'],
    ['a name of an ALIAS that leads back', alias('one', 'two'), 'ALIAS_LOOP'],
    ['a CNAME that leads back', alias('www3', 'back'), 'ALIAS_LOOP'],
    ['at a delegation', alias('sub', 'lb.test.'), 'ALIAS_PLACE'],
    ['below a delegation', alias('x.sub.example', 'lb.test.'), 'ALIAS_PLACE'],
    ['two targets', { ...alias('x', 'lb.test.'), records: ['lb.test.', 'lb2.test.'] }, 'ALIAS_MULTIPLE'],
  ])('%s is rejected', async (_, operation, code) => {
    const made = await aliasLab({ 'lb.test.': LB });
    good(
      await made.change(alias('two', 'three'), alias('three', 'one'), {
        op: 'set',
        name: 'back',
        type: 'CNAME',
        ttl: 60,
        records: ['www3'],
      }),
    );
    expect(bad(await made.change(operation))[0]).toMatchObject({ code });
    expect(made.show(`${operation.name.replace('.example', '')}.example.`)).toEqual([]);
  });

  test('without a configured resolver only names of our own zones are taken', async () => {
    const made = await aliasLab({ 'lb.test.': LB }, { hasResolvers: false });
    expect(bad(await made.change(alias('@', 'lb.test.')))).toMatchObject([
      { code: 'ALIAS_NO_RESOLVER', fix: expect.stringContaining('mail.resolvers') },
    ]);
    good(await made.change(alias('@', 'www')));
    expect(made.show('example.')).toContain('300 8.8.8.1 alias');
  });

  test('an address inside is published with a warning', async () => {
    const made = await aliasLab({ 'lb.test.': { a: ['10.0.0.1'] } });
    expect(good(await made.change(alias('@', 'lb.test.'))).warnings).toMatchObject([{ code: 'ALIAS_PRIVATE' }]);
  });
});

test('a file with many ALIAS is looked through once, not once for each of them', async () => {
  const made = await aliasLab({});
  const record = made.control.zones.find(ALIAS_ZONE)!;
  let reads = 0;
  const rdatas = [nameOf('lb.test.')];
  const manager = 'manual' as const;
  const owner = (text: string) => nameOf(`${text}.example.`);
  const txt = {
    owner: owner('txt'),
    get type() {
      reads += 1;
      return TYPE.TXT;
    },
    rrset: { ttl: 60, rdatas: [new Uint8Array([1, 120])], manager },
  };
  const cut = { owner: owner('cut'), type: TYPE.NS, rrset: { ttl: 60, rdatas, manager } };
  const many = Array.from({ length: 300 }, (_, at) => {
    return { owner: owner(`a${at}`), type: TYPE.ALIAS, rrset: { ttl: 60, rdatas, manager } };
  });
  const changes = [txt, cut, ...many] as const;
  const order = { record, view: made.control.zones.view(record), before: [], looks: new Map() };
  const rules = { signed: false, recordsPerRrsetMax: 100 };
  const settings = { reader: made.writer, hasResolvers: true, nowMs: () => 0 };
  const settled = good(settleAliases({ ...order, rules, changes }, settings));
  expect([settled.aliases.length, settled.isChanged]).toEqual([300, true]);
  expect(reads).toBeLessThan(20);
  // What the change itself makes a delegation counts.
  const below = { owner: owner('x.cut'), type: TYPE.ALIAS, rrset: { ttl: 60, rdatas, manager } };
  const codes = bad(settleAliases({ ...order, rules, changes: [...changes, below] }, settings)).map(({ code }) => code);
  expect(codes).toContain('ALIAS_PLACE');
  // And one that it takes away does not.
  const gone = [
    { owner: owner('sub'), type: TYPE.NS, rrset: null },
    { ...below, owner: owner('x.sub') },
  ];
  expect(settleAliases({ ...order, rules, changes: gone }, settings).ok).toBe(true);
});
