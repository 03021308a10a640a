/**
 * The hand-written zones of test/e2e/zones, as text every peer reads.
 * `; peers: nsd knot` in a file says who can load it; `$GENERATE`, which NSD and Knot do not know, is expanded here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PEER_KINDS, type PeerKind } from './peer-kinds.ts';
import { type PeerZone } from './peers.ts';

/** A zone, who can load it, and the file it came from. */
export interface TestZone extends PeerZone {
  readonly peers: readonly PeerKind[];
}

const DIRECTORY = join(import.meta.dirname, '../e2e/zones');

/** Every fixture zone, by file name. */
export function fixtureZones(): TestZone[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.zone'))
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(DIRECTORY, file), 'latin1');
      const name = /^\$ORIGIN\s+(\S+)/m.exec(text)?.[1];
      if (name === undefined) throw new Error(`${file} has no $ORIGIN`);
      const peers = /^; peers: (.+)$/m.exec(text)?.[1]?.split(' ');
      return { name, text: expandGenerate(text), peers: PEER_KINDS.filter((kind) => peers?.includes(kind) ?? true) };
    });
}

/** BIND's `$GENERATE start-stop lhs type rhs` written out: `$` is the number, `${offset,width,base}` the number plus an offset. */
export function expandGenerate(text: string): string {
  return text.replaceAll(/^\$GENERATE (\d+)-(\d+) (.+)$/gm, (_line, start: string, stop: string, pattern: string) => {
    const lines: string[] = [];
    for (let number = Number(start); number <= Number(stop); number++)
      lines.push(
        pattern.replaceAll(/\$(?:\{(-?\d+),\d+,d\})?/g, (_mark, offset: string | undefined) => String(number + Number(offset ?? 0))),
      );
    return lines.join('\n');
  });
}
