/**
 * Memory of each server after it has answered for some seconds: its proportional share (PSS), so that what processes have in common is
 * counted once. Pages of a database file that the kernel can drop at any time are told apart.
 */
import { readFileSync } from 'node:fs';
import { measure, queriesFile, startContestant, takesPart } from '../group.ts';
import { OURS } from '../peers/all.ts';
import { type Prepared } from '../prepared.ts';
import { markdown } from '../report.ts';
import { SCENARIOS, type ZonesKind } from '../scenarios.ts';
import { spreadOf } from '../statistics.ts';
import { drawBars } from '../svg.ts';
import { type Figure, type FigureContext, type FigureResult } from './figure.ts';

interface Memory {
  readonly id: string;
  readonly label: string;
  readonly anonymousMiB: number;
  readonly fileMiB: number;
  /** Anonymous memory by RRsets, as if there were a million. */
  readonly anonymousMiBPerMillion: number;
}

const SCENARIO = SCENARIOS.find(({ id }) => id === 'signed-mix')!;
const LOAD_SECONDS = 3;

export const MEMORY: Figure = memoryFigure('memory', 'names', true);
export const MEMORY_MANY: Figure = memoryFigure('memory-1m', 'many-names', false);

function memoryFigure(id: string, zones: ZonesKind, quick: boolean): Figure {
  return { id, title: 'Memory', zones, signed: true, quick, measure: (context) => measureMemory(id, context) };
}

async function measureMemory(id: string, { bench, prepared, peers }: FigureContext): Promise<FigureResult> {
  const queries = queriesFile(bench, prepared, SCENARIO);
  const rrsets = countRrsets(prepared);
  const rows: Memory[] = [];
  // One after the other: together they might not fit.
  for (const peer of peers) {
    if (!takesPart(peer, prepared)) continue;
    const contestant = await startContestant(bench, prepared, peer, { cores: String(bench.cores.server), workers: 1 });
    try {
      await measure(bench, contestant, { queries, warmupSeconds: 0.1, seconds: LOAD_SECONDS });
      const { anonymousMiB, fileMiB } = memoryOf(contestant.daemon.pids());
      rows.push({ id: peer.id, label: peer.label, anonymousMiB, fileMiB, anonymousMiBPerMillion: (anonymousMiB * 1e6) / rrsets });
    } finally {
      await contestant.daemon.stop();
    }
  }
  const mib = (value: number): string => Math.round(value).toLocaleString('en');
  return {
    values: { rrsets, rows },
    table: `${rrsets.toLocaleString('en')} RRsets besides NSEC\n\n${markdown(
      ['', 'own MiB', 'mapped files MiB', 'own MiB per million RRsets'],
      rows.map((row) => [row.label, mib(row.anonymousMiB), mib(row.fileMiB), mib(row.anonymousMiBPerMillion)]),
    )}`,
    pictures: {
      [id]: drawBars({
        title: 'Memory',
        subtitle: `${prepared.set.title}, signed: ${rrsets.toLocaleString('en')} RRsets besides NSEC`,
        unit: 'MiB of its own, mapped database files not counted (less is better)',
        bars: rows.map((row) => ({
          label: row.label,
          value: spreadOf([row.anonymousMiB]),
          note: `${mib(row.anonymousMiB)} MiB${row.fileMiB > 100 ? ` + ${mib(row.fileMiB)} mapped` : ''}`,
          isOurs: row.id === OURS,
        })),
      }),
    },
  };
}

/** Proportional share of all processes. */
function memoryOf(pids: readonly number[]): { readonly anonymousMiB: number; readonly fileMiB: number } {
  let [anonymous, file] = [0, 0];
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
    anonymous += kib('Pss_Anon');
    file += kib('Pss_File') + kib('Pss_Shmem');
  }
  return { anonymousMiB: anonymous / 1024, fileMiB: file / 1024 };
}

function countRrsets({ set }: Prepared): number {
  let count = 0;
  for (const zone of set.zones) {
    let last = '';
    for (const line of zone.lines()) {
      if (line.startsWith('$')) continue;
      const [owner = '', type = ''] = line.split(' ', 2);
      const rrset = `${owner} ${type}`;
      if (rrset !== last) count++;
      last = rrset;
    }
  }
  return count;
}
