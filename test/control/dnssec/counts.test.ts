/** What Prometheus is given about keys: by stage, rollovers, DS records at the parent, holds, the clock. */
import { expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, type Bench, ZONE, bench, follow, roll } from '../../support/dnssec-control.ts';
import { good } from '../../support/temporary-control.ts';

/** `name{label="value"} value` of the families about DNSSEC and the clock. */
function lines({ control }: Bench): readonly string[] {
  return control
    .metrics()
    .filter(({ name }) => /^waxseal_(dnssec_(keys|rollover|parents|ds_in|served|signing)|clock)/.test(name))
    .flatMap(({ name, samples }) =>
      samples.map(({ labels, value }) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
        return `${name.slice('waxseal_'.length)}{${pairs.join(',')}} ${value}`;
      }),
    );
}

const QUIET = [
  'dnssec_served_checks_total{result="good"} 0',
  'dnssec_served_checks_total{result="bad"} 0',
  'dnssec_served_checks_total{result="silent"} 0',
];
const CLOCK = ['dnssec_signing_possible{} 1', 'clock_jump_seconds{} 0'];

test('a zone at rest', async () => {
  const room = await bench();
  expect(lines(room)).toEqual([
    'dnssec_keys{role="csk",stage="active"} 1',
    'dnssec_rollovers_held{} 0',
    'dnssec_parents{ds="unknown"} 1',
    ...QUIET,
    ...CLOCK,
  ]);
});

test('a rollover: keys and stage, since when, DS; a hold; a parent that lies', async () => {
  const room = await bench();
  follow(room);
  const beganMs = room.clock.nowMs();
  good(await roll(room, 'csk'));
  await room.live(HOUR_MS);
  expect(lines(room)).toEqual([
    'dnssec_keys{role="csk",stage="active"} 1',
    'dnssec_keys{role="csk",stage="published"} 1',
    'dnssec_rollovers{kind="ksk",stage="published"} 1',
    'dnssec_rollovers_held{} 0',
    `dnssec_rollover_stage_timestamp_seconds{zone="keys.example.",kind="ksk",stage="published"} ${beganMs / 1000}`,
    'dnssec_parents{ds="good"} 1',
    'dnssec_ds_in_sync{zone="keys.example."} 1',
    ...QUIET,
    ...CLOCK,
  ]);
  good(await room.run({ kind: 'dnssec.hold', zone: ZONE, reason: 'test' }));
  room.parents['192.0.2.53']!.ds = [];
  await room.live(DAY_MS);
  expect(lines(room)).toEqual(
    expect.arrayContaining([
      'dnssec_rollovers_held{} 1',
      'dnssec_parents{ds="bad"} 1',
      'dnssec_ds_in_sync{zone="keys.example."} 0',
    ]),
  );
});

test('a clock that is wrong: by how much, and whether anything is signed', async () => {
  const room = await bench();
  room.clock.set(room.clock.nowMs() + DAY_MS);
  expect(lines(room).slice(-2)).toEqual(['dnssec_signing_possible{} 1', 'clock_jump_seconds{} 86400']);
  room.clock.set(room.clock.nowMs() + 20 * DAY_MS);
  expect(lines(room).slice(-2)).toEqual(['dnssec_signing_possible{} 0', `clock_jump_seconds{} ${21 * 86_400}`]);
});
