/** RFC 9615: where signals of a first DS stand, and that they go. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { signalName } from '#dnssec/delegation/signal-name.ts';
import { CHILD, delegationBench, markCopied } from '../../support/delegation-control.ts';
import { good } from '../../support/temporary-control.ts';

const SECOND_MS = 1000;
const OPERATOR = nameOf('op.test.');
const SIGNALS = ['a', 'b'].map((host) => nameOf(`_dsboot.kid.parent.test._signal.${host}.op.test.`));

test('RFC 9615 §3.2: the name, and hosts that have none', () => {
  const name = signalName(nameOf('example.co.uk.'), nameOf('ns1.example.net.'));
  expect(name).toEqual(nameOf('_dsboot.example.co.uk._signal.ns1.example.net.'));
  // §4.1: within the child it proves nothing beside the child; §4.4: too long.
  expect(signalName(nameOf('example.'), nameOf('ns.example.'))).toBeUndefined();
  const label = 'x'.repeat(63);
  expect(signalName(nameOf(`${label}.${label}.`), nameOf(`${label}.${label}.`))).toBeUndefined();
});

test('RFC 9615 §4.1, §5.1: signed copies below each name server of ours, until the parent has the DS; then they go', async () => {
  const room = await delegationBench();
  await room.live(2 * SECOND_MS);
  for (const name of SIGNALS) {
    expect(room.texts(OPERATOR, name, TYPE.CDS)).toEqual(room.cds());
    expect(room.texts(OPERATOR, name, TYPE.CDNSKEY)).toHaveLength(1);
    expect(room.nodeOf(OPERATOR, name)!.rrsets.map(({ manager }) => manager)).toContain('delegation');
  }
  await room.setDs(room.cds());
  await room.live(7 * 3600 * SECOND_MS);
  for (const name of SIGNALS) expect(room.nodeOf(OPERATOR, name)).toBeUndefined();
});

test('a host that is not in a zone of ours, or has no address there, gets none; by hand they are not changed', async () => {
  const room = await delegationBench();
  await room.live(2 * SECOND_MS);
  const operations = [{ op: 'delete', name: 'b.op.test.', type: 'A' }] as const;
  good(await room.run({ kind: 'rrsets.change', zone: OPERATOR, operations }));
  const other = [
    { op: 'set', name: 'kid.parent.test.', type: 'NS', ttl: 60, records: ['a.op.test.', 'x.elsewhere.'] },
  ] as const;
  good(await room.run({ kind: 'rrsets.change', zone: CHILD, operations: other }));
  await room.live(2 * SECOND_MS);
  expect(room.texts(OPERATOR, SIGNALS[0]!, TYPE.CDS)).toEqual(room.cds());
  expect(room.nodeOf(OPERATOR, SIGNALS[1]!)).toBeUndefined();
  const byHand = [{ op: 'delete', name: '_dsboot.kid.parent.test._signal.a.op.test.', type: 'CDS' }] as const;
  expect(await room.run({ kind: 'rrsets.change', zone: OPERATOR, operations: byHand })).toMatchObject({
    problems: [{ code: 'RRSET_MANAGED' }],
  });
});

test('they go with the zone, and when it is not signed any more', async () => {
  for (const leave of ['remove', 'unsign'] as const) {
    const room = await delegationBench();
    await room.live(2 * SECOND_MS);
    const command = {
      remove: { kind: 'zone.remove', zone: CHILD },
      unsign: { kind: 'zone.dnssec', zone: CHILD, dnssec: false, force: true },
    } as const;
    good(await room.run(command[leave]));
    await room.live(2 * SECOND_MS);
    for (const name of SIGNALS) expect(room.nodeOf(OPERATOR, name)).toBeUndefined();
  }
});

test('they follow a rollover before the parent has any DS', async () => {
  const room = await delegationBench();
  await room.live(2 * SECOND_MS);
  const before = room.cds();
  good(await room.run({ kind: 'zone.dnssec', zone: CHILD, dnssec: false, force: true }));
  good(await room.run({ kind: 'zone.dnssec', zone: CHILD, dnssec: true }));
  await room.live(2 * SECOND_MS);
  expect(room.cds()).not.toEqual(before);
  for (const name of SIGNALS) expect(room.texts(OPERATOR, name, TYPE.CDS)).toEqual(room.cds());
});

test("a copy of a primary's zone is no place for signals, and a copied child has none", async () => {
  for (const copied of ['op.test.', 'kid.parent.test.']) {
    const room = await delegationBench();
    markCopied(room.writer, copied);
    await room.live(2 * SECOND_MS);
    for (const name of SIGNALS) expect(room.nodeOf(OPERATOR, name)).toBeUndefined();
    expect(room.writer.events(0, 100).filter(({ kind }) => kind === 'alert')).toEqual([]);
  }
});
