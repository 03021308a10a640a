/**
 * The programs of the supervisor's children: scripts, arguments, options of Node, variables, and through what they
 * are started.
 * Not here: starting them (supervised-child.ts), what a confined one may do (confine/roles.ts).
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder } from '#base/folder.ts';
import { type AnswerSettings } from '#base/ipc.ts';
import { siblingModule } from '#base/sibling.ts';
import { type Config } from '#config/config.ts';
import { answerEnvironment, controlEnvironment } from './child-environment.ts';
import { safeNodeOptions } from './clean-start.ts';
import { type LaunchOrder } from '#process/confine/launch-order.ts';
import { answerConfinement } from '#process/confine/roles.ts';
import { type ServeOptions } from './serve-options.ts';
import { type ChildProgram } from './supervised-child.ts';

export function childPrograms(
  options: ServeOptions,
  config: Config,
  settings: AnswerSettings,
): { readonly control: ChildProgram; readonly answer: ChildProgram } {
  // For both children and their threads: a restart is back in half the time. Control runs what stands in its own, so
  // the answer process must not write there.
  const cache = process.env['NODE_COMPILE_CACHE'] ?? join(config.data, 'compile-cache');
  const nodeOptions = safeNodeOptions(process.execArgv);
  return {
    control: {
      script: siblingModule(import.meta.url, 'control-process'),
      args: [JSON.stringify(options)],
      nodeOptions,
      environment: controlEnvironment({ ...process.env, NODE_COMPILE_CACHE: cache }),
    },
    answer: answerProgram(config, settings, nodeOptions, join(cache, 'answer')),
  };
}

function answerProgram(
  { log, process: { confine } }: Config,
  settings: AnswerSettings,
  nodeOptions: readonly string[],
  cache: string,
): ChildProgram {
  const entry = siblingModule(import.meta.url, 'answer-process');
  // Not of the launcher, which has rights that the answer process has not: it runs no code that others may have
  // written.
  const { NODE_COMPILE_CACHE: _, ...environment } = answerEnvironment(process.env);
  if (process.platform !== 'linux') return { script: entry, args: [log.format], nodeOptions, environment };
  prepareFiles(settings, cache);
  const order: LaunchOrder = {
    role: 'answer',
    entry: fileURLToPath(entry),
    args: [log.format],
    nodeOptions,
    environment: { NODE_COMPILE_CACHE: cache },
    log: log.format,
    confine,
    confinement: answerConfinement({ settings, compileCache: cache, coverage: environment['NODE_V8_COVERAGE'] }),
  };
  const script = siblingModule(import.meta.url, 'confine/launch');
  return { script, args: [JSON.stringify(order)], nodeOptions, environment };
}

/**
 * What a confined process may open has to be there when it starts: LMDB's lock file, in which an empty one is as good
 * as none, and the folders. Where they cannot be made, the control process says why.
 */
function prepareFiles({ storeDir }: AnswerSettings, cache: string): void {
  try {
    makeFolder(storeDir);
    closeSync(openSync(join(storeDir, 'lock.mdb'), 'a', 0o600));
    makeFolder(cache);
  } catch {
    // Said by the control process.
  }
}
