/**
 * kill -9 at each flush of a change of the key-encryption key, by strace: every secret opens afterwards with the two keys, and the next
 * process ends the change.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { labelOfSecret } from '#store/kek/change.ts';
import { verifyStore } from '#store/verify.ts';
import { type StoreWriter, openWriter } from '#store/writer.ts';
import { TEST_KEK, auditEvent, temporaryFolder, temporaryStore, writerOptions } from '../../support/temporary-store.ts';
import { runTool } from '../../support/tools.ts';

const SCRIPT = new URL('./reseal-script.ts', import.meta.url).pathname;
const NEXT_KEK = new Uint8Array(32).fill(9);
const IDS = Array.from({ length: 30 }, (_, at) => `zone${at}.example.${at}-00aa`);
const otherKek = (file: string) => (file === '/next' ? NEXT_KEK : TEST_KEK);
/** More flushes than a change has. */
const FLUSHES_MAX = 40;

test('at every flush: nothing is lost, and the change ends', async () => {
  const { dir: filled, writer } = temporaryStore();
  const secrets = IDS.map((id) => ({ zoneId: 0, id, value: writer.sealer.seal(labelOfSecret(id)!, Buffer.from(`secret of ${id}`)) }));
  await writer.commit({ audit: auditEvent(), secrets, kekFile: '/before' });
  await writer.close();
  const found = new Set<string>();
  let killed = 0;
  for (let flush = 1, hasEnded = false; !hasEnded; flush++) {
    expect(flush).toBeLessThan(FLUSHES_MAX);
    const dir = join(temporaryFolder(), 'store');
    cpSync(filled, dir, { recursive: true });
    const inject = ['fdatasync', 'fsync', 'msync'].flatMap((call) => ['-e', `inject=${call}:signal=SIGKILL:when=${flush}`]);
    const { stdout } = await runTool('strace', ['-f', '-o', '/dev/null', ...inject, process.execPath, SCRIPT, dir], { timeoutMs: 60_000 });
    hasEnded = stdout.includes('ended');
    if (!hasEnded) killed++;
    const between = openEither(dir);
    const change = between.kekChange();
    found.add(change !== undefined ? 'between' : between.kekFile() === '/next' ? 'after' : 'before');
    for (const id of IDS) expect(Buffer.from(between.secret(0, labelOfSecret(id)!)!).toString()).toBe(`secret of ${id}`);
    expect([verifyStore(between).problems, between.verifyAudit().brokenAt]).toEqual([[], undefined]);
    await between.close();
  }
  expect(killed).toBeGreaterThan(3);
  expect([...found].toSorted()).toEqual(expect.arrayContaining(['between', 'after']));
}, 200_000);

/** The last flush may have ended the change: then only the next key opens the store. */
function openEither(dir: string): StoreWriter {
  try {
    return openWriter(dir, writerOptions({ kek: TEST_KEK, otherKek }));
  } catch (error) {
    expect(error).toMatchObject({ code: 'KEK_WRONG' });
    return openWriter(dir, writerOptions({ kek: NEXT_KEK, otherKek }));
  }
}
