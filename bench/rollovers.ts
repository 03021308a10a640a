/**
 * Rollovers beside Knot DNS in the same run: the ZSK of a large zone; and many small zones whose ZSKs roll in the same hour.
 * Use: npm run bench:rollovers -- [--quick] [--names N] [--zones N] [--rounds N] [--seconds S] [--only large|many] [--out FOLDER]
 *   --quick: 2,000 names, 60 zones, one round, counting for two seconds: that it works, not what it comes to
 * Needs knotd, knotc and cc. Everything on 127.0.0.1, and stopped at the end. Prints tables, writes bench/results/rollovers.json.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ALL_CORES } from './cores.ts';
import { versionLine } from './peers/peer.ts';
import { MACHINE, writeJson } from './report.ts';
import { formatLarge, measureLarge } from './rollovers/large.ts';
import { formatMany, measureMany } from './rollovers/many.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    names: { type: 'string' },
    zones: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
});
const { quick, only } = values;
const numeric = (text: string | undefined, quickly: number, fully: number): number => Number(text ?? (quick ? quickly : fully));
const names = numeric(values.names, 2000, 100_000);
const zones = numeric(values.zones, 60, 10_000);
const rounds = numeric(values.rounds, 1, 3);
const seconds = numeric(values.seconds, 2, 20);
if (![names, zones, rounds, seconds].every((each) => each > 0)) throw new Error('every number must be more than 0');

const folder = mkdtempSync(join(tmpdir(), 'waxseal-bench-rollovers-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const large = only === 'many' ? undefined : await measureLarge(names, rounds, { folder, cores: ALL_CORES });
if (large !== undefined) process.stdout.write(`${formatLarge(large)}\n`);
const many = only === 'large' ? undefined : await measureMany({ zones, seconds, rounds, folder });
if (many !== undefined) process.stdout.write(`${formatMany(many)}\n`);
const knot = versionLine('knotd', ['--version']);
writeJson(values.out, 'rollovers', { at: new Date().toISOString(), machine: MACHINE, knot, large, many });
