/**
 * Entry of the process of an import: one import, then it ends. Its text is file 4, the names go to file 5; neither has
 * a name on the disk any more, so nothing is left behind however it ends.
 * Not here: what is done (job.ts), how long it may take (import-process.ts).
 */
import { readFileSync } from 'node:fs';
import { latin1 } from '#base/bytes.ts';
import { serveChildJob } from '#base/ipc/child-job.ts';
import { type Problem } from '#base/problem.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { fullFailure, isOutOfSpace } from '#store/free-space.ts';
import { openReader } from '#store/reader.ts';
import { type ImportReply, type ImportRequest, makeImport } from './job.ts';
import { type ImportStep } from './progress.ts';

const TEXT_FILE = 4;
const NODE_FILE = 5;

serveChildJob('waxseal import', run);

async function run(request: ImportRequest, tell: (step: ImportStep) => void): Promise<ImportReply> {
  try {
    const readText = () => latin1(readFileSync(TEXT_FILE));
    return await makeImport(request, openReader(request.storeDir), { readText, nodes: NODE_FILE, tell });
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
