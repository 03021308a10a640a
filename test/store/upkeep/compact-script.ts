/** Compacts the store in a folder, in a process of its own. */
import { compactStore } from '#store/upkeep/compact.ts';

try {
  await compactStore(process.argv[2] ?? '');
  process.stdout.write('compacted\n');
} catch (error) {
  process.stdout.write(`failed: ${String(error)}\n`);
}
