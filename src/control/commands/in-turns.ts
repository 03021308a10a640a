/** Work in steps, between which everything else has its turn. */
import { setImmediate as turn } from 'node:timers/promises';

export async function inTurns<T>(steps: Generator<undefined, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await turn();
  }
}
