/**
 * Entry of the process of an import: one import, then it ends. What it reads is file 4, the names go to file 5;
 * neither has a name on the disk any more, so nothing is left behind however it ends.
 * Not here: what is done (job.ts), how long it may take (import-process.ts).
 */
import { readSync } from 'node:fs';
import { assert } from '#base/assert.ts';
import { serveChildJob } from '#base/ipc/child-job.ts';
import { type Problem } from '#base/problem.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { fullFailure, isOutOfSpace } from '#store/free-space.ts';
import { openReader } from '#store/reader.ts';
import { type ImportReply, makeImport } from './job.ts';
import { type ImportRequest } from './work.ts';
import { type ImportStep } from './progress.ts';

const INPUT_FILE = 4;
const NODE_FILE = 5;

serveChildJob('waxseal import', run);

async function run(request: ImportRequest, tell: (step: ImportStep) => void): Promise<ImportReply> {
  try {
    const readInput = () => readWhole(INPUT_FILE, request.inputBytes);
    return await makeImport(request, openReader(request.storeDir), { readInput, nodes: NODE_FILE, tell });
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

/** The first octets of a file, wherever its reading position is: that is its parent's too. */
function readWhole(file: number, bytes: number): Buffer {
  const octets = Buffer.allocUnsafeSlow(bytes);
  for (let at = 0; at < bytes;) {
    const read = readSync(file, octets, at, bytes - at, at);
    assert(read > 0, 'what an import reads ends early');
    at += read;
  }
  return octets;
}
