/** The state of a zone's mail in the store: documents of earlier versions are read, and what is written has their form. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { addObject, type LifecycleState, newLifecycle } from '#lifecycle/state.ts';
import { MAIL_LIVES } from '#mail/lives.ts';
import { newMailState } from '#mail/state.ts';
import { readMailState, stateWrites } from '#store/mail/state.ts';
import { MemoryZone } from '#zone/zone.ts';
import { auditEvent, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

const ZONE = nameOf('example.com.');
const STATE = newMailState(new MemoryZone(ZONE, new Map()), ZONE, 0);
const TEXTS = [
  '_dmarc.example.com. TXT',
  'a\\032b._domainkey.example.com. TXT',
  '_25._tcp.mx1.example.com. TLSA',
  'x.example.com. TYPE65280',
];
const MANAGED = [
  { owner: '_dmarc.example.com.', type: TYPE.TXT },
  { owner: 'a\\032b._domainkey.example.com.', type: TYPE.TXT },
  { owner: '_25._tcp.mx1.example.com.', type: TYPE.TLSA },
  { owner: 'x.example.com.', type: 65_280 },
];

const RECORD = `3 1 1 ${'AB'.repeat(32)}`;
const KEY = { host: 'mx1.example.com.', port: 25, slot: 1, record: RECORD };
const OBJECT = {
  id: 'tlsa-mx1-2',
  group: 'mx1.example.com.:25 1',
  stage: 'current',
  createdAtMs: 5,
  enteredAtMs: 7,
  seen: [],
  confirmed: {},
  overrides: [],
  history: [],
};
/** As it was written before keys said their slot themselves. */
const { slot: _slot, ...OLD_DATA } = KEY;
const OLD_TLSA = {
  lifecycle: { version: 1, objects: [{ ...OBJECT, data: OLD_DATA }] },
  taken: [`mx1.example.com.:25 1 ${RECORD}`],
  count: 2,
};

async function storeWith(value: unknown) {
  const { writer } = temporaryStore();
  const zones = { put: [zoneRecord(1, 'example.com.')] };
  await writer.commit({ audit: auditEvent(), zones, documents: [{ zoneId: 1, kind: 'mail', id: 'state', value }] });
  return writer;
}

test('a document of before is read; a text that is no RRset is nothing to take out', async () => {
  const writer = await storeWith({ ...STATE, managed: [...TEXTS, 'nothing', 'a.example.com. NOTYPE'] });
  expect(readMailState(writer, 1)).toEqual({ ...STATE, managed: MANAGED });
});

test('what is written now has the same form', async () => {
  const writer = await storeWith(null);
  await writer.commit({ audit: auditEvent(), documents: stateWrites(1, { ...STATE, managed: MANAGED }) });
  expect(writer.document(1, 'mail', 'state')).toEqual({ ...STATE, managed: TEXTS });
  expect(readMailState(writer, 1)).toEqual({ ...STATE, managed: MANAGED });
});

test('managed that is no list of texts is damage', async () => {
  const writer = await storeWith({ ...STATE, managed: MANAGED });
  expect(() => readMailState(writer, 1)).toThrow('does not have its form');
});

test.each(MAIL_LIVES.map((life) => [life.machine.kind, life] as const))(
  'a life cycle of %s without its form is damage',
  async (_kind, life) => {
    for (const lifecycle of [{}, { version: 2, objects: [] }, { version: 1, objects: {} }]) {
      const writer = await storeWith(life.set({ ...STATE, managed: [] }, lifecycle as LifecycleState<unknown>));
      expect(() => readMailState(writer, 1)).toThrow('does not have its form');
    }
  },
);

test('a policy host whose records are no texts is damage', async () => {
  const good = { kind: 'ours', records: ['A 192.0.2.1'], text: 'it leads here' };
  const withHost = (data: object) => {
    const policyHost = addObject(newLifecycle<object>(), { id: 'h', group: 'h', stage: 'ready', data }, 0);
    return storeWith({ ...STATE, managed: [], mtaSts: { ...STATE.mtaSts, policyHost } });
  };
  expect(readMailState(await withHost(good), 1)?.mtaSts.policyHost?.objects[0]?.data).toEqual(good);
  for (const data of [{ ...good, records: [1] }, { ...good, kind: undefined }, {}]) {
    const writer = await withHost(data);
    expect(() => readMailState(writer, 1)).toThrow('does not have its form');
  }
});

describe('TLSA', () => {
  test('a key of before has the slot of its group', async () => {
    const writer = await storeWith({ ...STATE, managed: [], tlsa: OLD_TLSA });
    const tlsa = readMailState(writer, 1)!.tlsa;
    expect(tlsa.lifecycle.objects).toEqual([{ ...OBJECT, data: KEY }]);
    expect(tlsa).toMatchObject({ taken: [KEY], count: 2 });
  });

  test('what is written now says it, and keys taken from the policy keep their text', async () => {
    const writer = await storeWith({ ...STATE, managed: [], tlsa: OLD_TLSA });
    const state = readMailState(writer, 1)!;
    await writer.commit({ audit: auditEvent(), documents: stateWrites(1, state) });
    const written = { ...OLD_TLSA, lifecycle: { version: 1, objects: [{ ...OBJECT, data: KEY }] } };
    expect(writer.document(1, 'mail', 'state')).toEqual({ ...STATE, managed: [], tlsa: written });
    expect(readMailState(writer, 1)).toEqual(state);
  });

  test.each([
    { ...OLD_TLSA, taken: [KEY] },
    { ...OLD_TLSA, lifecycle: { version: 1, objects: [{ ...OBJECT, data: {} }] } },
  ])('damage: %j', async (tlsa) => {
    const writer = await storeWith({ ...STATE, managed: [], tlsa });
    expect(() => readMailState(writer, 1)).toThrow('does not have its form');
  });
});
