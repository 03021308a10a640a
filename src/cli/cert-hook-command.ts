/** Runs the command of `--then` by the shell, in the hook's own environment. What it says goes to the error stream. */
import { spawn } from 'node:child_process';
import { EXIT_INTERRUPTED } from '#base/exit.ts';
import { failure, reasonOf } from './failure.ts';
import { type Terminal } from './terminal.ts';

/** Resolves when it has succeeded; throws a CommandFailure that says that the key was not reported. */
export async function runCommand(command: string, { environment, workingDirectory }: Terminal): Promise<void> {
  const ended = await new Promise<string | undefined>((resolve) => {
    // Standard output is for our result: a program that reads it as JSON must not meet another text.
    const stdio: ['ignore', number, number] = ['ignore', 2, 2];
    const child = spawn('/bin/sh', ['-c', command], { cwd: workingDirectory, env: environment, stdio });
    child.once('error', (error) => resolve(reasonOf(error)));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `it ended with ${signal ?? codeText(code)}`));
  });
  if (ended === undefined) return;
  const fix = 'the key is not reported in use; when the command can succeed, run this again';
  throw failure('CLI_COMMAND', `${command}: ${ended}`, fix);
}

function codeText(code: number | null): string {
  return code === EXIT_INTERRUPTED ? 'an interruption' : `exit code ${code}`;
}
