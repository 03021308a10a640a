/**
 * Processes that touch signers' folders, one at a time, started when there is a job and ended a while after the last: a
 * folder on a disk that hangs, or a job that never ends, costs the control process nothing but its time limit. One job
 * at a time.
 * Not here: the jobs (folder-jobs.ts).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { safeNodeOptions } from '#base/ipc/node-options.ts';
import { SIGNER_COMMAND_MS_MAX, SIGNER_FOLDER_IDLE_MS, SIGNER_FOLDER_MS_MAX, SIGNER_FOLDER_STUCK_MAX } from '#base/limits/signers.ts';
import { siblingModule } from '#base/sibling.ts';
import { type FolderReply, type FolderRequest, type FolderResult, type FolderStop, type FolderWork, resultOf } from './folder-jobs.ts';

/** The job did not end in time. What it has done until then is not known. */
export class FolderTimeout extends Error {
  override readonly name = 'FolderTimeout';
}

export interface FolderProcessesOptions {
  /** For each job but commands, which end by themselves; a test makes it short. */
  readonly timeoutMs?: number;
  /** What a test starts instead. */
  readonly script?: URL;
}

export class FolderProcesses implements FolderWork {
  readonly #timeoutMs: number;
  readonly #script: URL;
  #child: ChildProcess | undefined;
  /** Killed and not gone: the kernel holds them until the disk answers. */
  readonly #stuck = new Set<ChildProcess>();
  #running: FolderRequest | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor({ timeoutMs = SIGNER_FOLDER_MS_MAX, script }: FolderProcessesOptions = {}) {
    this.#timeoutMs = timeoutMs;
    this.#script = script ?? siblingModule(import.meta.url, 'folder-child');
  }

  /** Rejects with FolderTimeout too. */
  run(request: FolderRequest): Promise<FolderResult> {
    clearTimeout(this.#idle);
    this.#waiting++;
    const result = this.#tail
      .then(() => this.#do(request))
      .finally(() => {
        if (--this.#waiting === 0) this.#idle = setTimeout(() => this.#rest(), SIGNER_FOLDER_IDLE_MS).unref();
      });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #do(request: FolderRequest): Promise<FolderResult> {
    if (this.#stopped) throw new Error('the server stops');
    if (this.#stuck.size >= SIGNER_FOLDER_STUCK_MAX)
      throw new FolderTimeout(`${this.#stuck.size} earlier tries still wait for their disks`);
    this.#running = request;
    try {
      const reply = await this.#ask(request, this.#timeoutMs + (request.kind === 'command' ? SIGNER_COMMAND_MS_MAX : 0));
      return resultOf(reply);
    } finally {
      this.#running = undefined;
    }
  }

  /**
   * No job is done any more. A command that runs is killed with all that it started; what was half written is finished
   * at the next start.
   */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#idle);
    if (this.#child === undefined) return;
    if (this.#running === undefined) return this.#rest();
    if (this.#running.kind === 'command') this.#child.send({ kind: 'stop' } satisfies FolderStop, () => undefined);
    else this.#kill(this.#child);
  }

  /** The process ends by itself when nothing is to come any more. */
  #rest(): void {
    this.#child?.disconnect();
    this.#child = undefined;
  }

  #ask(request: FolderRequest, limitMs: number): Promise<FolderReply> {
    const child = (this.#child ??= this.#start());
    const { promise, resolve, reject } = Promise.withResolvers<FolderReply>();
    const timer = setTimeout(() => {
      this.#kill(child);
      reject(new FolderTimeout(`it did not end within ${limitMs / 1000} s`));
    }, limitMs);
    const ended = () => reject(new Error('the process for signer files has ended'));
    child.once('message', resolve).once('exit', ended).once('error', reject);
    child.send(request, (error) => error !== null && reject(error));
    return promise.finally(() => {
      clearTimeout(timer);
      child.off('message', resolve).off('exit', ended).off('error', reject);
    });
  }

  #start(): ChildProcess {
    const child = fork(this.#script, [], {
      execArgv: safeNodeOptions(),
      env: {},
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.once('exit', () => {
      this.#stuck.delete(child);
      if (this.#child === child) this.#child = undefined;
    });
    // Where it cannot be started there is no exit.
    child.on('error', () => {
      if (child.pid === undefined && this.#child === child) this.#child = undefined;
    });
    return child;
  }

  #kill(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
    if (child.exitCode === null && child.signalCode === null) this.#stuck.add(child);
    child.kill('SIGKILL');
    if (child.connected) child.disconnect();
    child.unref();
  }
}
