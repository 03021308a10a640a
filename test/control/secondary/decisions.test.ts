/** What is written about a zone from primaries. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { readMembership } from '#store/transfer/followed-catalogs.ts';
import { readChecked } from '#store/transfer/primaries.ts';
import { expiryDecision, takenFrom, timesAfter } from '#control/secondary/decisions.ts';
import { planNothing } from '#control/secondary/plan-nothing.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('a.test.');
const CHECKED = { checkedAtMs: 1, serial: 7, expireSeconds: 60 };
const FROM = { serial: 7, expireSeconds: 60, how: 'AXFR', ip: '192.0.2.1' };

async function bench(isReset: boolean) {
  const room = temporaryControl();
  const membership = { catalog: 'c.test.', catalogId: 9, label: 'x', groups: [], ...(isReset ? { isReset } : {}) };
  const primaries = [{ ip: '192.0.2.1', port: 53 }];
  good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries, isSigning: false, membership }));
  const record = room.writer.zoneByName(ZONE)!;
  const view = room.writer.view(record);
  const part = { record, view, changes: [], received: { plan: planNothing(ZONE, 7), dnssec: 'off' as const } };
  return { ...room, record, part };
}

test('a zone that was to come anew has come: with it, and with no other, that is written', async () => {
  for (const isReset of [true, false]) {
    const { writer, record, part } = await bench(isReset);
    const { documents = [], detail } = takenFrom(writer, record, part, FROM, 1).decision;
    expect(detail).toBe('serial 7 from 192.0.2.1 (AXFR)');
    expect(documents.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['primaries checked', ...(isReset ? ['catalog member'] : [])]);
    await writer.commit({ audit: { atMs: 0 }, documents });
    expect(readMembership(writer, record.id)).not.toHaveProperty('isReset');
    expect(readChecked(writer, record.id)).toMatchObject(CHECKED);
  }
});

test('that a zone has expired leaves its records, and what is known of its primaries', async () => {
  const { writer, record, part } = await bench(false);
  const expired = expiryDecision(writer, record, true, 'x');
  expect(expired).toMatchObject({ zone: 'a.test.', parts: [{ secondary: { mode: 'copy', isExpired: true } }] });
  expect(expired).not.toHaveProperty('documents');
  expect(expiryDecision(writer, record, false, 'x', CHECKED).parts?.[0]?.secondary).toEqual({ mode: 'copy' });
  expect(timesAfter(part)).toBeUndefined();
});
