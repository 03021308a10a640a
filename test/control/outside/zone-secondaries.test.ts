/** Name servers by NS records: which are asked, which are us, and that one nobody can find holds things up. */
import { describe, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { formatNameServerPlace } from '#control/outside/name-server-place.ts';
import { ZoneSecondaries, ownAddresses } from '#control/outside/zone-secondaries.ts';
import { nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 NS ns2
@ 3600 NS NS3.elsewhere.example.
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
ns2 3600 A 192.0.2.2
ns2 3600 AAAA 2001:db8::2
mx1 3600 A 192.0.2.25
`;
const ALL = ['ns2.post.example 192.0.2.2', 'ns2.post.example 2001:db8::2', 'ns3.elsewhere.example 192.0.2.3'];
const HOUR_MS = 3_600_000;

/** A room that answers at 192.0.2.1; `outside` is where ns3 is, and `asked` who was asked for a record. */
async function house(outside: { table: Table }) {
  const asked: string[] = [];
  const serverAt = (endpoint: string): Resolver => ({
    lookup: (name, type) => {
      asked.push(endpoint);
      return room.control.zones.resolver.lookup(name, type);
    },
  });
  const secondaries = new ZoneSecondaries({ isOurs: ownAddresses([ipPort('192.0.2.1', 53)]), serverAt });
  const room = temporaryControl({
    outside: { lookup: (name, type) => tableResolver(outside.table).lookup(name, type) },
    witnesses: { nameServers: new Map(), probes: new Map(), secondaries },
  });
  await room.load('post.example.', TEXT);
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const mail = () => room.control.mail.view(room.control.zones.find(ZONE)!)!;
  return {
    ...room,
    asked,
    secondaries,
    view: () => room.control.zones.view(room.control.zones.find(ZONE)!),
    stages: () => new Set(mail().state.dkim.lifecycle.objects.map(({ stage }) => stage)),
    lines: () =>
      mail()
        .explanations.flatMap((each) => each.lines)
        .join('\n'),
  };
}

describe('mail.secondaries = "from-ns"', () => {
  test('each address that is not ours is asked before a record counts as published', async () => {
    const home = await house({ table: { 'ns3.elsewhere.example': { a: ['192.0.2.3'] } } });
    good(await home.run({ kind: 'mail.apply', zone: ZONE, policy: { mtaSts: { mode: 'off' } } }));
    await home.live(2 * HOUR_MS);
    expect(home.secondaries.places(home.view()).map(formatNameServerPlace)).toEqual(ALL);
    expect(new Set(home.asked)).toEqual(new Set(['192.0.2.2:53', '[2001:db8::2]:53', '192.0.2.3:53']));
    expect(home.stages()).toEqual(new Set(['active']));
  });

  test('one that nobody can find holds up, and says why; found, things go on; lost again, it is asked where it was', async () => {
    const outside: { table: Table } = { table: {} };
    const home = await house(outside);
    good(await home.run({ kind: 'mail.apply', zone: ZONE, policy: { mtaSts: { mode: 'off' } } }));
    expect(home.secondaries.places(home.view()).map(formatNameServerPlace)).toEqual([
      'ns1.post.example',
      'ns2.post.example',
      'ns3.elsewhere.example',
    ]);
    await home.live(2 * HOUR_MS);
    expect(home.stages()).toEqual(new Set(['published']));
    expect(home.lines()).toContain('ns3.elsewhere.example: this name server has no address');
    outside.table = { 'ns3.elsewhere.example': { timeout: true } };
    await home.live(HOUR_MS);
    expect(home.stages()).toEqual(new Set(['published']));
    outside.table = { 'ns3.elsewhere.example': { a: ['192.0.2.3'] } };
    await home.live(2 * HOUR_MS);
    expect(home.stages()).toEqual(new Set(['active']));
    outside.table = { 'ns3.elsewhere.example': { servfail: true } };
    await home.secondaries.refresh(home.view(), home.control.zones.resolver);
    expect(home.secondaries.places(home.view()).map(formatNameServerPlace)).toEqual(ALL);
  });

  test('with all addresses listened at, those of this machine are ours, and no others', () => {
    expect(['127.0.0.1', '192.0.2.77', '::1'].map(ownAddresses([ipPort('0.0.0.0', 53)]))).toEqual([true, false, false]);
    expect(['192.0.2.1', '2001:DB8::1', '127.0.0.1'].map(ownAddresses([ipPort('192.0.2.1', 5300), ipPort('2001:db8::1', 53)]))).toEqual([
      true,
      true,
      false,
    ]);
  });
});
