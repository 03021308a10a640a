/** Who may have a zone: secondaries by address and key. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { type TsigKeyWanted } from '#control/api/transfer.ts';
import { MAIL_ZONE_TEXT, TEST_ACTOR, type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const WANTED: TsigKeyWanted = { name: 'K.example', algorithm: 'hmac-sha256', operations: ['transfer'], zones: ['A.test'] };

function create({ control }: TestControl, more: Partial<TsigKeyWanted> = {}, dryRun = false) {
  return control.transfer.createKey({ ...WANTED, ...more }, TEST_ACTOR, dryRun);
}

describe('secondaries of a zone', () => {
  const zone = nameOf('a.test.');
  const served = async (): Promise<TestControl> => {
    const server = temporaryControl();
    await server.load('a.test.', MAIL_ZONE_TEXT);
    await server.load('b.test.', MAIL_ZONE_TEXT);
    good(await create(server));
    return server;
  };
  const list = (server: TestControl) => server.control.transfer.secondaries(server.control.zones.find(zone)!);

  test('one address is one secondary, however it is written', async () => {
    const server = await served();
    expect(bad(await server.run({ kind: 'secondary.add', zone, ip: 'fe80::1%eth0', port: 53, key: 'k.example.' }))).toHaveLength(1);
    good(await server.run({ kind: 'secondary.add', zone, ip: '2001:DB8:0::1', port: 53, key: 'k.example.' }));
    const again = good(await server.run({ kind: 'secondary.add', zone, ip: '2001:db8::1', port: 54, key: 'k.example.' }));
    expect(again.warnings).toMatchObject([{ code: 'SECONDARY_CHANGED', message: expect.stringContaining('port 53 became 54') }]);
    expect(server.control.audit.entries(1)[0]?.detail).toContain('secondary 2001:db8::1 changed: port 53 became 54');
    expect(list(server)).toMatchObject([{ ip: '2001:db8::1', port: 54, key: 'k.example.' }]);
    good(await server.run({ kind: 'secondary.remove', zone, ip: '2001:0db8::1' }));
    expect(list(server)).toEqual([]);
    expect(bad(await server.run({ kind: 'secondary.remove', zone, ip: '2001:db8::1' }))).toMatchObject([{ code: 'SECONDARY_NOT_FOUND' }]);
  });

  test('without a key it warns: the address is all that is looked at', async () => {
    const server = await served();
    const { warnings } = good(await server.run({ kind: 'secondary.add', zone, ip: '192.0.2.9', port: 53 }));
    expect(warnings).toMatchObject([{ code: 'SECONDARY_KEYLESS' }]);
  });

  test('a key of other zones, and one that is not there, are told apart for nobody', async () => {
    const server = await served();
    const b = nameOf('b.test.');
    const [foreign] = bad(await server.run({ kind: 'secondary.add', zone: b, ip: '192.0.2.9', port: 53, key: 'k.example.' }));
    const [absent] = bad(await server.run({ kind: 'secondary.add', zone: b, ip: '192.0.2.9', port: 53, key: 'l.example.' }));
    expect(foreign!.message.replace('k.', 'l.')).toBe(absent!.message);
    expect(foreign!.message).not.toContain('a.test');
  });

  test('they go with the zone, and a new zone of the name has none', async () => {
    const server = await served();
    good(await server.run({ kind: 'secondary.add', zone, ip: '192.0.2.9', port: 53, key: 'k.example.' }));
    good(await server.run({ kind: 'zone.remove', zone }));
    await server.load('a.test.', MAIL_ZONE_TEXT);
    expect(list(server)).toEqual([]);
  });
});
