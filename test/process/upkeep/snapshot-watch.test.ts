/** Readers of the store that died or sleep do not make its file grow, and growth that one causes is logged. */
import { fork } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { SnapshotWatch } from '#process/upkeep/snapshot-watch.ts';
import { parseSnapshots, type Snapshot } from '#store/snapshots.ts';
import { type RunningServer, quietPort, runWaxseal, startServer } from '../../support/running-server.ts';
import { temporaryStore } from '../../support/temporary-store.ts';
import { putZones } from '../../support/waxseal.ts';

const ZONE = 'work.test.';
const TEXT = '$TTL 3600\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n';
/** A few of these are more than all free pages of a store that nobody holds. */
const LARGE = JSON.stringify({ ttl: 60, records: Array.from({ length: 60 }, (_, at) => `"${String(at).padEnd(250, 'x')}"`) });

/** A process that holds a snapshot until it is killed. */
async function holder(dir: string) {
  const child = fork(new URL('../fixtures/snapshot-holder.ts', import.meta.url), [dir], { execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('message', resolve));
  return child;
}

const ended = (child: Awaited<ReturnType<typeof holder>>) => new Promise((resolve) => void child.once('exit', resolve));

/** Octets of the store in use. Not by opening it: LMDB then frees the slots of readers that died, which is what the server has to do. */
async function usedBytes(server: RunningServer): Promise<number> {
  const status = (await (await server.api('GET', '/v1/status')).json()) as { store: { sizeBytes: number } };
  return status.store.sizeBytes;
}

async function change(server: RunningServer, times: number): Promise<void> {
  for (let each = 0; each < times; each++) {
    const answer = await server.api('PUT', `/v1/zones/${ZONE}/rrsets/large/TXT`, LARGE.replace('"0x', `"${each % 10}x`));
    expect(answer.ok).toBe(true);
  }
}

describe('a running server', () => {
  test('a second one on its data is refused before it opens the store; the file does not grow with every change afterwards', async () => {
    const server = await startServer({ workers: 1 });
    try {
      await putZones(server, [{ name: ZONE, text: TEXT }], 'off');
      await change(server, 20);
      const before = await usedBytes(server);
      for (let each = 0; each < 2; each++) {
        const words = ['serve', '--data', server.directory, '--dns', `127.0.0.1:${await quietPort()}`, '--admin', 'off', '--https', 'off'];
        const second = await runWaxseal(words, { environment: server.environment });
        expect(second.err).toContain('[STORE_LOCKED]');
        expect(second.exit).toBe(4);
      }
      await change(server, 150);
      // Audit log and events grow; pages of before are used again. While a dead reader holds them it is 2 MB.
      expect((await usedBytes(server)) - before).toBeLessThan(1_000_000);
    } finally {
      await server.stop();
    }
  });
});

describe('the watch', () => {
  test('frees the slot of a reader that was killed, and then pages are used again', async () => {
    const { dir, writer } = temporaryStore();
    const child = await holder(dir);
    expect(writer.snapshots().map(({ pid }) => pid)).toContain(child.pid);
    child.kill('SIGKILL');
    await ended(child);
    expect(writer.snapshots().map(({ pid }) => pid)).toContain(child.pid);
    new SnapshotWatch(writer, createLog({ level: 'silent' })).dropDead();
    expect(writer.snapshots().map(({ pid }) => pid)).not.toContain(child.pid);
  });

  test('logs growth once while the same snapshot is held from one look to the next, and not otherwise', () => {
    const lines: string[] = [];
    const log = createLog({ level: 'warn', to: { write: (line: string) => void lines.push(line) } });
    const MIB = 1024 * 1024;
    let snapshots: readonly Snapshot[] = [];
    let sizeBytes = 10 * MIB;
    const watch = new SnapshotWatch({ dropDeadReaders: () => 0, snapshots: () => snapshots, sizeBytes: () => sizeBytes }, log);
    const lookAt = (held: readonly Snapshot[], grownMib: number) => {
      snapshots = held;
      sizeBytes += grownMib * MIB;
      watch.look();
      return lines.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    const old: Snapshot = { pid: 7, thread: 'a', transaction: 5 };
    const moving = (transaction: number): Snapshot => ({ pid: 8, thread: 'b', transaction });
    expect(lookAt([old, moving(5)], 50)).toEqual([]);
    expect(lookAt([old, moving(6)], 1)).toEqual([]);
    expect(lookAt([old, moving(7)], 5)).toMatchObject([{ event: 'store.snapshot-held', reader: 7, transaction: 5, grownBytes: 5 * MIB }]);
    expect(lookAt([old, moving(8)], 50)).toEqual([]);
    expect(lookAt([moving(9)], 50)).toEqual([]);
    expect(lookAt([{ ...old, transaction: 9 }], 50)).toEqual([]);
    expect(lookAt([{ ...old, transaction: 9 }], 50)).toMatchObject([{ reader: 7, transaction: 9 }]);
  });
});

test('LMDB’s table of readers, with slots that hold nothing', () => {
  const text = '\t\tpid\t\t thread\t\t txnid\n     23819 7f37bed2a340 201\n     23819 7f37bed2a340 -\n       417 7fd1a0 1\n';
  expect(parseSnapshots(text)).toEqual([
    { pid: 23_819, thread: '7f37bed2a340', transaction: 201 },
    { pid: 417, thread: '7fd1a0', transaction: 1 },
  ]);
  expect(parseSnapshots('(no active readers)\n')).toEqual([]);
});
