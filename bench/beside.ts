/** What others wait while a server has a large change: `/livez`, and changes of another zone, one after the other. */
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningServer } from '../test/support/running-server.ts';
import { quantile } from './statistics.ts';

const PAUSE_MS = 10;

/** Does `work` again and again until `isDone`; how long each took, ms. Throws when an answer is no success. */
async function timed(isDone: () => boolean, work: (round: number) => Promise<Response>): Promise<readonly number[]> {
  const times: number[] = [];
  while (!isDone()) {
    const startedMs = performance.now();
    const answer = await work(times.length);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
    times.push(performance.now() - startedMs);
    await delay(PAUSE_MS);
  }
  return times;
}

/** Two lines for people, once `work` is done. The zone `small` is there; its address of www is changed. */
export async function othersBeside(server: RunningServer, small: string, work: Promise<unknown>): Promise<string> {
  const state = { isDone: false };
  const ended = work.finally(() => (state.isDone = true));
  const isDone = (): boolean => state.isDone;
  const [lives, changes] = await Promise.all([
    timed(isDone, () => fetch(`http://127.0.0.1:${server.adminPort}/livez`)),
    timed(isDone, (round) => {
      const operations = [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [`192.0.2.${(round % 250) + 1}`] }];
      return server.api('PATCH', `/v1/zones/${small}/rrsets`, JSON.stringify(operations));
    }),
    ended,
  ]);
  const shown = (times: readonly number[], part: number): string => `${quantile(times, part).toFixed(0)} ms`;
  const line = (who: string, times: readonly number[]): string =>
    `${who}: ${times.length} times, p50 ${shown(times, 0.5)}, p99 ${shown(times, 0.99)}, longest ${shown(times, 1)}`;
  return `${line('/livez', lives)}\n${line('a change of another zone', changes)}`;
}
