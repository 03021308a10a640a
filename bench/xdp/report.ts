/**
 * What `npm run bench:xdp` tells: tables in Markdown, and with `--out` the figures and pictures in bench/results.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Run } from '../generator.ts';
import { MACHINE, markdown, writeJson } from '../report.ts';
import { ratioOf, spreadOf } from '../statistics.ts';
import { type Scenario } from '../scenarios.ts';
import { drawBars } from '../svg.ts';
import { COMPARED } from './contestants.ts';
import { type OpenRun } from './open-loop.ts';

/** What was measured of one server. */
export interface Measured {
  readonly id: string;
  readonly label: string;
  /** By round. */
  readonly runs: readonly Run[];
  readonly open: readonly OpenRun[];
}

const timeOf = (isOwn: boolean) => (run: Run) => (isOwn ? run.ownUs : run.coreUs);
const timesOf = (of: Measured | undefined, isOwn: boolean) => of?.runs.map(timeOf(isOwn)) ?? [];

/** One row for each: medians with quartiles, and ratios made round by round. */
export function formatRows(all: readonly Measured[], isOwn: boolean): string {
  const find = (id: string) => all.find((each) => each.id === id);
  const compared = COMPARED.flatMap((id) => find(id) ?? []);
  const ratios = compared.map(({ label }) => `${isOwn ? 'own ' : ''}÷ ${label}`);
  const rows = all.map((each) => {
    const { median, low, high } = spreadOf(each.runs.map(({ coreUs }) => coreUs));
    const middle = (of: (run: Run) => number) => spreadOf(each.runs.map(of)).median;
    return [
      each.label,
      `${median.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`,
      middle(({ ownUs }) => ownUs).toFixed(2),
      `${Math.round(middle(({ queriesPerSecond }) => queriesPerSecond) / 1000)}k`,
      middle(({ busy }) => busy).toFixed(2),
      middle(({ foreign }) => foreign).toFixed(2),
      ...compared.map((other) => ratioOf(timesOf(each, isOwn), timesOf(other, isOwn)).median.toFixed(2)),
    ];
  });
  return markdown(['', 'core time µs', 'own µs', 'q/s', 'busy', 'of others', ...ratios], rows);
}

/** Part of the offered questions that was answered, median of the rounds, and the best of them. */
export function formatOpen(all: readonly Measured[]): string {
  const asked = all.filter(({ open }) => open.length > 0);
  const rates = [...new Set(asked.flatMap(({ open }) => open.map(({ rate }) => rate)))];
  const heads = rates.map((rate) => `${Math.round(rate / 1000)}k offered`);
  const rows = asked.map(({ label, open }) => [
    label,
    ...rates.map((wanted) => {
      const answered = open.filter(({ rate }) => rate === wanted).map((run) => 100 * run.answered);
      return `${spreadOf(answered).median.toFixed(1)} % [${Math.max(...answered).toFixed(1)}]`;
    }),
  ]);
  return markdown(['', ...heads], rows);
}

/** `xdp-SCENARIO`: figures as JSON, core time as a picture. */
export function writeResults(out: string, zones: string, scenario: Scenario, all: readonly Measured[]): void {
  const id = `xdp-${scenario.id}`;
  const title = scenario.title;
  const at = new Date().toISOString();
  const nsd = all.find((each) => each.id === 'nsd');
  const servers = all.map(({ id: server, label, runs, open }) => {
    const own = spreadOf(runs.map(timeOf(true)));
    const core = spreadOf(runs.map(timeOf(false)));
    const ratios = Object.fromEntries(
      COMPARED.map((other) => {
        const theirs = all.find((each) => each.id === other);
        const ratio = (isOwn: boolean) =>
          ratioOf(timesOf({ id, label, runs, open }, isOwn), timesOf(theirs, isOwn)).median;
        return [other, { core: ratio(false), own: ratio(true) }];
      }),
    );
    return { id: server, label, coreUs: core, ownUs: own, ratios, open, runs };
  });
  writeJson(out, id, { id, title, zones, at, machine: MACHINE, servers });
  const bars = servers.map(({ id: server, label, coreUs, ratios }) => ({
    label,
    value: coreUs,
    note: `${coreUs.median.toFixed(2)} µs${nsd === undefined ? '' : `  (${ratios['nsd']!.core.toFixed(2)} × NSD)`}`,
    isOurs: server.startsWith('waxseal'),
  }));
  const subtitle = `${zones}; two namespaces over veth, receive work on the server's core; ${at.slice(0, 10)}`;
  const unit = 'core time per query, microseconds (less is better)';
  writeFileSync(join(out, `${id}.svg`), drawBars({ title: `UDP by AF_XDP: ${title}`, subtitle, unit, bars }));
}
