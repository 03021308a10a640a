/**
 * The timeline of a zone's rollovers as a picture: a row for each, a band for each stage, hatched where it still waits,
 * a line at now. Stages have their names in them, not a colour alone.
 * Implements: SVG 1.1, without scripts, fonts or anything from elsewhere.
 * Not here: the timeline itself (dnssec-rollovers.ts).
 */

export interface TimelineRow {
  readonly object: string;
  readonly stage: string;
  readonly beganAt: string;
  readonly steps: readonly { readonly from: string; readonly at: string }[];
  /** Not before; absent: not known. */
  readonly earliestAt?: string;
  readonly lines: readonly string[];
}

interface Band {
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly isWaiting: boolean;
  readonly hint: string;
}

const WIDTH = 1000;
const LEFT = 180;
const RIGHT = 20;
const TOP = 50;
const ROW = 44;
const BAND = 26;
/** Characters of the label's font are about so wide. */
const CHARACTER = 7;
const COLORS = ['#cfe8ef', '#e8dff2', '#fbe7c6', '#d8efd3'];

/** `rows` may be empty. Times are ISO 8601, `nowMs` is wall time. */
export function timelineSvg(zone: string, rows: readonly TimelineRow[], nowMs: number): string {
  const drawn = rows.map((row) => ({ row, bands: bandsOf(row, nowMs) }));
  const times = drawn.flatMap(({ bands }) => bands.flatMap(({ fromMs, toMs }) => [fromMs, toMs]));
  const fromMs = Math.min(nowMs, ...times);
  const spanMs = Math.max(1000, Math.max(nowMs, ...times) - fromMs);
  const x = (atMs: number): number => Math.round(LEFT + ((atMs - fromMs) / spanMs) * (WIDTH - LEFT - RIGHT));
  const height = TOP + Math.max(1, rows.length) * ROW + 40;
  const body = drawn.flatMap(({ row, bands }, at) => {
    const y = TOP + at * ROW;
    const name = `<text x="8" y="${y + 18}" font-weight="bold">${escapeXml(row.object)}</text>`;
    return [name, ...bands.map((band, index) => bandSvg(band, x, y, COLORS[index % COLORS.length]!))];
  });
  if (rows.length === 0) body.push(`<text x="8" y="${TOP + 18}">no rollover is under way</text>`);
  const bottom = height - 30;
  const size = `width="${WIDTH}" height="${height}"`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escapeXml(`key rollovers of ${zone}`)}</title>`,
    '<style>text{font:12px monospace;fill:#222}</style>',
    '<defs><pattern id="waits" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">',
    '<rect width="8" height="8" fill="#f4f4f4"/>',
    '<line x1="0" y1="0" x2="0" y2="8" stroke="#777" stroke-width="3"/></pattern></defs>',
    `<rect ${size} fill="#fff"/>`,
    `<text x="8" y="22" font-weight="bold">${escapeXml(`key rollovers of ${zone}`)}</text>`,
    ...body,
    `<line x1="${x(nowMs)}" y1="${TOP - 14}" x2="${x(nowMs)}" y2="${bottom}" stroke="#be1515" stroke-width="2"/>`,
    `<text x="${Math.min(x(nowMs) + 4, WIDTH - 180)}" y="${TOP - 8}">now ${timeText(nowMs)}</text>`,
    `<text x="${LEFT}" y="${height - 10}">${timeText(fromMs)}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${height - 10}" text-anchor="end">${timeText(fromMs + spanMs)}</text>`,
    '</svg>',
  ].join('\n')}\n`;
}

/** Stages that are over, the one of now, and how long it waits at least. */
function bandsOf({ stage, beganAt, steps, earliestAt, lines }: TimelineRow, nowMs: number): readonly Band[] {
  const over: Band[] = [];
  let fromMs = Date.parse(beganAt);
  for (const { from, at } of steps) {
    const toMs = Date.parse(at);
    over.push({ label: from, fromMs, toMs, isWaiting: false, hint: `${from}, until ${timeText(toMs)}` });
    fromMs = toMs;
  }
  const hint = lines.join('\n');
  const present: Band = { label: stage, fromMs, toMs: Math.max(fromMs, nowMs), isWaiting: false, hint };
  const untilMs = earliestAt === undefined ? undefined : Date.parse(earliestAt);
  if (untilMs === undefined || untilMs <= nowMs) return [...over, present];
  return [...over, present, { label: '', fromMs: present.toMs, toMs: untilMs, isWaiting: true, hint }];
}

type Scale = (atMs: number) => number;

function bandSvg(band: Band, x: Scale, y: number, color: string): string {
  const { label, fromMs, toMs, isWaiting, hint } = band;
  const width = Math.max(2, x(toMs) - x(fromMs));
  const fill = isWaiting ? 'url(#waits)' : color;
  const rect = `<rect x="${x(fromMs)}" y="${y}" width="${width}" height="${BAND}" fill="${fill}" stroke="#444"/>`;
  const isWide = width > label.length * CHARACTER + 8;
  const text = isWide ? `<text x="${x(fromMs) + 4}" y="${y + 17}">${escapeXml(label)}</text>` : '';
  return `<g><title>${escapeXml(hint)}</title>${rect}${text}</g>`;
}

function timeText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function escapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  // Characters that XML 1.0 has no place for.
  const plain = Array.from(text)
    .filter((each) => each === '\n' || each === '\t' || each >= ' ')
    .join('');
  return plain.replaceAll(/[&<>"]/g, (each) => named[each]!);
}
