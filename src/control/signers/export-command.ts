/**
 * The command after an export: a program and its arguments, no shell, nothing of our environment but PATH, a bounded time, a bounded
 * output. Its whole process group goes when the time is over.
 */
import { spawn } from 'node:child_process';
import { SIGNER_COMMAND_MS_MAX, SIGNER_COMMAND_OUTPUT_BYTES_MAX } from '#base/limits/signers.ts';

/** Undefined when it ended with 0; else how it ended, and the last of what it said. `signal` ends it early. */
export function runAfterExport(
  command: readonly string[],
  folder: string,
  signal: AbortSignal,
  timeoutMs = SIGNER_COMMAND_MS_MAX,
): Promise<string | undefined> {
  const [program, ...words] = command;
  if (program === undefined) return Promise.resolve(undefined);
  if (signal.aborted) return Promise.resolve(`${program} was not run: the server stops`);
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd: folder,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
      detached: true,
    });
    let said = '';
    const listen = (text: string) => (said = (said + text).slice(-SIGNER_COMMAND_OUTPUT_BYTES_MAX));
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('latin1').on('data', listen);
    let killed: string | undefined;
    const kill = (why: string) => {
      killed ??= why;
      killGroup(child.pid);
    };
    const stop = () => kill('was killed: the server stops');
    signal.addEventListener('abort', stop, { once: true });
    const timer = setTimeout(() => kill(`did not end within ${timeoutMs} ms and was killed`), timeoutMs);
    const end = (how: string | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      const last = said.trim().replaceAll(/[^\x20-\x7e]+/g, ' ');
      resolve(how === undefined || last === '' ? how : `${how}: ${last}`);
    };
    child.once('error', (error) => end(`${program} cannot be run (${error.message})`));
    // Not "close": what it started may continue, and hold its output open.
    child.once('exit', (code, by) => {
      child.stdout.destroy();
      child.stderr.destroy();
      if (killed !== undefined) end(`${program} ${killed}`);
      else if (code === 0) end(undefined);
      else end(`${program} ended with ${by ?? `exit code ${code}`}`);
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
