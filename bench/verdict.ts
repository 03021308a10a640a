/** The figures that waxseal is held to, from the scenarios measured: printed last, and written to results/verdict.json. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OURS } from './peers/all.ts';
import { type ScenarioResult, type ServerResult, markdown, writeJson } from './report.ts';
import { SCENARIOS } from './scenarios.ts';

interface Goal {
  readonly what: string;
  /** The value, if what it needs was measured. */
  readonly value: (results: ReadonlyMap<string, ScenarioResult>) => number | undefined;
  readonly must: number;
  readonly aim?: number;
  /** More is better. */
  readonly isFloor?: boolean;
}

const GOALS: readonly Goal[] = [
  { what: 'unsigned mix ÷ the faster of NSD and Knot', value: against('unsigned-mix', ['nsd', 'knot']), must: 1, aim: 0.8 },
  { what: 'signed mix ÷ the faster of NSD and Knot, pre-signed', value: against('signed-mix', ['nsd', 'knot']), must: 1.1, aim: 0.9 },
  { what: 'signed mix ÷ PowerDNS, live', value: against('signed-mix', ['powerdns']), must: 0.35 },
  { what: 'signed mix ÷ Knot onlinesign', value: against('signed-mix', ['knot-onlinesign']), must: 0.1 },
  { what: 'signed flood ÷ Knot, pre-signed', value: against('signed-flood', ['knot']), must: 1.2, aim: 1 },
  { what: 'signed flood ÷ PowerDNS, live', value: against('signed-flood', ['powerdns']), must: 0.15 },
  { what: 'TCP pipelined, queries/s ÷ the best peer', value: tcpRate, must: 0.7, aim: 1, isFloor: true },
  { what: 'unsigned mix, large zone ÷ usual one', value: growth('unsigned-mix', 'unsigned-mix-1m'), must: 1.5 },
  { what: 'signed mix, large zone ÷ usual one', value: growth('signed-mix', 'signed-mix-1m'), must: 1.5 },
  { what: 'unsigned mix, many zones ÷ one zone', value: growth('unsigned-mix', 'unsigned-mix-10k-zones'), must: 1.5 },
  { what: 'signed mix, many zones ÷ one zone', value: growth('signed-mix', 'signed-mix-10k-zones'), must: 1.5 },
];

/** Markdown; empty when nothing that has a goal was measured. What was not measured now is taken from the results that are in `out`. */
export function judge(results: readonly ScenarioResult[], out: string): string {
  const byId = new Map(results.map((each) => [each.id, each]));
  for (const { id } of SCENARIOS) {
    const file = join(out, `${id}.json`);
    if (!byId.has(id) && existsSync(file)) byId.set(id, JSON.parse(readFileSync(file, 'utf8')) as ScenarioResult);
  }
  const judged = GOALS.flatMap(({ what, value, must, aim, isFloor = false }) => {
    const measured = value(byId);
    if (measured === undefined) return [];
    const reaches = (goal: number): boolean => (isFloor ? measured >= goal : measured <= goal);
    const verdict = aim !== undefined && reaches(aim) ? 'aim reached' : reaches(must) ? 'ok' : 'MISSED';
    return [{ what, measured: Number(measured.toFixed(3)), must, aim, isFloor, verdict }];
  });
  if (judged.length === 0) return '';
  writeJson(out, 'verdict', judged);
  const sign = (isFloor: boolean): string => (isFloor ? '≥' : '≤');
  const rows = judged.map(({ what, measured, must, aim, isFloor, verdict }) => [
    what,
    measured.toFixed(2),
    `${sign(isFloor)} ${must}`,
    aim === undefined ? '' : `${sign(isFloor)} ${aim}`,
    verdict,
  ]);
  return `\n### What waxseal is held to\n\n${markdown(['', 'measured', 'must', 'aim', ''], rows)}`;
}

/** The median ratio to the one of `servers` that needs the least core time. */
function against(scenario: string, servers: readonly string[]): Goal['value'] {
  return (results) => {
    const candidates = results.get(scenario)?.servers.filter(({ id, ratio }) => servers.includes(id) && ratio !== undefined) ?? [];
    return candidates.toSorted((a, b) => a.coreUs.median - b.coreUs.median)[0]?.ratio?.median;
  };
}

function tcpRate(results: ReadonlyMap<string, ScenarioResult>): number | undefined {
  const servers = results.get('tcp-pipelined')?.servers ?? [];
  const rate = ({ queriesPerSecond }: ServerResult): number => queriesPerSecond.median;
  const ours = servers.find(({ id }) => id === OURS);
  const others = servers.filter(({ id }) => !id.startsWith('waxseal')).map(rate);
  return ours === undefined || others.length === 0 ? undefined : rate(ours) / Math.max(...others);
}

function growth(small: string, large: string): Goal['value'] {
  return (results) => {
    const cost = (id: string): number | undefined => results.get(id)?.servers.find((each) => each.id === OURS)?.coreUs.median;
    const [before, after] = [cost(small), cost(large)];
    return before === undefined || after === undefined ? undefined : after / before;
  };
}
