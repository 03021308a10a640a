/** The key-encryption key becomes another one: what opens before, in between and afterwards, and which key is asked for then. */
import { describe, expect, test } from 'vitest';
import { StoreFailure } from '#store/failure.ts';
import { labelOfSecret } from '#store/kek/change.ts';
import { type StoreWriter, openWriter } from '#store/writer.ts';
import { TEST_KEK, auditEvent, temporaryStore, writerOptions } from '../../support/temporary-store.ts';

const NEXT_KEK = new Uint8Array(32).fill(9);
const IDS = [
  'signers',
  'tsig',
  'dkim-0a1b',
  'acme-account/77aa',
  'example.com.123-00aa',
  'dkim-signers.example.9-00aa',
  'dkim-00.example.1-ff',
];
const BEGIN = { file: '/next', fileBefore: '/before' } as const;
const otherKek = (file: string) => (file === '/next' ? NEXT_KEK : TEST_KEK);

async function filled(): Promise<{ readonly dir: string; readonly writer: StoreWriter }> {
  const store = temporaryStore();
  const { writer } = store;
  const secrets = IDS.map((id) => ({ zoneId: 0, id, value: writer.sealer.seal(labelOfSecret(id)!, Buffer.from(`secret of ${id}`)) }));
  // Under the key of the policy host: nobody here opens it, and it stays as it is.
  const foreign = { zoneId: 0, id: 'tls-key/mta-sts.example.com', value: new Uint8Array(40).fill(1) };
  await writer.commit({ audit: auditEvent(), secrets: [...secrets, foreign], kekFile: '/before' });
  return store;
}

const begin = (writer: StoreWriter) =>
  writer.commit({ audit: auditEvent('kek.begin'), kek: { kind: 'begin', next: writer.sealerOf(NEXT_KEK), ...BEGIN } });
const end = (writer: StoreWriter) => writer.commit({ audit: auditEvent('kek.end'), kek: { kind: 'end' } });

async function sealAgain(writer: StoreWriter, limit: number, slices = Infinity): Promise<number> {
  let count = 0;
  for (let from: Uint8Array | undefined, at = 0; at < slices; at++) {
    const slice = writer.resealSlice(from, limit);
    if (!slice.ok) throw new Error(slice.problems[0]!.message);
    count += slice.value.writes.length;
    await writer.commit({ audit: auditEvent(), secrets: slice.value.writes });
    ({ from } = slice.value);
    if (from === undefined) break;
  }
  return count;
}

function expectAllOpen(writer: StoreWriter): void {
  for (const id of IDS) expect(Buffer.from(writer.secret(0, labelOfSecret(id)!)!).toString()).toBe(`secret of ${id}`);
  expect(writer.sealedSecret(0, 'tls-key/mta-sts.example.com')).toEqual(Buffer.alloc(40, 1));
  expect(writer.verifyAudit().brokenAt).toBeUndefined();
}

function refusal(open: () => unknown): StoreFailure {
  try {
    open();
  } catch (error) {
    if (error instanceof StoreFailure) return error;
    throw error;
  }
  throw new Error('the store was opened');
}

test('which secret is sealed as what follows from its id; those of the policy host are its own', () => {
  expect(IDS.map((id) => labelOfSecret(id)!.purpose)).toEqual([
    'signers',
    'tsig',
    'dkim-key',
    'acme-account',
    'dnssec-key',
    'dnssec-key',
    'dnssec-key',
  ]);
  expect([labelOfSecret('tls-key/a.example'), labelOfSecret('acme-order/a.example')]).toEqual([undefined, undefined]);
});

describe('a change from one key to the next', () => {
  test('everything opens all the time, new seals are under the next key, and each secret is sealed again once', async () => {
    const { writer } = await filled();
    expectAllOpen(writer);
    await begin(writer);
    expectAllOpen(writer);
    await writer.commit({
      audit: auditEvent(),
      secrets: [{ zoneId: 0, id: 'dkim-ff', value: writer.sealer.seal(labelOfSecret('dkim-ff')!, Buffer.from('new')) }],
    });
    expect(await sealAgain(writer, 2)).toBe(IDS.length);
    expect(await sealAgain(writer, 100)).toBe(0);
    expectAllOpen(writer);
    await end(writer);
    expectAllOpen(writer);
    expect([writer.kekChange(), writer.kekFile(), writer.sealer.next]).toEqual([undefined, '/next', undefined]);
    for (const id of [...IDS, 'dkim-ff'])
      expect(writer.sealerOf(TEST_KEK).open(labelOfSecret(id)!, writer.sealedSecret(0, id)!).ok).toBe(false);
  });

  test('afterwards the key of before opens nothing, not even the store', async () => {
    const { dir, writer } = await filled();
    await begin(writer);
    await sealAgain(writer, 100);
    await end(writer);
    await writer.close();
    expect(refusal(() => openWriter(dir, writerOptions({ otherKek }))).code).toBe('KEK_WRONG');
    const { writer: next } = temporaryStore({ in: dir, kek: NEXT_KEK });
    expectAllOpen(next);
  });

  test('in between either key opens the store when the other one is there, and only then; it continues', async () => {
    for (const kek of [TEST_KEK, NEXT_KEK]) {
      const { dir, writer } = await filled();
      await begin(writer);
      await sealAgain(writer, 2, 1);
      await writer.close();
      const alone = refusal(() => openWriter(dir, writerOptions({ kek })));
      expect([alone.code, alone.message]).toEqual([
        'KEK_WRONG',
        expect.stringMatching(/on its way from the key-encryption key in \/before to that in \/next, and needs both/),
      ]);
      expect(refusal(() => openWriter(dir, writerOptions({ kek, otherKek: () => new Uint8Array(32).fill(1) }))).code).toBe('KEK_WRONG');
      expect(refusal(() => openWriter(dir, writerOptions({ kek: new Uint8Array(32).fill(1), otherKek }))).message).toContain('is neither');
      const { writer: again } = temporaryStore({ in: dir, kek, otherKek });
      expectAllOpen(again);
      expect(await sealAgain(again, 100)).toBe(IDS.length - 2);
      await end(again);
      expectAllOpen(again);
    }
  });

  test('it does not end while one secret is not under the next key, nor with one that opens under neither', async () => {
    const { writer } = await filled();
    await begin(writer);
    await sealAgain(writer, 2, 1);
    await expect(end(writer)).rejects.toThrow(/is not sealed under the next key/);
    expect(writer.kekChange()?.file).toBe('/next');
    await writer.commit({ audit: auditEvent(), secrets: [{ zoneId: 0, id: 'dkim-0a1b', value: new Uint8Array(40) }] });
    expect(writer.resealSlice(undefined, 100)).toMatchObject({
      ok: false,
      problems: [{ code: 'SECRET_SEALED', message: expect.stringContaining('dkim-0a1b') as unknown }],
    });
  });
});
