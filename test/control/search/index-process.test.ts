/** The index in a process of its own: started, asked, killed, unused, gone; searches are answered by it or without it, never wrongly. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLog } from '#base/log.ts';
import type { IndexAnswer, IndexQuestion } from '#control/api/search.ts';
import { SearchIndex, type SearchIndexOptions } from '#control/search/index-process.ts';
import { formatName, nameOf, nameOfKey } from '#dns/name.ts';
import { temporaryControl } from '../../support/temporary-control.ts';
import { listeningPorts } from '../../support/process-facts.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const QUESTION: IndexQuestion = { parts: ['\u0002192.0.2.7\u0003'], zones: 'all' };
const WAIT = { timeout: 60_000, interval: 50 };

async function started(options: SearchIndexOptions = {}) {
  const made = temporaryControl();
  const lines = Array.from({ length: 300 }, (_, at) => `h${at} 60 A 192.0.2.${at % 250}`);
  await made.load('a.test.', ['@ 60 SOA ns h 1 2 3 4 5', '@ 60 NS ns.example.net.', ...lines].join('\n'), {
    dnssec: false,
  });
  const restartTimes = { firstMs: 1, longestMs: 1, settledMs: 1 };
  const index = new SearchIndex(made.writer, { namesMin: 10, waitMs: 30_000, restartTimes, ...options });
  const logged: string[] = [];
  index.start(
    createLog({
      level: 'debug',
      to: { write: (line: string) => void logged.push((JSON.parse(line) as { event: string }).event) },
    }),
  );
  onTestFinished(() => index.stop());
  const value = (name: string) =>
    index.families().find((family) => family.name === `waxseal_search_index_${name}`)!.samples[0]!.value;
  return { ...made, index, logged, value };
}

const names = (answer: IndexAnswer | undefined) =>
  answer?.steps.map(({ ownerKey, isWhole }) => (isWhole ? 'whole zone' : formatName(nameOfKey(ownerKey))));

/** Until it answers with names: at first all zones are told whole. */
const whenMade = (index: SearchIndex) =>
  vi.waitFor(async () => expect(names(await index.find(QUESTION))).toEqual(['h257.a.test.', 'h7.a.test.']), WAIT);

test('it starts with the first search, and follows changes, of ALIAS records too', async () => {
  const made = await started();
  const { index, value, logged } = made;
  expect(value('running')).toBe(0);
  await whenMade(index);
  await vi.waitFor(
    () => expect([value('running'), value('changed_names'), value('missing_names')]).toEqual([1, 301, 0]),
    WAIT,
  );
  const set = (type: string, record: string) =>
    made.run({
      kind: 'rrsets.change',
      zone: nameOf('a.test.'),
      operations: [{ op: 'set', name: 'new', type, ttl: 60, records: [record] }],
    });
  await set('A', '192.0.2.77');
  expect(names(await index.find({ ...QUESTION, parts: ['192.0.2.77'] }))).toContain('new.a.test.');
  await made.run({
    kind: 'rrsets.change',
    zone: nameOf('a.test.'),
    operations: [{ op: 'delete', name: 'new', type: 'A' }],
  });
  expect(names(await index.find({ ...QUESTION, parts: ['192.0.2.77'] }))).not.toContain('new.a.test.');
  expect(await set('ALIAS', 'host.elsewhere.test.')).toMatchObject({ ok: true });
  expect(names(await index.find({ ...QUESTION, parts: ['host.elsewhere'] }))).toEqual(['new.a.test.']);
  expect(logged).toEqual(['search.index-started']);
});

test('killed, also while it answers, it costs an answer, and is made again', async () => {
  const { index, logged, writer } = await started();
  await whenMade(index);
  for (let round = 0; round < 2; round++) {
    const pids = () =>
      writer
        .snapshots()
        .map(({ pid }) => pid)
        .filter((pid) => pid !== process.pid);
    const asked = index.find(QUESTION);
    for (const pid of pids()) process.kill(pid, 'SIGKILL');
    expect([undefined, 2]).toContain(names(await asked)?.length);
    await vi.waitFor(
      () => expect(logged.filter((event) => event === 'search.index-ended')).toHaveLength(round + 1),
      WAIT,
    );
    writer.dropDeadReaders();
    await whenMade(index);
  }
});

test('a process that does not answer is not waited for, and one that ends at once is not started for each search', async () => {
  const script = (text: string) => {
    const file = join(temporaryFolder(), 'script.mjs');
    writeFileSync(file, text);
    return pathToFileURL(file);
  };
  const mute = await started({ script: script('process.on("message", () => {})'), waitMs: 20 });
  expect(await mute.index.find(QUESTION)).toBeUndefined();
  const dying = await started({
    script: script('process.exit(3)'),
    restartTimes: { firstMs: 60_000, longestMs: 60_000, settledMs: 600_000 },
  });
  expect(await dying.index.find(QUESTION)).toBeUndefined();
  expect(await dying.index.find(QUESTION)).toBeUndefined();
  expect(dying.logged).toEqual(['search.index-started', 'search.index-ended']);
});

test('there is none for few names, before the server works and after it stops; one that is not used ends', async () => {
  const few = await started({ namesMin: 1000 });
  expect(await few.index.find(QUESTION)).toBeUndefined();
  expect([few.logged, few.value('running')]).toEqual([[], 0]);
  const unused = await started({ idleMs: 300 });
  await unused.index.find(QUESTION);
  await vi.waitFor(() => expect(unused.logged).toEqual(['search.index-started', 'search.index-unused']), WAIT);
  expect(unused.value('running')).toBe(0);
  await unused.index.stop();
  expect(await unused.index.find(QUESTION)).toBeUndefined();
});

test('SECURITY.md: USR1 opens no debugger in it, and it answers on', async () => {
  const { index } = await started();
  await whenMade(index);
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1').trim().split(' ');
  const pid = children.find((each) => readFileSync(`/proc/${each}/cmdline`, 'latin1').startsWith('waxseal search'));
  expect(pid).toBeDefined();
  process.kill(Number(pid), 'SIGUSR1');
  for (let each = 0; each < 5; each++)
    expect(names(await index.find(QUESTION))).toEqual(['h257.a.test.', 'h7.a.test.']);
  expect(listeningPorts(Number(pid))).toEqual([]);
});

test('it ends with its parent, however that ends', async () => {
  const { dir } = await started();
  const child = fork(new URL('../../../src/control/search/index-child.ts', import.meta.url), [dir], {
    execArgv: [],
    env: {},
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  // What a parent that is killed leaves is a channel that is closed.
  child.kill('SIGTERM');
  await sleep(50);
  expect(child.exitCode).toBeNull();
  const ended = once(child, 'exit');
  child.disconnect();
  expect(await ended).toEqual([0, null]);
});
