/** The arithmetic of the measurements, and the reading of /proc that they stand on. */
import { describe, expect, test } from 'vitest';
import { coreTimes, processSeconds } from '../../bench/cores.ts';
import { farthestT, quantile, ratioOf, spreadOf, welchT } from '../../bench/statistics.ts';
import { drawBars } from '../../bench/svg.ts';
import { seededRandom } from '../support/random.ts';

describe('median and quartiles', () => {
  test('between neighbours', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25, count: 4 });
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  test('one bad run moves neither', () => {
    expect(spreadOf([1, 1, 1, 1, 100])).toMatchObject({ median: 1, low: 1, high: 1 });
  });

  test('ratios are made round by round', () => {
    // Both were twice as slow in the second round: the ratio does not see it.
    expect(ratioOf([1, 2, 1], [2, 4, 2])).toEqual({ median: 0.5, low: 0.5, high: 0.5, count: 3 });
    expect(ratioOf([1, undefined], [2, 4]).count).toBe(1);
  });
});

describe("Welch's t", () => {
  test('by hand: means 2 and 4, variances 1 and 4', () => {
    expect(welchT([1, 2, 3], [2, 4, 6])).toBeCloseTo(-2 / Math.sqrt(1 / 3 + 4 / 3), 12);
    expect(welchT([2, 4, 6], [1, 2, 3])).toBeCloseTo(1.549193, 6);
  });

  test('a difference of 10 ns is found beneath times of 4 µs with a long tail, and none where there is none', () => {
    const random = seededRandom(8945);
    const time = (more: number): number => 4000 + more + 300 * random() + (random() < 0.05 ? 50_000 * random() : 0);
    const sample = (more: number) => Array.from({ length: 20_000 }, () => time(more));
    const [one, other, later] = [sample(0), sample(0), sample(10)];
    expect(Math.abs(farthestT(one, other))).toBeLessThan(4.5);
    expect(farthestT(later, one)).toBeGreaterThan(4.5);
    // With the tail it would be missed.
    expect(Math.abs(welchT(later, one))).toBeLessThan(4.5);
  });
});

describe('/proc', () => {
  const STAT = 'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\ncpu1 100 20 300 4000 50 6 70 8 0 0\nintr 5\n';

  test('busy is user, nice, system, irq and softirq of the one core', () => {
    expect(coreTimes(STAT, 1)).toEqual({ busy: 4.96, softirq: 0.7, idle: 40.5, steal: 0.08 });
    expect(() => coreTimes(STAT, 2)).toThrow('no cpu2');
  });

  test('user and system time of a process whose name is made to confuse', () => {
    expect(processSeconds('12 (a) b) R) S 1 12 12 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 1 0 5')).toBe(4);
    expect(processSeconds('')).toBe(0);
  });
});

describe('pictures', () => {
  test('bars are medians, whiskers quartiles, and text is escaped', () => {
    const bar = (label: string, median: number, isOurs = false) => ({
      label,
      value: { median, low: median - 1, high: median + 1, count: 3 },
      note: `${median} µs`,
      isOurs,
    });
    const svg = drawBars({ title: 'a < b & "c"', subtitle: '', unit: 'µs', bars: [bar('ours', 5, true), bar('theirs', 9)] });
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    // The axis ends at 10 and is 420 wide.
    expect(svg).toContain('class="ours" x="190" y="65" width="210.0"');
    expect(svg).toContain('class="other" x="190" y="95" width="378.0"');
    expect(svg).toContain('M358.0 73H442.0');
  });
});
