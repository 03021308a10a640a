/**
 * Horizontal bars with whiskers, as an SVG that reads well on light and dark pages. Bars are medians, whiskers quartiles. Pure: facts in,
 * text out.
 */
import { type Spread } from './statistics.ts';

export interface Bar {
  readonly label: string;
  readonly value: Spread;
  /** Written behind the bar. */
  readonly note: string;
  readonly isOurs: boolean;
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  /** Of the axis, below it. */
  readonly unit: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABELS = 190;
const NOTES = 150;
const TOP = 58;
const ROW = 30;
const BAR = 16;
const BOTTOM = 44;
const TICKS = 5;
/** A bar longer than this many times the shortest is cut, so that the others can still be told apart; its number stands behind it. */
const CUT = 6;

export function drawBars({ title, subtitle, unit, bars }: Chart): string {
  const plot = WIDTH - LABELS - NOTES;
  const height = TOP + bars.length * ROW + BOTTOM;
  const limit = CUT * Math.min(...bars.map(({ value }) => value.median));
  const axis = axisOf(Math.max(...bars.map(({ value }) => Math.min(limit, Math.max(value.median, value.high))), Number.MIN_VALUE));
  const x = (value: number): string => (LABELS + (plot * Math.min(value, axis.max)) / axis.max).toFixed(1);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">`,
    '<style>',
    'text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}.small{font-size:11px;fill:#57606a}',
    '.ours{fill:#b4481e}.other{fill:#8c959f}.grid{stroke:#d0d7de;stroke-width:1}.whisker{stroke:#24292f;stroke-width:1.5}.cut{fill:#fff}',
    '@media (prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.ours{fill:#e0764a}.other{fill:#6e7681}.grid{stroke:#30363d}.whisker{stroke:#e6edf3}.cut{fill:#0d1117}}',
    '</style>',
    `<text class="title" x="12" y="22">${escape(title)}</text>`,
    `<text class="small" x="12" y="41">${escape(subtitle)}</text>`,
  ];
  const end = TOP + bars.length * ROW;
  for (let tick = 0; tick <= axis.max + axis.step / 2; tick += axis.step) {
    lines.push(
      `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 6}" y2="${end}"/>`,
      `<text class="small" x="${x(tick)}" y="${end + 15}" text-anchor="middle">${label(tick, axis.step)}</text>`,
    );
  }
  lines.push(`<text class="small" x="${LABELS}" y="${end + 34}">${escape(unit)}</text>`);
  for (const [row, bar] of bars.entries()) lines.push(...drawBar(bar, TOP + row * ROW, x, axis.max));
  return `${lines.join('\n')}\n</svg>\n`;
}

function drawBar({ label: name, value, note, isOurs }: Bar, top: number, x: (value: number) => string, max: number): string[] {
  const middle = top + ROW / 2;
  const [low, high] = [x(value.low), x(value.high)];
  const afterBar = Number(x(Math.max(value.high, value.median))) + 8;
  return [
    `<text x="${LABELS - 8}" y="${middle + 4}" text-anchor="end">${escape(name)}</text>`,
    `<rect class="${isOurs ? 'ours' : 'other'}" x="${LABELS}" y="${middle - BAR / 2}" width="${(Number(x(value.median)) - LABELS).toFixed(1)}" height="${BAR}" rx="2"/>`,
    value.median > max
      ? `<path class="cut" d="M${Number(x(max)) - 14} ${middle + BAR / 2 + 2}l6 ${-BAR - 4}h4l-6 ${BAR + 4}z"/>`
      : `<path class="whisker" fill="none" d="M${low} ${middle}H${high}M${low} ${middle - 5}v10M${high} ${middle - 5}v10"/>`,
    `<text x="${afterBar.toFixed(1)}" y="${middle + 4}">${escape(note)}</text>`,
  ];
}

/** A round step and the end of the axis, from the largest value. */
function axisOf(largest: number): { readonly max: number; readonly step: number } {
  const rough = largest / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough)!;
  return { step, max: step * Math.ceil(largest / step) };
}

function label(value: number, step: number): string {
  return step >= 1 ? value.toLocaleString('en') : value.toFixed(Math.ceil(-Math.log10(step)));
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
