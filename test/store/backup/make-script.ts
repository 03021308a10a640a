/** Makes a backup in a process of its own, whose limits a test sets: store, folder, file of the key. */
import { makeBackup } from '#store/backup/make.ts';
import { StoreFailure } from '#store/failure.ts';

const [storeDir = '', folder = '', kekFile = ''] = process.argv.slice(2);
process.on('SIGXFSZ', () => {});
try {
  const made = await makeBackup({ storeDir, folder, kekFile, isScheduled: false, productVersion: '0.0.0', nowMs: 0 });
  process.stdout.write(`made ${made.folder}\n`);
} catch (error) {
  if (!(error instanceof StoreFailure)) throw error;
  process.stdout.write(`${error.code} ${error.message}\n`);
}
