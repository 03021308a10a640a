/** A stored mail policy is settled once, and is told apart from one that a newer version does not take. */
import { expect, test } from 'vitest';
import { policyWrite, readMailDocument, readMailPolicy } from '#store/mail/policy.ts';
import { openReader } from '#store/reader.ts';
import { auditEvent, nodeWrite, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

async function storeWithPolicy(value: object) {
  const { writer, dir } = temporaryStore();
  await writer.commit({
    audit: auditEvent(),
    zones: { put: [zoneRecord(1, 'post.example.')] },
    nodes: [nodeWrite(1, 'post.example.')],
    documents: [policyWrite(1, value)],
  });
  return { writer, dir, zone: writer.zoneById(1)! };
}

test('a reader without write access reads the settled policy; the same one for as long as it stands', async () => {
  const { writer, dir, zone } = await storeWithPolicy({ mtaSts: { mode: 'off' }, dkim: { signerLag: '2h' } });
  const reader = openReader(dir);
  try {
    const policy = readMailPolicy(reader, zone)!;
    expect(policy.dkim.signerLagMs).toBe(7_200_000);
    await writer.commit({ audit: auditEvent() });
    reader.refresh();
    expect(readMailPolicy(reader, zone)).toBe(policy);
    await writer.commit({ audit: auditEvent(), documents: [policyWrite(1, { mtaSts: { mode: 'off' }, dkim: { signerLag: '3h' } })] });
    reader.refresh();
    expect(readMailPolicy(reader, zone)!.dkim.signerLagMs).toBe(10_800_000);
  } finally {
    await reader.close();
  }
});

test('a policy whose form is good and that cannot be settled any more is still read as it was given', async () => {
  const document = { mtaSts: { mode: 'external' } } as const;
  const { writer, zone } = await storeWithPolicy(document);
  expect(readMailDocument(writer, zone)).toEqual(document);
  expect(() => readMailPolicy(writer, zone)).toThrow('the mail policy of post.example.');
});

test('a document that is no policy is damage', async () => {
  const { writer, zone } = await storeWithPolicy({ dkim: 7 });
  expect(() => readMailDocument(writer, zone)).toThrow('the mail policy of post.example.');
  expect(() => readMailPolicy(writer, zone)).toThrow('does not have its form');
});
