/**
 * What the control process has done in signers' folders by a process of its own: a file system may hang, and then the
 * process that asks it hangs too. Types of what goes back and forth, and the doing itself.
 * Not here: the two ends (folder-processes.ts, folder-child.ts).
 */
import { accessSync, constants } from 'node:fs';
import { runAfterExport } from './export-command.ts';
import {
  type FilesInPlace,
  type FolderOwner,
  FolderRefusal,
  type NewFiles,
  type OtherFolder,
  finishFiles,
  inspectFolder,
  lookAtFiles,
  placeFiles,
  prepareFolder,
} from './export-folder.ts';

/** A job with what it is given. All of it is JSON. */
export type FolderRequest =
  /** `isDryRun`: look only. Returns `realFolder` unless it is one. */
  | {
      readonly kind: 'prepare';
      readonly owner: FolderOwner;
      readonly others: readonly OtherFolder[];
      readonly command: readonly string[];
      readonly isDryRun: boolean;
    }
  /** Returns `inPlace` where there is something. */
  | { readonly kind: 'look'; readonly owner: FolderOwner }
  /** Returns `version`. */
  | { readonly kind: 'place'; readonly owner: FolderOwner; readonly fresh: NewFiles }
  /** Returns `failure` when the command failed. */
  | { readonly kind: 'command'; readonly folder: string; readonly command: readonly string[] }
  | { readonly kind: 'finish'; readonly owner: FolderOwner; readonly version: string };

/** What jobs return. */
export interface FolderResult {
  /** The folder's path without links. */
  readonly realFolder?: string;
  readonly inPlace?: FilesInPlace;
  readonly version?: string;
  readonly failure?: string;
}

/** The other end stops: what runs ends. */
export interface FolderStop {
  readonly kind: 'stop';
}

export type FolderReply =
  | { readonly kind: 'returned'; readonly result: FolderResult }
  | { readonly kind: 'refused'; readonly message: string; readonly fix: string; readonly isTaken: boolean }
  | { readonly kind: 'failed'; readonly message: string };

/** Where jobs are done. */
export interface FolderWork {
  /** Does the job after those given before. Rejects with FolderRefusal, or an Error that has the system's words. */
  run(request: FolderRequest): Promise<FolderResult>;
  /** No job is done any more. */
  stop(): void;
}

/** What the job returned. Throws what it threw. */
export function resultOf(reply: FolderReply): FolderResult {
  if (reply.kind === 'refused') throw new FolderRefusal(reply.message, reply.fix, reply.isTaken);
  if (reply.kind === 'failed') throw new Error(reply.message);
  return reply.result;
}

/** Does the job. Never rejects. */
export async function doFolderJob(request: FolderRequest, signal: AbortSignal): Promise<FolderReply> {
  try {
    return { kind: 'returned', result: await done(request, signal) };
  } catch (error) {
    if (error instanceof FolderRefusal) {
      const { message, fix, isTaken } = error;
      return { kind: 'refused', message, fix, isTaken };
    }
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

async function done(request: FolderRequest, signal: AbortSignal): Promise<FolderResult> {
  switch (request.kind) {
    case 'prepare': {
      const { owner, others, command, isDryRun } = request;
      checkProgram(command);
      if (!isDryRun) return { realFolder: prepareFolder(owner, others) };
      inspectFolder(owner, others);
      return {};
    }
    case 'look': {
      const inPlace = lookAtFiles(request.owner);
      return inPlace === undefined ? {} : { inPlace };
    }
    case 'place':
      return { version: placeFiles(request.owner, request.fresh) };
    case 'command': {
      const failure = await runAfterExport(request.command, request.folder, signal);
      return failure === undefined ? {} : { failure };
    }
    case 'finish':
      finishFiles(request.owner, request.version);
      return {};
  }
}

function checkProgram([program]: readonly string[]): void {
  if (program === undefined) return;
  try {
    accessSync(program, constants.X_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FolderRefusal(`the command ${program} cannot be run: ${why}`, 'name a program with its whole path');
  }
}
