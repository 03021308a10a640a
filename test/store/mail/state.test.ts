/** The state of a zone's mail in the store: RRsets of the policy are `owner TYPE` there, as every version wrote them. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
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
