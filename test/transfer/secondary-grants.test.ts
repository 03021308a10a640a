/** RFC 9103 §9.3.3: what a zone's list of secondaries opens, by address, by certificate, and by both with a key. */
import { expect, onTestFinished, test } from 'vitest';
import { type ClientAddress, newClientAddress, setClientAddress } from '#base/client-address.ts';
import { nameOf } from '#dns/name.ts';
import { openReader } from '#store/reader.ts';
import { type Secondary } from '#store/transfer/secondaries.ts';
import { secondaryGrants } from '#transfer/secondary-grants.ts';
import { TEST_ACTOR, good, temporaryControl } from '../support/temporary-control.ts';

const [KNOWN, OTHER] = ['known', 'other'].map((name) => Buffer.alloc(32, name).toString('base64')) as [string, string];
const ZONE = '@ 60 SOA ns host 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.53\n';

async function room(...listed: readonly Pick<Secondary, 'ip' | 'key' | 'pins'>[]) {
  const control = temporaryControl();
  await control.load('a.test.', ZONE);
  for (const name of ['k.', 'j.']) {
    const key = { name, algorithm: 'hmac-sha256', operations: ['transfer'], zones: 'all' } as const;
    await control.control.transfer.createKey(key, TEST_ACTOR);
  }
  for (const each of listed)
    good(await control.run({ kind: 'secondary.add', zone: nameOf('a.test.'), port: 53, ...each }));
  const reader = openReader(control.dir);
  onTestFinished(() => reader.close());
  return { grants: secondaryGrants(reader), id: reader.zoneByName(nameOf('a.test.'))!.id, control };
}

function client(ip: string, pin?: string): ClientAddress {
  const address = newClientAddress();
  setClientAddress(address, ip);
  if (pin !== undefined) address.secured = { isLatest: true, pin: () => pin };
  return address;
}

test('without a key: by address where there is no pin, by certificate from any address where there is one', async () => {
  const { grants, id } = await room(
    { ip: '192.0.2.1' },
    { ip: '192.0.2.2', pins: [KNOWN] },
    { ip: '192.0.2.3', key: 'k.' },
  );
  const may = (...who: Parameters<typeof client>) => grants.isGrantedWithoutKey(id, client(...who));
  expect([may('192.0.2.1'), may('192.0.2.9'), may('192.0.2.3')]).toEqual([true, false, false]);
  expect([may('192.0.2.2'), may('192.0.2.2', OTHER)]).toEqual([false, false]);
  expect([may('192.0.2.2', KNOWN), may('2001:db8::1', KNOWN)]).toEqual([true, true]);
});

test('a key of secondaries that all have pins needs one of their certificates', async () => {
  const { grants, id } = await room({ ip: '192.0.2.1', key: 'k.', pins: [KNOWN] });
  const may = (key: string, pin?: string) => grants.mayUseKey(id, nameOf(key), client('192.0.2.1', pin));
  expect([may('k.'), may('k.', OTHER), may('k.', KNOWN)]).toEqual([false, false, true]);
  // Of a key that no secondary has, its grant alone counts.
  expect(may('j.')).toBe(true);
});

test('a key that one secondary has without a pin opens the zone as ever', async () => {
  const { grants, id } = await room({ ip: '192.0.2.1', key: 'k.', pins: [KNOWN] }, { ip: '192.0.2.2', key: 'k.' });
  expect(grants.mayUseKey(id, nameOf('k.'), client('192.0.2.1'))).toBe(true);
});

test('a pin is the SHA-256 of a key in base64, and there are one to four', async () => {
  const { control } = await room();
  const add = (pins: readonly string[]) =>
    control.run({ kind: 'secondary.add', zone: nameOf('a.test.'), ip: '192.0.2.1', port: 53, pins });
  expect(await add(['sha256/abc'])).toMatchObject({
    ok: false,
    problems: [{ code: 'FIELD_VALUE', message: expect.stringContaining('is no pin') }],
  });
  expect(await add([])).toMatchObject({ ok: false });
  expect(await add([KNOWN, KNOWN, KNOWN, KNOWN, KNOWN])).toMatchObject({ ok: false });
  expect(await add([KNOWN])).toMatchObject({ ok: true });
});
