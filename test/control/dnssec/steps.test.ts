/** What a step plans, shows and draws: the earliest dates, the waits, key tags that are no others'. */
import { describe, expect, test } from 'vitest';
import { HOUR_MS, bench, follow, roll, states } from '../../support/dnssec-control.ts';
import { good } from '../../support/temporary-control.ts';

describe('a step', () => {
  test('a dry run says what follows and when, and changes nothing', async () => {
    const room = await bench();
    const before = room.writer.generation();
    const { plan = [], changeset } = good(await roll(room, 'csk', true));
    expect(plan.map((line) => line.replace(/^\S+: (.*), not before 20.*$/, '$1'))).toEqual([
      'published → submitted',
      'submitted → retiring',
      'retiring → done',
    ]);
    expect(changeset.added.some((line) => / DNSKEY 257 /.test(line))).toBe(true);
    expect(room.writer.generation()).toBe(before);
  });

  test('what is under way is shown with its keys, its past and its waits', async () => {
    const room = await bench();
    follow(room);
    good(await roll(room, 'csk'));
    await room.live(3 * HOUR_MS);
    const [rollover] = room.control.dnssec.view(room.record()).rollovers;
    const [old, next] = room.record().keys;
    expect(rollover).toMatchObject({ object: `ksk-${next!.keyTag}`, out: [old!.keyTag], in: [next!.keyTag] });
    expect(rollover!.history.map(({ from, to }) => `${from} ${to}`)).toEqual(['published submitted']);
    expect(rollover!.explanation.waits.map(({ id, missing }) => [id, missing])).toEqual([
      ['ds', ['a.nic.test 192.0.2.53', 'b.nic.test 192.0.2.54']],
    ]);
    expect(rollover!.explanation.lines.join('\n')).toContain('waxseal dnssec ds-seen keys.example');
  });

  test('RFC 4034 App. B: no key has the tag of one that is there, or of one that went', async () => {
    const room = await bench();
    const seen = new Set(room.record().keys.map(({ keyTag }) => keyTag));
    for (let round = 1; round <= 3; round++) {
      follow(room);
      good(await roll(room, 'csk'));
      await room.live(3 * HOUR_MS);
      follow(room);
      await room.live(6 * HOUR_MS);
      expect(states(room)).toEqual(['csk 13 active']);
      seen.add(room.record().keys[0]!.keyTag);
      expect(seen.size).toBe(round + 1);
    }
  });
});
