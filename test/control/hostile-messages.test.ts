/** What a taken answer process or policy host says, after the form was checked, against a control: no exception, no number that is none, no memory without end. */
import { assert, oneof, property } from 'fast-check';
import { expect, test } from 'vitest';
import { readIpcMessage } from '#base/ipc/form.ts';
import { SELECTOR_NAMES_MAX } from '#base/limits/process.ts';
import { SelectorQueries } from '#control/publish/selector-queries.ts';
import { HOSTILE_MESSAGES, hostileValue } from '../support/hostile-messages.ts';
import { seedOfRun } from '../support/random.ts';
import { temporaryControl } from '../support/temporary-control.ts';

test('after thousands of mutated messages every number that control shows is one, and waits end', async () => {
  const { control, publisher } = temporaryControl({ countsQueries: true });
  const waited = publisher.waitServed(Number.MAX_SAFE_INTEGER, 60_000);
  let passed = 0;
  assert(
    property(oneof(HOSTILE_MESSAGES, hostileValue()), (value) => {
      const message = readIpcMessage(value);
      if (message === undefined) return;
      passed++;
      publisher.receive(message);
      const numbers = control.metrics().flatMap(({ samples }) => samples.map((sample) => sample.value));
      expect(numbers.every((each) => Number.isFinite(each) && each >= 0)).toBe(true);
      const status = JSON.stringify(control.status());
      expect(status).not.toMatch(/null|u001b/);
    }),
    { numRuns: 3000, seed: seedOfRun('HOSTILE_SEED') },
  );
  expect(passed).toBeGreaterThan(500);
  publisher.close();
  expect(typeof (await waited)).toBe('boolean');
});

test('counts of selectors that shrink take nothing from what was counted, and a sum past 2^53 stays there', () => {
  const queries = new SelectorQueries(() => 1000);
  const report = (count: number, run = 'a') =>
    queries.receive({ kind: 'selectors', run, isFull: false, counts: { 's._domainkey.example.': count } });
  for (const [count, sum] of [
    [100, 100],
    [40, 100],
    [45, 105],
    [0, 105],
  ] as const) {
    report(count);
    expect(queries.of('s', 'example.').queries).toBe(sum);
  }
  for (const run of ['b', 'c', 'd']) report(Number.MAX_SAFE_INTEGER, run);
  expect(queries.of('s', 'example.').queries).toBe(Number.MAX_SAFE_INTEGER);
});

test('other names in each report, of one run: what is kept has an end, and nothing is said to be unasked for because of it', () => {
  let nowMs = 0;
  const queries = new SelectorQueries(() => nowMs);
  const report = (name: string, more = 0) => {
    nowMs += 1000;
    const names = Array.from({ length: more }, (_, at) => [`${name}${at}._domainkey.example.`, 1] as const);
    queries.receive({
      kind: 'selectors',
      run: 'a',
      isFull: false,
      counts: { 'kept._domainkey.example.': 5, ...Object.fromEntries(names) },
    });
  };
  report('first');
  report('second', SELECTOR_NAMES_MAX / 2);
  report('third', SELECTOR_NAMES_MAX / 2);
  report('fourth', SELECTOR_NAMES_MAX / 2);
  // The names of the first reports went: when they were asked for last is unknown, so watching begins anew.
  expect(queries.of('second1', 'example.').queries).toBe(0);
  expect(queries.of('second1', 'example.').watchedSinceMs).toBe(4000);
});
