/** What a scenario came to: a table for people, JSON for programs, a picture for the README; and what must not be believed in it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type Run } from './generator.ts';
import { type ScenarioRuns, isDisturbed } from './group.ts';
import { OURS } from './peers/all.ts';
import { type Spread, ratioOf, spreadOf } from './statistics.ts';
import { drawBars } from './svg.ts';

/** Below this the generator was the limit. */
const BUSY_MIN = 0.93;
const LOST_MAX = 0.01;
/** The clock of the core ticks, the processes' does not: they may differ by a little. */
const ELSEWHERE = 1.05;
/** Servers' answers may differ by so much in their kinds before the comparison is called into question. */
const ANSWERS_DIFFER = 0.01;

export interface ServerResult {
  readonly id: string;
  readonly label: string;
  readonly version: string;
  readonly coreUs: Spread;
  readonly queriesPerSecond: Spread;
  /** waxseal's core time by this server's, round by round. */
  readonly ratio: Spread | undefined;
  readonly bytesPerAnswer: number;
  /** Reasons for doubt; empty when there is none. */
  readonly doubts: readonly string[];
  readonly runs: readonly Run[];
}

export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly zones: string;
  readonly at: string;
  readonly machine: string;
  readonly servers: readonly ServerResult[];
}

export const MACHINE = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, Linux, Node ${process.version}`;

export function evaluate({ scenario, prepared, results }: ScenarioRuns): ScenarioResult {
  const costs = (runs: readonly Run[]): number[] => runs.map(({ coreUs }) => coreUs);
  const ours = results.find(({ peer }) => peer.id === OURS)?.runs;
  const reference = results.find(({ peer }) => peer.signing === 'served')?.runs;
  return {
    id: scenario.id,
    title: scenario.title,
    zones: prepared.set.title,
    at: new Date().toISOString(),
    machine: MACHINE,
    servers: results.map(({ peer, runs }) => ({
      id: peer.id,
      label: peer.label,
      version: peer.version(),
      coreUs: spreadOf(costs(runs)),
      queriesPerSecond: spreadOf(runs.map(({ queriesPerSecond }) => queriesPerSecond)),
      ratio: ours === undefined || peer.id === OURS ? undefined : ratioOf(costs(ours), costs(runs)),
      bytesPerAnswer: spreadOf(runs.map(({ bytesPerAnswer }) => bytesPerAnswer)).median,
      // The echo has no answers, and onlinesign never says NXDOMAIN.
      doubts: doubts(runs, peer.signing === 'served' || peer.id === 'powerdns' ? reference : undefined),
      runs,
    })),
  };
}

function doubts(runs: readonly Run[], reference: readonly Run[] | undefined): string[] {
  const middle = (of: readonly Run[], figure: (run: Run) => number): number => spreadOf(of.map(figure)).median;
  const found: string[] = [];
  if (runs.some(isDisturbed)) found.push(`disturbed; own time ${middle(runs, ({ ownUs }) => ownUs).toFixed(2)}`);
  if (middle(runs, ({ busy }) => busy) < BUSY_MIN) found.push(`core only ${(100 * middle(runs, ({ busy }) => busy)).toFixed(0)} % busy`);
  if (middle(runs, ({ ownPart }) => ownPart) > ELSEWHERE) found.push('ran on another core too');
  const lost = middle(runs, (run) => run.lost / Math.max(1, run.answered));
  if (lost > LOST_MAX) found.push(`${(100 * lost).toFixed(1)} % lost`);
  if (runs.some(({ answered }) => answered < 10)) found.push('no answers');
  if (reference !== undefined)
    for (const kind of ['noerror', 'nxdomain', 'truncated'] as const) {
      const [own, others] = [middle(runs, (run) => run[kind]), middle(reference, (run) => run[kind])];
      if (Math.abs(own - others) > ANSWERS_DIFFER)
        found.push(`${kind} ${(100 * own).toFixed(1)} %, expected ${(100 * others).toFixed(1)} %`);
    }
  return found;
}

export function formatTable({ title, zones, servers }: ScenarioResult): string {
  const rows = servers.map(({ label, coreUs, queriesPerSecond, ratio, bytesPerAnswer, doubts: doubtful }) => [
    label,
    `${coreUs.median.toFixed(2)} (${coreUs.low.toFixed(2)}–${coreUs.high.toFixed(2)})`,
    Math.round(queriesPerSecond.median).toLocaleString('en'),
    ratio === undefined ? '' : `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`,
    bytesPerAnswer.toFixed(0),
    doubtful.join('; '),
  ]);
  return `\n### ${title} (${zones})\n\n${markdown(['', 'core µs per query', 'queries/s', 'waxseal ÷ it', 'octets', ''], rows)}`;
}

/** A table in Markdown; the first column to the left, the others to the right. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n`;
}

export function writeResult(out: string, result: ScenarioResult): void {
  writeJson(out, result.id, result);
  writeFileSync(
    join(out, `${result.id}.svg`),
    drawBars({
      title: result.title,
      subtitle: `${result.zones}; median and quartiles of ${result.servers[0]?.coreUs.count ?? 0} interleaved runs; ${result.at.slice(0, 10)}`,
      unit: 'core time per query, microseconds (less is better)',
      bars: result.servers.map(({ id, label, coreUs, ratio }) => ({
        label,
        value: coreUs,
        note: `${coreUs.median.toFixed(2)} µs${ratio === undefined ? '' : `  (${(1 / ratio.median).toFixed(2)} ×)`}`,
        isOurs: id === OURS,
      })),
    }),
  );
}

export function writeJson(out: string, name: string, value: unknown): void {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${name}.json`), `${JSON.stringify(value, undefined, 1)}\n`);
}
