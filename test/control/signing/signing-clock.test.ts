/** facts: a clock that jumps up to a week leaves signatures valid at the true time; beyond that nothing is signed, and readyz says why. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { rrsigFields } from '#dnssec/sign.ts';
import { SigningClock } from '#control/signing/signing-clock.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ZONE = nameOf('clock.example.');
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 7200 A 192.0.2.1\n';
const BY = { actor: { kind: 'socket', id: '', from: '' }, dryRun: false } as const;

async function zone(): Promise<TestControl> {
  const room = temporaryControl();
  await room.load('clock.example.', TEXT);
  return room;
}

let made = 0;
const change = (room: TestControl) =>
  room.run({
    kind: 'rrsets.change',
    zone: ZONE,
    operations: [{ op: 'set', name: `n${++made}`, type: 'A', ttl: 60, records: ['192.0.2.9'] }],
  });

/** Signatures of the whole zone that do not stand at `atMs`. */
function outOfTime({ writer }: TestControl, atMs: number): readonly string[] {
  const record = writer.zoneByName(ZONE)!;
  const seconds = atMs / 1000;
  return [...writer.view(record).ascend(writer.view(record).apexKey)].flatMap(({ rrsets }) =>
    rrsets.flatMap(({ type, signatures }) =>
      signatures
        .map((each) => rrsigFields(each))
        .filter(({ inception, expiration }) => inception > seconds || expiration < seconds)
        .map(({ inception, expiration }) => `${type}: ${inception} … ${expiration}`),
    ),
  );
}

const notReady = ({ control }: TestControl) => control.status().notReady.filter((each) => each.startsWith('clock'));

describe('a jump of up to a week', () => {
  test.each([HOUR_MS, -HOUR_MS, 6 * DAY_MS, -6 * DAY_MS, 7 * DAY_MS, -7 * DAY_MS])(
    'of %d ms: every signature is valid at the true time and by the clock',
    async (jumpMs) => {
      const room = await zone();
      room.clock.pass(5 * DAY_MS);
      const trueMs = room.clock.nowMs();
      room.clock.set(trueMs + jumpMs);
      good(await change(room));
      good(await room.control.refreshable.refreshSlice(ZONE, room.writer.view(room.writer.zoneByName(ZONE)!).apexKey, 1000));
      expect([outOfTime(room, trueMs), outOfTime(room, trueMs + jumpMs)]).toEqual([[], []]);
      expect(outOfTime(room, trueMs + 4 * DAY_MS)).toEqual([]);
      expect(notReady(room)).toEqual([]);
    },
  );

  test('is told once, and again when it is another', async () => {
    const room = await zone();
    const alerts = () =>
      room.control.events
        .after(0, 100)
        .filter(({ kind }) => kind === 'alert')
        .map(({ text }) => text);
    const look = async () => room.control.refreshable.watchClock?.();
    await look();
    room.clock.set(room.clock.nowMs() + 2 * HOUR_MS);
    await look();
    await look();
    expect(alerts()).toEqual([expect.stringContaining('the clock has jumped 7200 s ahead')]);
    room.clock.set(room.clock.nowMs() - 2 * HOUR_MS);
    await look();
    room.clock.set(room.clock.nowMs() - HOUR_MS);
    await look();
    expect(alerts()).toHaveLength(2);
  });
});

describe('a jump of more than a week', () => {
  test.each<[string, number]>([
    ['8 days ahead', 8 * DAY_MS],
    ['8 days back', -8 * DAY_MS],
    ['1970', -Infinity],
    ['2038', 12 * 365 * DAY_MS],
  ])('%s: nothing is signed, and readyz says why', async (_name, jumpMs) => {
    const room = await zone();
    const trueMs = room.clock.nowMs();
    const serial = room.writer.zoneByName(ZONE)!.serial;
    room.clock.set(Number.isFinite(jumpMs) ? trueMs + jumpMs : 1000);
    expect(bad(await change(room))[0]).toMatchObject({ code: 'CLOCK_WRONG', fix: expect.stringContaining('accept-clock') });
    expect(notReady(room)).toEqual([expect.stringMatching(/^clock: the clock says .* more than a week apart/)]);
    room.clock.set(trueMs + 1000);
    expect(notReady(room)).toEqual([]);
    expect([room.writer.zoneByName(ZONE)!.serial, outOfTime(room, trueMs)]).toEqual([serial, []]);
    good(await change(room));
  });

  test('an operator who says that the clock is right has it signed by', async () => {
    const room = await zone();
    room.clock.set(room.clock.nowMs() - 30 * DAY_MS);
    bad(await change(room));
    good(await room.control.dnssec.acceptClock('it was set wrong before', BY));
    expect(notReady(room)).toEqual([]);
    good(await change(room));
    const first = room.writer.view(room.writer.zoneByName(ZONE)!).apexKey;
    good(await room.control.refreshable.refreshSlice(ZONE, first, 1000));
    expect(outOfTime(room, room.clock.nowMs())).toEqual([]);
    expect(room.control.audit.entries(5).some(({ detail }) => detail.includes('it was set wrong before'))).toBe(true);
  });
});

test('what NTP slews is followed, a second boot begins anew, and a commit that was later counts', () => {
  let [wallMs, uptimeMs, bootId, highMs] = [1_800_000_000_000, 0, 'a', 0];
  const clock = new SigningClock({
    clock: { nowMs: () => wallMs },
    uptime: () => ({ uptimeMs, bootId }),
    highWaterMs: () => highMs,
    accepted: () => undefined,
  });
  const spanMs = (): number => clock.read().latestMs - clock.read().earliestMs;
  for (let day = 0; day < 100; day++) {
    wallMs += DAY_MS + 30_000;
    uptimeMs += DAY_MS;
    expect(spanMs()).toBe(0);
  }
  [wallMs, uptimeMs, bootId] = [wallMs + 30 * DAY_MS, 5, 'b'];
  expect(spanMs()).toBe(0);
  highMs = wallMs + DAY_MS;
  expect([spanMs(), clock.jumpMs()]).toEqual([DAY_MS, -DAY_MS]);
  expect(clock.problem()).toBeUndefined();
});
