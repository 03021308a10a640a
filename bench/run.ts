/**
 * `npm run bench`: waxseal beside NSD, Knot DNS, BIND and PowerDNS, each with the same zones and one core, the load on another core.
 * Everything is on 127.0.0.1, bounded in time, and stopped at the end. What is measured and why: docs/performance.md.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_CORES, chooseCores, pin, prioritise } from './cores.ts';
import { FIGURES, runFigures } from './figures/all.ts';
import { compileGenerator } from './generator.ts';
import { type Bench, runScenario, startGroup } from './group.ts';
import { type Options, USAGE, readOptions } from './options.ts';
import { PEERS } from './peers/all.ts';
import { type Prepared, prepare } from './prepared.ts';
import { type ScenarioResult, evaluate, formatTable, writeResult } from './report.ts';
import { SCENARIOS, type Scenario, zoneSetOf } from './scenarios.ts';
import { judge } from './verdict.ts';

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

async function main(options: Options): Promise<void> {
  if (options.nice !== 0) prioritise(process.pid, options.nice);
  const work = options.work ?? mkdtempSync(join(tmpdir(), 'waxseal-bench-'));
  mkdirSync(work, { recursive: true });
  // What servers keep while they run goes, even when the zones stay.
  const running = mkdtempSync(join(work, 'run-'));
  process.once('exit', () => rmSync(options.work === undefined ? work : running, { recursive: true, force: true, maxRetries: 3 }));
  const cores = chooseCores(options.serverCore, options.generatorCore);
  if (cores.server === cores.generator) say('this machine has one core: servers and load share it, and no figure is worth anything');
  const bench: Bench = { ...options, cores, work: running, program: compileGenerator(running), say };
  say(`servers on core ${cores.server}, load on core ${cores.generator}`);
  const scenarios = SCENARIOS.filter(({ id, quick }) => options.scenarios?.includes(id) ?? (quick || options.full));
  const figures = FIGURES.filter(
    ({ id, quick }) => options.figures?.includes(id) ?? (options.scenarios === undefined && (quick || options.full)),
  );
  const peers = PEERS.filter(({ id }) => options.servers?.includes(id) ?? true);
  const results: ScenarioResult[] = [];
  for (const group of groupsOf([...scenarios, ...figures])) {
    const within = <T extends Group>(all: readonly T[]): T[] => all.filter((each) => isOf(each, group));
    try {
      const prepared = await prepare(zoneSetOf(group.zones, options), group.signed, work, say);
      // Signing uses every core; measuring leaves one to the servers.
      pin(process.pid, String(cores.generator));
      results.push(...(await measureGroup(bench, prepared, peers, within(scenarios), options.out)));
      await runFigures({ bench, prepared, peers, results }, within(figures), options.out);
    } catch (error) {
      // After an hour of measuring, what can still be measured should be.
      say(`${group.zones}${group.signed ? ', signed' : ''}: given up: ${error instanceof Error ? error.stack : String(error)}`);
      process.exitCode = 1;
    } finally {
      pin(process.pid, ALL_CORES);
    }
  }
  process.stdout.write(judge(results, options.out));
}

interface Group {
  readonly zones: Scenario['zones'];
  readonly signed: boolean;
}

const isOf = (each: Group, group: Group): boolean => each.zones === group.zones && each.signed === group.signed;

/** Each zone set is prepared once. */
function groupsOf(all: readonly Group[]): Group[] {
  return all.filter((each, at) => all.findIndex((other) => isOf(other, each)) === at);
}

async function measureGroup(
  bench: Bench,
  prepared: Prepared,
  peers: Parameters<typeof startGroup>[2],
  scenarios: readonly Scenario[],
  out: string,
): Promise<ScenarioResult[]> {
  if (scenarios.length === 0) return [];
  const contestants = await startGroup(bench, prepared, peers);
  const results: ScenarioResult[] = [];
  try {
    for (const scenario of scenarios) {
      const result = evaluate(await runScenario(bench, prepared, contestants, scenario));
      writeResult(out, result);
      process.stdout.write(formatTable(result));
      results.push(result);
    }
  } finally {
    await Promise.all(contestants.map(({ daemon }) => daemon.stop()));
  }
  return results;
}

// Interrupted, it still ends what it started: the handlers of `exit` do that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
try {
  const options = readOptions(process.argv.slice(2));
  if (options.list) {
    const list = (what: string, all: readonly { readonly id: string }[]): string => `${what}: ${all.map(({ id }) => id).join(' ')}\n`;
    process.stdout.write(list('scenarios', SCENARIOS) + list('servers', PEERS) + list('figures', FIGURES));
  } else await main(options);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n\n${USAGE}`);
  process.exitCode = 1;
}
