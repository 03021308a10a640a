/**
 * Entry of the process of an import: one import, then it ends. It gives way to those that serve. Its text is file 4,
 * the names go to file 5; neither has a name on the disk any more, so nothing is left behind however it ends.
 * Not here: what is done (job.ts), how long it may take (import-process.ts).
 */
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { assert } from '#base/assert.ts';
import { latin1 } from '#base/bytes.ts';
import { type Problem } from '#base/problem.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { fullFailure, isOutOfSpace } from '#store/free-space.ts';
import { openReader } from '#store/reader.ts';
import { type ImportReply, type ImportRequest, makeImport } from './job.ts';

const TEXT_FILE = 4;
const NODE_FILE = 5;
/** nice(2): behind what answers queries. */
const NICE = 10;

process.title = 'waxseal import';
process.umask(0o077);
const own = process;
assert(own.send !== undefined, 'the process of an import is started by the control process only');
try {
  setPriority(NICE);
} catch {
  // A system that does not allow it: the import is the same.
}
own.once('message', (request: ImportRequest) => {
  void run(request).then((reply) => own.send?.(reply, undefined, undefined, () => own.exit()));
});
own.on('disconnect', () => own.exit());
// What is meant for the server is not for this process: its parent says when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) own.on(signal, () => {});

async function run(request: ImportRequest): Promise<ImportReply> {
  try {
    const text = latin1(readFileSync(TEXT_FILE));
    return await makeImport(request, openReader(request.storeDir), { text, nodes: NODE_FILE });
  } catch (error) {
    return replyTo(error, request.storeDir);
  }
}

function replyTo(error: unknown, dir: string): ImportReply {
  if (isOutOfSpace(error)) return rejected(fullFailure(dir, 'what is to be written does not fit', error).problem);
  if (error instanceof StoreFailure) return rejected(error.problem);
  // A fault of ours.
  return { kind: 'failed', why: messageOf(error) };
}

function rejected(problem: Problem): ImportReply {
  return { kind: 'rejected', problems: [problem] };
}
