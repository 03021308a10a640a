/** Writes ratchets.json anew after something was mended or moved. Rejects a tree in which anything grew. */
import { writeFileSync } from 'node:fs';
import { RATCHETS_FILE, countRatchets, lowerRatchets, readRatchets } from './ratchets.ts';

const lowered = lowerRatchets(readRatchets(), countRatchets());
if (typeof lowered === 'string') {
  console.error(`ratchets.json is unchanged: ${lowered}`);
  process.exitCode = 1;
} else writeFileSync(RATCHETS_FILE, `${JSON.stringify(lowered, undefined, 2)}\n`);
