/**
 * An import in a process of its own: however large it is, this one answers others meanwhile, and the memory that it
 * took is the system's again when it ends.
 * Not here: what the process does (job.ts).
 */
import { closeSync, write } from 'node:fs';
import { totalmem } from 'node:os';
import { promisify } from 'node:util';
import { IMPORT_FILE_CHUNK_BYTES, IMPORT_MEMORY_SHARE, IMPORT_MS_MAX } from '#base/limits/changes.ts';
import { runChildJob } from '#base/ipc/child-job.ts';
import { unnamedFile } from '#base/folder.ts';
import { siblingModule } from '#base/sibling.ts';
import { type NodeWrite } from '#store/writer.ts';
import { type ImportReply } from './job.ts';
import { type ImportRequest } from './work.ts';
import { readNodes } from './node-file.ts';
import { type ImportStep } from './progress.ts';

export interface ImportDone {
  readonly reply: Exclude<ImportReply, { kind: 'failed' }>;
  /** The names that are to be written; empty when it was rejected. Good until `close`. */
  readonly nodes: Iterable<NodeWrite>;
  readonly close: () => void;
}

/** What is read: the text of a zone file, latin1, or a file that is there and open. */
export type ImportInput = { readonly text: string } | { readonly file: number };

/** Does an import; a test gives its own. Rejects when the process ends without a word, takes too long or is stopped. */
export type RunImport = (
  request: ImportRequest,
  input: ImportInput,
  way: { readonly signal: AbortSignal; readonly tell: (step: ImportStep) => void },
) => Promise<ImportDone>;

/** In a process of its own. Its files have no name: they go with the two processes. */
export const runImportProcess: RunImport = async (request, input, way) => {
  const files: number[] = [];
  const close = (): void => {
    for (const file of files.splice(0)) closeSync(file);
  };
  try {
    const open = (what: string): number => {
      const file = unnamedFile(request.storeDir, `import-${what}`);
      files.push(file);
      return file;
    };
    const nodeFile = open('nodes');
    const inputFile = 'file' in input ? input.file : open('text');
    if ('text' in input) await writeText(inputFile, input.text);
    const reply = await inProcess(request, [inputFile, nodeFile], way);
    if (reply.kind === 'failed') throw new Error(reply.why);
    const nodes = reply.kind === 'made' ? readNodes(nodeFile, reply.made.fileBytes) : [];
    return { reply, nodes, close };
  } catch (error) {
    close();
    throw error;
  }
};

function inProcess(
  request: ImportRequest,
  files: readonly number[],
  { signal, tell }: Parameters<RunImport>[2],
): Promise<ImportReply> {
  return runChildJob(siblingModule(import.meta.url, 'import-child'), request, {
    limitMs: IMPORT_MS_MAX,
    signal,
    stopped: 'it was stopped',
    files,
    onNote: (note) => tell(note as ImportStep),
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${heapMebibytes()}`],
  });
}

/** The heap that the process may have: without the option, Node gives it 4 GiB at most, however large the machine. */
function heapMebibytes(): number {
  const allowed = process.constrainedMemory();
  const memory = allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
  return Math.floor((memory * IMPORT_MEMORY_SHARE) / (1024 * 1024));
}

const writeTo = promisify(write);

/** In pieces, so that others have turns between them. */
async function writeText(file: number, text: string): Promise<void> {
  for (let at = 0; at < text.length; at += IMPORT_FILE_CHUNK_BYTES) {
    const piece = Buffer.from(text.slice(at, at + IMPORT_FILE_CHUNK_BYTES), 'latin1');
    for (let from = 0; from < piece.length;)
      from += (await writeTo(file, piece, from, piece.length - from, at + from)).bytesWritten;
  }
}
