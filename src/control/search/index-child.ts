/**
 * Entry of the process of the index: makes it from the store, follows the store, and answers, until its parent ends it.
 * It holds no key, writes nothing, and is behind everything else in its share of the processor.
 * Not here: the index (content-index.ts), the control process's side (index-process.ts).
 */
import { setPriority } from 'node:os';
import { setImmediate as pause, setTimeout as sleep } from 'node:timers/promises';
import { assert } from '#base/assert.ts';
import { SEARCH_INDEX_FOLLOW_MS, SEARCH_INDEX_SLICE_MS } from '#base/limits/search.ts';
import { openReader } from '#store/reader.ts';
import { ContentIndex } from './content-index.ts';
import { Finder } from './find.ts';
import { type IndexOrder, type IndexReply } from './index-messages.ts';

/** nice(2): what answers queries and makes changes comes first. */
const NICE = 10;

const own = process;
own.title = 'waxseal search';
own.umask(0o077);
assert(own.send !== undefined, 'the index is started by the control process only');
own.on('disconnect', () => own.exit());
// What is meant for the server is not for this process: its parent says when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) own.on(signal, () => {});
try {
  setPriority(NICE);
} catch {
  // A system that does not allow it: the index is the same.
}
const [, , storeDir = ''] = own.argv;
const index = new ContentIndex(openReader(storeDir));
const finder = new Finder(index);
own.on('message', (order) => answer(order as IndexOrder));
await work();

function answer({ id, question, aliasZones }: IndexOrder): void {
  index.follow();
  index.noteAliases(aliasZones);
  tell({ kind: 'answer', id, answer: finder.find(question) });
}

/** Slices of work, between which questions are answered. Does not return. */
async function work(): Promise<never> {
  for (let toldAtMs = -Infinity; ;) {
    index.follow();
    const nowMs = performance.now();
    const isMore = index.work(() => performance.now() >= nowMs + SEARCH_INDEX_SLICE_MS);
    if (!isMore || nowMs >= toldAtMs + SEARCH_INDEX_FOLLOW_MS) {
      tell({ kind: 'state', state: index.state() });
      toldAtMs = nowMs;
    }
    if (isMore) await pause();
    else await sleep(SEARCH_INDEX_FOLLOW_MS);
  }
}

function tell(reply: IndexReply): void {
  if (own.connected) own.send?.(reply);
}
