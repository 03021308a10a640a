/** Catalogs of another server: their members come, change, move and go here, and nothing else does. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { readMembership } from '#store/transfer/followed-catalogs.ts';
import { readPrimaries } from '#store/transfer/primaries.ts';
import { CATALOG, type CatalogPair, alertsOf, catalogPair } from '../../support/catalog-pair.ts';
import { MAIL_ZONE_TEXT, bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { ZONE, fakePrimary, message } from '../../support/transfer-messages.ts';

const A = nameOf('a.test.');
const OTHER = 'other.test.';
const recordOf = ({ consumer }: CatalogPair, zone: string) => consumer.writer.zoneByName(nameOf(zone));
const viewOf = ({ consumer }: CatalogPair, catalog = CATALOG) =>
  consumer.control.transfer.catalogs.followed(consumer.writer.zoneByName(nameOf(catalog))!)!;

async function following(...zones: readonly string[]): Promise<CatalogPair> {
  const pair = await catalogPair();
  for (const zone of zones) await pair.produce(zone);
  await pair.follow();
  return pair;
}

describe('members', () => {
  test('come with the catalog, are copies from its primary, and go with it; no query gets the catalog', async () => {
    const pair = await following('a.test.', 'b.test.');
    expect(pair.zones()).toEqual(['a.test.', 'b.test.', CATALOG]);
    const { producer } = pair;
    for (const zone of ['a.test.', 'b.test.'])
      expect(recordOf(pair, zone)).toMatchObject({
        serial: producer.writer.zoneByName(nameOf(zone))!.serial,
        dnssec: 'on',
        secondary: { mode: 'copy' },
      });
    expect(recordOf(pair, CATALOG)).toMatchObject({ isCatalog: true, secondary: { mode: 'copy' } });
    expect(viewOf(pair)).toMatchObject({ state: 'current', members: 2, clashCount: 0, heldCount: 0 });
    good(await producer.run({ kind: 'catalog.remove', zone: nameOf(CATALOG), member: A }));
    await pair.produce('c.test.');
    await pair.sync();
    expect(pair.zones()).toEqual(['b.test.', 'c.test.', CATALOG]);
    expect(
      pair.consumer.writer.events(0, 1000).filter(({ kind, event }) => kind === 'zone' && event === 'removed'),
    ).toMatchObject([{ zone: 'a.test.', actor: { kind: 'system', id: 'catalog' } }]);
  });

  test('are not changed or removed by hand, nor is the catalog; the catalog itself may go, and leaves them', async () => {
    const pair = await following('a.test.');
    const { consumer } = pair;
    expect(bad(await consumer.run({ kind: 'zone.remove', zone: A }))).toMatchObject([{ code: 'ZONE_CATALOG' }]);
    const primaries = [{ ip: '192.0.2.9', port: 53 }];
    expect(bad(await consumer.run({ kind: 'primaries.set', zone: A, primaries }))).toMatchObject([
      { code: 'ZONE_CATALOG' },
    ]);
    const add = { kind: 'catalog.add', zone: nameOf(CATALOG), member: A, groups: [] } as const;
    expect(bad(await consumer.run(add))).toMatchObject([{ code: 'ZONE_SECONDARY' }]);
    good(await consumer.run({ kind: 'zone.remove', zone: nameOf(CATALOG) }));
    expect(pair.zones()).toEqual(['a.test.']);
    // Followed anew, it has them again, as they are.
    const { id } = recordOf(pair, 'a.test.')!;
    await pair.follow();
    expect([recordOf(pair, 'a.test.')?.id, viewOf(pair).members, alertsOf(consumer)]).toEqual([id, 1, []]);
    good(await consumer.run({ kind: 'zone.remove', zone: nameOf(CATALOG) }));
    good(await consumer.run({ kind: 'zone.remove', zone: A }));
  });

  test('RFC 9432 §4.4.2: groups choose the template; a change of group or template changes the zone', async () => {
    const pair = await catalogPair();
    await pair.produce('a.test.', { groups: ['far', 'other'] });
    await pair.produce('b.test.');
    // Nothing listens there.
    const far = [{ ip: '127.0.0.1', port: 1, key: 'catalog.key.' }];
    await pair.follow([{ group: 'far', primaries: far, mode: 'copy' }]);
    const { consumer, producer } = pair;
    const primariesOf = (zone: string) =>
      readPrimaries(consumer.writer, recordOf(pair, zone)!.id).map(({ port }) => port);
    const near = producer.at.port;
    expect([primariesOf('a.test.'), primariesOf('b.test.')]).toEqual([[1], [near]]);
    good(await producer.run({ kind: 'catalog.add', zone: nameOf(CATALOG), member: A, groups: ['other'] }));
    await pair.sync();
    expect(primariesOf('a.test.')).toEqual([near]);
    expect(recordOf(pair, 'a.test.')?.serial).toBe(10);
    good(
      await consumer.run({
        kind: 'catalog.settings',
        zone: nameOf(CATALOG),
        templates: [{ primaries: far, mode: 'copy' }],
      }),
    );
    await consumer.control.transferParts.follower.settled();
    expect([primariesOf('a.test.'), primariesOf('b.test.')]).toEqual([[1], [1]]);
  });

  test('a template that signs: unsigned members are signed here at once, signed ones stay copies and are said', async () => {
    const pair = await catalogPair();
    await pair.produce('a.test.', { dnssec: false });
    await pair.produce('b.test.');
    await pair.follow();
    const settings = {
      kind: 'catalog.settings',
      zone: nameOf(CATALOG),
      templates: [{ primaries: [], mode: 'sign' }],
    } as const;
    good(await pair.consumer.run(settings));
    await pair.sync();
    expect(recordOf(pair, 'a.test.')).toMatchObject({ dnssec: 'on', serial: 11, secondary: { mode: 'sign' } });
    expect(recordOf(pair, 'b.test.')).toMatchObject({ dnssec: 'on', secondary: { mode: 'copy' }, keys: [] });
    expect(viewOf(pair).failure).toMatch(/^b\.test\.: .*signatures of another signer/);
    expect(alertsOf(pair.consumer)).toEqual(['CATALOG_FAILED']);
    // It is tried again each minute, and the same failure is told once.
    const { follower } = pair.consumer.control.transferParts;
    for (let minute = 0; minute < 3; minute++) {
      follower.again();
      await follower.settled();
    }
    expect(viewOf(pair).failure).toMatch(/^b\.test\.: /);
    expect(alertsOf(pair.consumer)).toEqual(['CATALOG_FAILED']);
  });

  test('two hundred members come, change and go', async () => {
    const pair = await catalogPair();
    const zones = Array.from({ length: 200 }, (_, at) => `m${at}.test.`);
    for (const zone of zones) await pair.produce(zone, { dnssec: false });
    await pair.follow();
    expect(pair.zones().length).toBe(201);
    const set = { op: 'set', name: 'www', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
    for (const zone of zones)
      good(await pair.producer.run({ kind: 'rrsets.change', zone: nameOf(zone), operations: [set] }));
    await pair.sync();
    expect(zones.filter((zone) => recordOf(pair, zone)?.serial !== 11)).toEqual([]);
    for (const member of zones.slice(5).map(nameOf))
      good(await pair.producer.run({ kind: 'catalog.remove', zone: nameOf(CATALOG), member }));
    await pair.sync();
    expect(viewOf(pair)).toMatchObject({ state: 'held', heldCount: 195 });
    good(await pair.consumer.run({ kind: 'catalog.confirm', zone: nameOf(CATALOG), removals: 195 }));
    await pair.sync();
    expect(pair.zones().length).toBe(6);
    // What is kept of zones that were removed by hand is not pushed out.
    expect(pair.consumer.writer.due(Number.MAX_SAFE_INTEGER - 1, 10, 'removed-zone')).toEqual([]);
  });

  test('RFC 9432 §5.6: with another label a member comes anew, with an older serial too; until then it is served as it was', async () => {
    const pair = await following('a.test.');
    const { consumer, producer } = pair;
    const change = {
      kind: 'rrsets.change',
      zone: A,
      operations: [{ op: 'set', name: 'a.test.', type: 'TXT', ttl: 60, records: ['"x"'] }],
    } as const;
    good(await producer.run(change));
    await pair.sync();
    expect(recordOf(pair, 'a.test.')?.serial).toBe(11);
    const { id } = recordOf(pair, 'a.test.')!;
    // As a producer that has lost its data does.
    good(await producer.run({ kind: 'zone.remove', zone: A }));
    good(
      await producer.run({
        kind: 'zone.import',
        zone: A,
        text: MAIL_ZONE_TEXT,
        file: 'a',
        dnssec: false,
        parent: 'ignore',
      }),
    );
    good(await producer.run({ kind: 'catalog.add', zone: nameOf(CATALOG), member: A, groups: [] }));
    await pair.sync();
    expect(recordOf(pair, 'a.test.')).toMatchObject({ id, dnssec: 'off' });
    expect(readMembership(consumer.writer, id)).not.toHaveProperty('isReset');
  });
});

describe('what must not happen', () => {
  test('RFC 9432 §5.2: a zone that is not its own is never taken, changed or removed; nor is a name below one', async () => {
    const pair = await catalogPair();
    await pair.consumer.load('a.test.', MAIL_ZONE_TEXT);
    await pair.consumer.load('mine.test.', MAIL_ZONE_TEXT);
    for (const zone of ['a.test.', 'b.test.', 'sub.mine.test.']) await pair.produce(zone);
    const { id, revision } = recordOf(pair, 'a.test.')!;
    await pair.follow();
    expect(pair.zones()).toEqual(['a.test.', 'b.test.', CATALOG, 'mine.test.']);
    expect(recordOf(pair, 'a.test.')).toMatchObject({ id, revision });
    expect(viewOf(pair).clashes).toEqual([
      { zone: 'a.test.', why: 'is a zone here that no catalog brought' },
      { zone: 'sub.mine.test.', why: 'is below the zone mine.test. here, which does not delegate it' },
    ]);
    expect(alertsOf(pair.consumer)).toEqual(['CATALOG_CLASH']);
    good(await pair.producer.run({ kind: 'catalog.remove', zone: nameOf(CATALOG), member: A }));
    await pair.sync();
    expect(recordOf(pair, 'a.test.')).toMatchObject({ id, revision });
    // The name is free later: the next look takes it.
    const delegation = {
      op: 'set',
      name: 'sub.mine.test.',
      type: 'NS',
      ttl: 60,
      records: ['ns.sub.mine.test.'],
    } as const;
    const glue = { op: 'set', name: 'ns.sub.mine.test.', type: 'A', ttl: 60, records: ['192.0.2.1'] } as const;
    good(
      await pair.consumer.run({ kind: 'rrsets.change', zone: nameOf('mine.test.'), operations: [delegation, glue] }),
    );
    pair.consumer.control.transferParts.follower.again();
    await pair.sync();
    expect(pair.zones()).toContain('sub.mine.test.');
    expect(viewOf(pair)).toMatchObject({ state: 'current', clashCount: 0 });
  });

  test('RFC 9432 §5.1: a broken catalog is ignored as a whole, until it is mended', async () => {
    const head = (serial: number) => [`@ 0 SOA invalid. invalid. ${serial} 60 60 9999999 0`, '@ 0 NS invalid.'];
    const member = (at: number) => `m${at}.zones 0 PTR m${at}.test.`;
    const members = Array.from({ length: 3 }, (_, at) => member(at));
    const state = { serial: 1, lines: ['version 0 TXT "2"', ...members] };
    const at = await fakePrimary(({ id, type }, send) => {
      const [soa, ns] = head(state.serial);
      send(message({ id, type, lines: [soa!, ns!, ...state.lines, soa!] }));
    });
    const consumer = temporaryControl();
    const { keeper, follower } = consumer.control.transferParts;
    const primaries = [{ ip: at.ip, port: at.port }];
    const follow = {
      kind: 'secondary.create',
      zone: ZONE,
      primaries,
      isSigning: false,
      catalog: { templates: [] },
    } as const;
    expect(good(await consumer.run(follow)).warnings).toMatchObject([{ code: 'CATALOG_KEYLESS' }]);
    const view = () => consumer.control.transfer.catalogs.followed(consumer.writer.zoneByName(ZONE)!)!;
    const next = async (lines: readonly string[]) => {
      Object.assign(state, { serial: state.serial + 1, lines });
      consumer.clock.pass(60_000);
      await expect
        .poll(() => {
          keeper.tick();
          return consumer.writer.zoneByName(ZONE)!.serial;
        })
        .toBe(state.serial);
      await follower.settled();
    };
    await next(state.lines);
    expect(view()).toMatchObject({ state: 'current', members: 3 });
    await next([]);
    expect(view()).toMatchObject({ state: 'broken', members: 3, broken: 'has no version (RFC 9432 §4.3.1)' });
    await next(['version 0 TXT "2"', members[0]!, 'other.zones 0 PTR m0.test.']);
    expect(view()).toMatchObject({ state: 'broken', members: 3 });
    expect(alertsOf(consumer).filter((each) => each.startsWith('CATALOG'))).toEqual(['CATALOG_BROKEN']);
    await next(['version 0 TXT "2"', ...members.slice(1)]);
    expect(view()).toMatchObject({ state: 'current', members: 2 });
  });

  test('a catalog that loses many members at once keeps them until an operator says so', async () => {
    const names = Array.from({ length: 15 }, (_, at) => `m${at}.test.`);
    const pair = await following(...names, 'a.test.');
    const { consumer, producer } = pair;
    for (const zone of names.slice(1))
      good(await producer.run({ kind: 'catalog.remove', zone: nameOf(CATALOG), member: nameOf(zone) }));
    await pair.produce('new.test.');
    await pair.sync();
    expect(viewOf(pair)).toMatchObject({ state: 'held', heldCount: 14, members: 17 });
    expect(pair.zones()).toContain('new.test.');
    expect(alertsOf(consumer)).toEqual(['CATALOG_REMOVALS_HELD']);
    const confirm = { kind: 'catalog.confirm', zone: nameOf(CATALOG) } as const;
    expect(bad(await consumer.run({ ...confirm, removals: 3 }))).toMatchObject([{ code: 'PRECONDITION' }]);
    // One comes back: it stays, and the others still wait.
    good(await producer.run({ kind: 'catalog.add', zone: nameOf(CATALOG), member: nameOf('m1.test.'), groups: [] }));
    await pair.sync();
    expect(viewOf(pair)).toMatchObject({ state: 'held', heldCount: 13 });
    // Another version may remove as many, and others.
    const { serial } = consumer.writer.zoneByName(nameOf(CATALOG))!;
    expect(bad(await consumer.run({ ...confirm, removals: 13, serial: serial - 1 }))).toMatchObject([
      { code: 'PRECONDITION', message: expect.stringContaining(`is at serial ${serial} now`) },
    ]);
    good(await consumer.run({ ...confirm, removals: 13, serial }));
    await pair.sync();
    expect(viewOf(pair)).toMatchObject({ state: 'current', heldCount: 0, members: 4 });
    expect(pair.zones().toSorted()).toEqual(['a.test.', CATALOG, 'm0.test.', 'm1.test.', 'new.test.']);
  });

  test('a catalog with more members than it may have is ignored', async () => {
    const pair = await catalogPair();
    for (const zone of ['a.test.', 'b.test.', 'c.test.']) await pair.produce(zone);
    await pair.follow([], { membersMax: 2 });
    expect([pair.zones(), viewOf(pair).broken]).toEqual([
      [CATALOG],
      'has more members than the 2 that it may have here',
    ]);
    expect(alertsOf(pair.consumer)).toEqual(['CATALOG_MEMBERS_MANY']);
    good(await pair.consumer.run({ kind: 'catalog.settings', zone: nameOf(CATALOG), templates: [], membersMax: 3 }));
    await pair.sync();
    expect(viewOf(pair)).toMatchObject({ state: 'current', members: 3 });
  });
});

describe('RFC 9432 §4.4.1, §5.5: a zone moves between catalogs', () => {
  async function two(): Promise<CatalogPair> {
    const pair = await following('a.test.', 'b.test.');
    good(await pair.producer.run({ kind: 'catalog.create', zone: nameOf(OTHER) }));
    await pair.produce('c.test.', { catalog: OTHER });
    await pair.follow([], { catalog: OTHER });
    return pair;
  }

  test('with coo, under the same label: it is served as it was, and the first catalog can let it go', async () => {
    const pair = await two();
    const { consumer, producer } = pair;
    const before = recordOf(pair, 'a.test.')!;
    good(await producer.run({ kind: 'catalog.move', zone: nameOf(CATALOG), member: A, to: nameOf(OTHER) }));
    await pair.sync();
    expect(readMembership(consumer.writer, before.id)).toMatchObject({ catalog: OTHER });
    expect(recordOf(pair, 'a.test.')).toEqual(before);
    expect([viewOf(pair).members, viewOf(pair, OTHER).members]).toEqual([1, 2]);
    good(await producer.run({ kind: 'catalog.remove', zone: nameOf(CATALOG), member: A }));
    await pair.sync();
    expect(recordOf(pair, 'a.test.')).toEqual(before);
    expect([viewOf(pair).members, viewOf(pair, OTHER).members]).toEqual([1, 2]);
    // From now on the second one has it.
    good(await producer.run({ kind: 'catalog.remove', zone: nameOf(OTHER), member: A }));
    await pair.sync();
    expect(recordOf(pair, 'a.test.')).toBeUndefined();
  });

  test('without coo it stays where it is, and is a clash; when the coo comes after that, it moves', async () => {
    const pair = await two();
    const { consumer, producer } = pair;
    good(await producer.run({ kind: 'catalog.add', zone: nameOf(OTHER), member: A, groups: [] }));
    await pair.sync();
    const { id } = recordOf(pair, 'a.test.')!;
    expect([readMembership(consumer.writer, id)?.catalog, alertsOf(consumer)]).toEqual([CATALOG, ['CATALOG_CLASH']]);
    const coo = { kind: 'catalog.add', zone: nameOf(CATALOG), member: A, groups: [], coo: nameOf(OTHER) } as const;
    good(await producer.run(coo));
    await pair.sync();
    expect(readMembership(consumer.writer, id)?.catalog).toBe(OTHER);
    expect(viewOf(pair, OTHER)).toMatchObject({ members: 2, clashCount: 0 });
  });
});

test('what was left undone by a stop is done after the next start', async () => {
  const pair = await following('a.test.');
  const { consumer, producer } = pair;
  await consumer.control.transferParts.follower.stop();
  await pair.produce('b.test.');
  good(await producer.run({ kind: 'catalog.remove', zone: nameOf(CATALOG), member: A }));
  await pair.sync();
  expect(pair.zones()).toEqual(['a.test.', CATALOG]);
  const { CatalogFollower } = await import('#control/catalog/follower.ts');
  const next = new CatalogFollower({
    writer: consumer.writer,
    run: (command, options) => consumer.control.run(command, options),
    alert: () => Promise.resolve(),
  });
  next.changed(consumer.writer.catalogs());
  await next.settled();
  await next.stop();
  expect(pair.zones()).toEqual(['b.test.', CATALOG]);
});
