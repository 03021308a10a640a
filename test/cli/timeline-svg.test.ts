/** The picture of a timeline: well-formed XML with a band for each stage, hatched where it waits, whatever the texts are. */
import { expect, test } from 'vitest';
import { timelineSvg } from '#cli/timeline-svg.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const ROW = {
  object: 'ksk-1',
  stage: 'submitted',
  beganAt: '2026-11-21T08:00:00.000Z',
  steps: [{ from: 'published', at: '2026-11-21T10:00:00.000Z' }],
  earliestAt: '2026-11-21T16:00:00.000Z',
  lines: ['waits for <the parent> & "others"'],
};

/** Positions of the bands: x and width, in order. */
const bands = (svg: string) =>
  [...svg.matchAll(/<rect x="(\d+)" y="50" width="(\d+)"[^>]*fill="([^"]+)"/g)].map(([, x, width, fill]) => [
    Number(x),
    Number(width),
    fill,
  ]);

test('past, present and what is waited for are bands beside each other, to scale', () => {
  const svg = timelineSvg('example.', [ROW], NOW);
  expect(bands(svg)).toEqual([
    [180, 200, '#cfe8ef'],
    [380, 200, '#e8dff2'],
    [580, 400, 'url(#waits)'],
  ]);
  expect(svg).toContain('<line x1="580"');
  expect(svg).toContain('>now 2026-11-21 12:00 UTC<');
  for (const label of ['published', 'submitted', 'ksk-1']) expect(svg).toContain(`>${label}</text>`);
  expect(svg).toContain('waits for &lt;the parent&gt; &amp; &quot;others&quot;');
});

test('a stage without a date has no hatching, and none at all is said', () => {
  const { earliestAt: _earliest, ...row } = ROW;
  expect(bands(timelineSvg('example.', [row], NOW)).map(([, , fill]) => fill)).toEqual(['#cfe8ef', '#e8dff2']);
  expect(timelineSvg('example.', [], NOW)).toContain('no rollover is under way');
});

test('nothing in it is active, or from elsewhere, whatever a name is', () => {
  const svg = timelineSvg('"><script>.', [{ ...ROW, object: '</text><script>\u0000', lines: ['<a href="x">'] }], NOW);
  expect(svg).not.toMatch(/<script|<a /);
  expect(svg.includes('\u0000')).toBe(false);
  expect(svg.match(/https?:[^"]*/g)).toEqual(['http://www.w3.org/2000/svg']);
});
