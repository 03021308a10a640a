/**
 * Assertions for what must hold: a false one is our own bug, never bad input.
 * The process that hits one dies and is restarted by its supervisor (docs/architecture.md, "three kinds of errors").
 */

/** Thrown by `assert`; nothing below the process edge may catch it. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** Throws `AssertionFailure` with `what` unless `condition` holds. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new AssertionFailure(what);
}

/** For a `default:` branch that cannot be reached: the compiler checks it, and so does the running program. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${String(value)}`);
}
