/** An import made ready in this process, on a reader of its own, as the process of an import does. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImportInput, type RunImport } from '#control/import/import-process.ts';
import { makeImport } from '#control/import/job.ts';
import { type ImportRequest } from '#control/import/work.ts';
import { readNodes } from '#control/import/node-file.ts';
import { openReader } from '#store/reader.ts';
import { temporaryFolder } from './temporary-store.ts';

export interface ImportsHere {
  readonly runImport: RunImport;
  /** What was asked for, in order. */
  readonly requests: readonly ImportRequest[];
}

/** `before` is called with each request before it is carried out, and may take its time. */
export function importsHere(before: (request: ImportRequest, signal: AbortSignal) => unknown = () => {}): ImportsHere {
  const requests: ImportRequest[] = [];
  const runImport: RunImport = async (given, input, { signal, tell }) => {
    // As it goes from process to process.
    const request = structuredClone(given);
    requests.push(request);
    await before(request, signal);
    const file = openSync(join(temporaryFolder(), 'nodes'), 'wx+', 0o600);
    const reply = structuredClone(
      await makeImport(request, openReader(request.storeDir), {
        readInput: () => inputOf(input).subarray(0, request.inputBytes),
        nodes: file,
        tell,
      }),
    );
    const nodes = reply.kind === 'made' ? readNodes(file, reply.made.fileBytes) : [];
    return { reply, nodes, close: () => closeSync(file) };
  };
  return { runImport, requests };
}

function inputOf(input: ImportInput): Buffer {
  return 'text' in input ? Buffer.from(input.text, 'latin1') : readFileSync(`/proc/self/fd/${input.file}`);
}
