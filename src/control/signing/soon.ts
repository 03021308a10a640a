/**
 * A value that is there, or will be: for work that is short in nearly all cases, and must then be done without a
 * pause in which others have a turn.
 */

export type Soon<T> = T | Promise<T>;

/** `use` of the value: at once when it is there. */
export function whenThere<T, U>(value: Soon<T>, use: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then((later) => use(later)) : use(value);
}
