/** Turning it on and off, and what stands against it; a request that is out of date. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { CHILD, PARENT, delegationBench } from '../../support/delegation-control.ts';

const SECOND_MS = 1000;

test('an unsigned zone has no DS records that prove anything', async () => {
  const room = temporaryControl();
  await room.load('plain.test.', '@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n', { dnssec: false });
  const refused = await room.run({ kind: 'delegation.set', zone: nameOf('plain.test.'), isOn: true });
  expect(bad(refused)).toMatchObject([{ code: 'DNSSEC_OFF' }]);
});

test('a DSYNC record that was put by hand is not replaced', async () => {
  const room = await delegationBench();
  const operation = {
    op: 'set',
    name: '*._dsync.parent.test.',
    type: 'DSYNC',
    ttl: 60,
    records: ['CDS 1 5 x.test.'],
  } as const;
  good(await room.run({ kind: 'rrsets.change', zone: PARENT, operations: [operation] }));
  const refused = await room.run({ kind: 'delegation.set', zone: PARENT, isOn: true });
  expect(bad(refused)).toMatchObject([{ code: 'RRSET_MANAGED' }]);
  expect(room.texts(PARENT, nameOf('*._dsync.parent.test.'), TYPE.DSYNC)).toEqual(['CDS 1 5 x.test.']);
});

test('who may change this zone alone names no addresses to be asked', async () => {
  const room = await delegationBench();
  const command = { kind: 'delegation.set', zone: PARENT, isOn: true } as const;
  const refused = await room.run({ ...command, servers: ['127.0.0.1'] }, { mayChange: () => false });
  expect(bad(refused)).toMatchObject([{ code: 'AUTH_SCOPE' }]);
  const wrong = await room.run({ ...command, target: 'münster', servers: ['300.0.0.1'] }, { mayChange: () => true });
  expect(bad(wrong).map(({ code }) => code)).toEqual(['NAME_ESCAPE', 'ADDRESS_SYNTAX']);
  good(
    await room.run(
      { ...command, target: 'scan.example.', port: 5359, servers: ['192.0.2.7'] },
      { mayChange: () => true },
    ),
  );
  expect(room.texts(PARENT, nameOf('*._dsync.parent.test.'), TYPE.DSYNC)).toEqual(['CDS 1 5359 scan.example.']);
  await room.live(3 * SECOND_MS);
  expect(new Set(room.asked.filter((each) => each.endsWith(' 59')).map((each) => each.split(' ')[0]))).toEqual(
    new Set(['192.0.2.7']),
  );
});

test('a request that was judged with other DS records, or after it was turned off, changes nothing', async () => {
  const room = await delegationBench();
  const take = { kind: 'delegation.take', zone: PARENT, child: CHILD, ds: [], inception: 1, text: 'x' } as const;
  expect(good(await room.run({ ...take, before: [] })).changed).toBe(false);
  await room.on();
  await room.live(3 * SECOND_MS);
  const ds = room.ds();
  expect(ds).toHaveLength(1);
  expect(good(await room.run({ ...take, before: [Uint8Array.of(1, 2, 3, 4)] })).changed).toBe(false);
  expect(room.ds()).toEqual(ds);
});

test('the zone file of the zone, read again, keeps what follows CDS; a DS of another kind in it is left out with a warning', async () => {
  const room = await delegationBench();
  await room.on();
  await room.live(3 * SECOND_MS);
  const [ds] = room.ds();
  const text = `@ 60 SOA ns host 2 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.53\nkid 60 NS a.op.test.\nkid 60 DS 1 13 2 ${'ab'.repeat(32)}\n`;
  const { warnings } = await room.load('parent.test.', text);
  expect(warnings.map(({ code }) => code)).toContain('RRSET_MANAGED');
  expect(room.ds()).toEqual([ds]);
});
