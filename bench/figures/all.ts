/** Every other figure, in the order it is measured. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson, MACHINE } from '../report.ts';
import { CHANGES_UNDER_LOAD } from './changes-under-load.ts';
import { type Figure, type FigureContext } from './figure.ts';
import { LATENCY } from './latency.ts';
import { MEMORY, MEMORY_MANY } from './memory.ts';
import { NEVER_READING } from './never-reading.ts';
import { RECOVERY } from './recovery.ts';
import { START_UP, START_UP_MANY } from './start-up.ts';
import { TWO_WORKERS } from './two-workers.ts';
import { UNDER_ATTACK } from './under-attack.ts';

export const FIGURES: readonly Figure[] = [
  LATENCY,
  UNDER_ATTACK,
  NEVER_READING,
  RECOVERY,
  CHANGES_UNDER_LOAD,
  MEMORY,
  START_UP,
  TWO_WORKERS,
  MEMORY_MANY,
  START_UP_MANY,
];

/** Measures them one after the other, prints and writes each. */
export async function runFigures(context: FigureContext, figures: readonly Figure[], out: string): Promise<void> {
  for (const { id, title, measure } of figures) {
    const { table, values, pictures = {} } = await measure(context);
    writeJson(out, id, { id, title, zones: context.prepared.set.title, at: new Date().toISOString(), machine: MACHINE, values });
    for (const [name, picture] of Object.entries(pictures)) writeFileSync(join(out, `${name}.svg`), picture);
    process.stdout.write(`\n### ${title} (${context.prepared.set.title})\n\n${table}`);
  }
}
