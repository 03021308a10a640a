/** Entry scripts of child processes and threads, which are started by path and not imported. */

/** The module `name` beside the one whose `import.meta.url` is `from`: `.ts` when run from source, `.js` when built. */
export function siblingModule(from: string, name: string): URL {
  return new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);
}

/**
 * First argument of the process that loads programs so that their compiled code is kept
 * (process/fill-compile-cache.ts).
 */
export const LOAD_ONLY = 'load-only';

/** In such a process. A program's first file asks before it does anything. */
export function isLoadedOnly(): boolean {
  return process.argv[2] === LOAD_ONLY;
}
