/**
 * A CSK rollover in a store that exists, from the order to its end: what a test kills at a flush. The clock is the script's own, so that
 * waits take no time. Argument: the store's folder. Says on stdout, line by line, what a later process cannot know: the time, and the DS
 * records of the parent; `ended` at the end.
 */
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';

// What it is built of belongs to tests, and clears up after them.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'vitest'
      ? { url: 'data:text/javascript,export const onTestFinished = () => {};', shortCircuit: true }
      : next(specifier, context),
});
const { HOUR_MS, bench, follow, roll } = await import('../../support/dnssec-control.ts');

const room = await bench({ in: process.argv[2]! });
follow(room);
const say = (): void => {
  const ds = Object.values(room.parents)[0]!.ds.map((each) => Buffer.from(each).toString('hex'));
  writeSync(1, `${room.clock.nowMs()} ${ds.join()}\n`);
};
const tell = (): void => {
  follow(room);
  say();
};
// Whenever it wakes: a commit is never later than what was said last.
const pass = room.clock.pass.bind(room.clock);
Object.assign(room.clock, {
  pass(ms: number) {
    pass(ms);
    say();
  },
});
tell();
const ordered = await roll(room, 'csk');
if (!ordered.ok) throw new Error(ordered.problems[0]!.message);
while (room.control.dnssec.view(room.record()).rollovers.length > 0) await room.live(HOUR_MS, tell);
writeSync(1, 'ended\n');
await room.control.close();
