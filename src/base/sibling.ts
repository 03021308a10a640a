/** Entry scripts of child processes and threads, which are started by path and not imported. */

/** The module `name` beside the one whose `import.meta.url` is `from`: `.ts` when run from source, `.js` when built. */
export function siblingModule(from: string, name: string): URL {
  return new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);
}
