/** Power cuts at any point of a commit. More of them: `npm run power-cut` (10,000), or WAXSEAL_POWER_CUTS=… and a seed. */
import { expect, test } from 'vitest';
import { cutPower } from '../support/power-cut.ts';
import { seededRandom } from '../support/random.ts';

const { WAXSEAL_POWER_CUTS: count = '1000', WAXSEAL_POWER_CUT_SEED: seed = '15' } = process.env;

test(
  'what was acknowledged is there, what was not is absent as a whole, and the store starts by itself',
  { timeout: 3_600_000 },
  async () => {
    const { images, commits, faults } = await cutPower(Number(count), seededRandom(Number(seed)));
    expect(faults).toEqual([]);
    expect(images).toBe(Number(count));
    expect(commits).toBeGreaterThanOrEqual(Number(count) / 8);
  },
);
