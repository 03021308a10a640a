/**
 * kill -9 at each flush of a rollover: whatever of a commit is on the disk, the next process ends the rollover in the
 * same way, no step comes earlier than without the crash, and the zone validates all through.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { PARENT_CHECK_EVERY_MS } from '#base/limits/dnssec.ts';
import { TYPE } from '#dns/types.ts';
import { verifyStore } from '#store/verify.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Bench, HOUR_MS, ZONE, bench, problemsOf, roll, states } from '../../support/dnssec-control.ts';
import { type FlushImage, onEachFlush, storeOf } from '../../support/flush-images.ts';
import { seededRandom } from '../../support/random.ts';
import { good } from '../../support/temporary-control.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

/** Flushes cost nothing there: what is on the disk is chosen here. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** So long after CDS has changed the parent's servers have the new DS records. */
const REGISTRAR_MS = HOUR_MS;

/** The world outside the server, which no crash touches. */
interface Outside {
  /** DS records at the parent before `fromMs`; then it has those that CDS asked for. */
  readonly ds: readonly Uint8Array[];
  readonly asked: readonly Uint8Array[];
  readonly fromMs: number;
}

const dsAt = ({ ds, asked, fromMs }: Outside, nowMs: number): readonly Uint8Array[] => (nowMs < fromMs ? ds : asked);

interface Life {
  /** When each state of the keys was first there. */
  readonly reached: ReadonlyMap<string, number>;
  readonly last: string;
  /** When the parent had the last DS records. */
  readonly dsMs: number;
}

/** Lives until nothing is under way; the registrar does what CDS asks for. */
async function live(room: Bench, from: Outside, onOutside: (outside: Outside) => void = () => {}): Promise<Life> {
  const reached = new Map<string, number>();
  const startedMs = room.clock.nowMs();
  let outside = from;
  const look = (): void => {
    const nowMs = room.clock.nowMs();
    const now = states(room).join(', ');
    if (!reached.has(now)) {
      reached.set(now, nowMs);
      expect(problemsOf(room)).toEqual([]);
    }
    const cds = rrsetOf(room.apex(), TYPE.CDS)?.rdatas ?? [];
    const wanted = cds.some((rdata) => rdata[2] === 0) ? [] : cds;
    if (textOf(wanted) !== textOf(outside.asked))
      outside = { ds: dsAt(outside, nowMs), asked: wanted, fromMs: nowMs + REGISTRAR_MS };
    onOutside(outside);
  };
  for (const ip of Object.keys(room.parents))
    Object.defineProperty(room.parents[ip], 'ds', { get: () => dsAt(outside, room.clock.nowMs()) });
  const isUnderWay = (): boolean => room.control.dnssec.view(room.record()).rollovers.length > 0;
  while (isUnderWay() && room.clock.nowMs() < startedMs + 100 * HOUR_MS) await room.live(HOUR_MS, look);
  look();
  return { reached, last: states(room).join(', '), dsMs: outside.fromMs };
}

const textOf = (rdatas: readonly Uint8Array[]): string =>
  rdatas
    .map((each) => Buffer.from(each).toString('hex'))
    .toSorted()
    .join();

interface Crash extends FlushImage {
  readonly atMs: number;
  readonly outside: Outside;
}

/** A rollover without a crash, and what a crash at each of its flushes would leave. */
async function plain(
  begin: (room: Bench) => Promise<unknown>,
): Promise<{ readonly life: Life; readonly crashes: readonly Crash[] }> {
  const room = await bench();
  const ds = rrsetOf(room.apex(), TYPE.CDS)!.rdatas;
  const crashes: Crash[] = [];
  let outside: Outside = { ds, asked: ds, fromMs: 0 };
  onEachFlush(room.writer, seededRandom(7), (image) => crashes.push({ ...image, atMs: room.clock.nowMs(), outside }));
  await begin(room);
  const life = await live(room, outside, (now) => (outside = now));
  return { life, crashes };
}

/** The three images of a commit open as two states: one of each is lived to the end; of the second rollover by turns. */
const bothStates = ({ kind }: Crash): boolean => kind !== 'unmarked';
const byTurns = ({ kind, commit }: Crash): boolean => kind === (commit % 2 === 0 ? 'torn' : 'whole');

test.each<[string, (room: Bench) => Promise<unknown>, string, (crash: Crash) => boolean]>([
  ['CSK', async (room) => good(await roll(room, 'csk')), 'csk 13 active', bothStates],
  [
    'algorithm',
    async (room) => good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy: { algorithm: 15 } })),
    'csk 15 active',
    byTurns,
  ],
])(
  '%s rollover: at every flush, the same end, and nothing earlier',
  async (_, begin, end, isLived) => {
    const { life, crashes } = await plain(begin);
    expect(life.last).toBe(end);
    expect(crashes.length).toBeGreaterThan(30);
    for (const [at, crash] of crashes.entries()) {
      const where = `commit ${crash.commit} ${crash.kind}`;
      // A restart, in which time counts, or of the machine, which was off for a while.
      const bootId = at % 2 === 0 ? 'test' : `boot ${at}`;
      const nowMs = crash.atMs + (at % 4) * 20 * 60_000;
      const room = await bench({ in: storeOf(crash, temporaryFolder(MEMORY)), nowMs, bootId });
      onTestFinished(() => room.control.close());
      expect([where, room.writer.generation(), verifyStore(room.writer).problems]).toEqual([
        where,
        crash.generation,
        [],
      ]);
      if (!isLived(crash)) {
        await room.control.close();
        continue;
      }
      // Killed in the first commit: the order was never taken.
      if (room.control.dnssec.view(room.record()).rollovers.length === 0 && crash.commit === 0) await begin(room);
      const again = await live(room, crash.outside);
      expect([where, again.last]).toEqual([where, end]);
      for (const [state, atMs] of again.reached) {
        // How soon a look meets the parent's change depends on when the process began to look.
        const soonestMs = life.reached.get(state)! - (atMs >= again.dsMs ? PARENT_CHECK_EVERY_MS : 0);
        expect([where, state, atMs >= soonestMs]).toEqual([where, state, true]);
      }
      await room.control.close();
    }
  },
  60_000,
);
