/** Answers of the index: bounded, continued where they ended, and within what is asked. */
import { expect, test } from 'vitest';
import { SEARCH_INDEX_LOOK_NAMES, SEARCH_STEPS_MAX } from '#base/limits/search.ts';
import type { IndexQuestion } from '#control/api/search.ts';
import { ContentIndex } from '#control/search/content-index.ts';
import { Finder } from '#control/search/find.ts';
import { formatName, nameOf, nameOfKey, ownerKey } from '#dns/name.ts';
import { openReader } from '#store/reader.ts';
import { temporaryControl } from '../../support/temporary-control.ts';

const lines = (names: number, address: (at: number) => string) =>
  [
    '@ 60 SOA ns h 1 2 3 4 5',
    '@ 60 NS ns.example.net.',
    ...Array.from({ length: names }, (_, at) => `h${at} 60 A ${address(at)}`),
  ].join('\n');

async function indexed(zones: Readonly<Record<string, string>>, dnssec = false) {
  const made = temporaryControl();
  for (const [zone, text] of Object.entries(zones)) await made.load(zone, text, { dnssec });
  const index = new ContentIndex(openReader(made.dir));
  const finder = new Finder(index);
  while (index.work(() => false));
  const all = (question: Omit<IndexQuestion, 'from'>) => {
    const answers = [finder.find(question)];
    for (let next = answers[0]!.next; next !== undefined; next = answers.at(-1)!.next)
      answers.push(finder.find({ ...question, from: next }));
    return answers;
  };
  return { ...made, index, finder, all };
}

test('many names come in answers of some, each once, in order', async () => {
  const { all } = await indexed({ 'big.test.': lines(1500, () => '192.0.2.1') });
  const answers = all({ parts: ['192.0.2.1'], zones: 'all' });
  const names = answers.flatMap(({ steps }) => steps.map(({ ownerKey: key }) => key));
  expect(names).toHaveLength(1500);
  expect(names).toEqual([...new Set(names)].toSorted());
  for (const { steps, looked } of answers) {
    expect(steps.length).toBeLessThan(2 * SEARCH_STEPS_MAX);
    expect(looked).toBeLessThanOrEqual(SEARCH_INDEX_LOOK_NAMES);
  }
});

test('what no name has is not looked for; names without what is wanted are looked at, so many in one answer at most', async () => {
  const { all } = await indexed({ 'big.test.': lines(5000, (at) => `10.2.${at >> 8}.${at & 255}`) }, true);
  const answers = all({ parts: ['zzz'], zones: 'all' });
  expect(answers).toEqual([{ steps: [], looked: 0 }]);
  for (const manager of ['mail', 'none'])
    expect(all({ parts: [], manager, zones: 'all' })).toEqual([{ steps: [], looked: 0 }]);
  // Each name has an address, and an NSEC of this manager.
  const types = all({ parts: [], type: 1, manager: 'dnssec', zones: 'all' });
  expect(types.flatMap(({ steps }) => steps)).toEqual([]);
  expect(types.length).toBeGreaterThan(2);
  for (const { looked } of types) expect(looked).toBeLessThanOrEqual(SEARCH_INDEX_LOOK_NAMES);
});

test('only at or below a name', async () => {
  const { all } = await indexed({ 'a.test.': lines(5, () => '192.0.2.1'), 'b.test.': lines(5, () => '192.0.2.1') });
  const below = (name: string) =>
    all({ parts: ['192.0.2.1'], zones: 'all', below: ownerKey(nameOf(name)) }).flatMap(({ steps }) =>
      steps.map(({ ownerKey: key }) => formatName(nameOfKey(key))),
    );
  expect(below('h3.b.test.')).toEqual(['h3.b.test.']);
  expect(below('b.test.')).toHaveLength(5);
  expect(below('test.')).toHaveLength(10);
  expect(below('c.test.')).toEqual([]);
});

test('of a sender with some zones, small ones are told whole and not looked up among those of others', async () => {
  const made = await indexed({ 'mine.test.': lines(3, () => '192.0.2.1'), 'other.test.': lines(3, () => '192.0.2.1') });
  const { id } = made.control.zones.find(nameOf('mine.test.'))!;
  const zoneKey = ownerKey(nameOf('mine.test.'));
  for (const parts of [['192.0.2.1'], ['no such text']])
    expect(made.finder.find({ parts, zones: [id] })).toEqual({
      steps: [{ zoneKey, ownerKey: zoneKey, isWhole: true }],
      looked: 0,
    });
});

test('a result that is kept does not outlive a change', async () => {
  const made = await indexed({ 'a.test.': lines(3, () => '192.0.2.1') });
  const { finder, index } = made;
  const question = { parts: ['192.0.2.9'], zones: 'all' } as const;
  expect(finder.find(question).steps).toEqual([]);
  await made.run({
    kind: 'rrsets.change',
    zone: nameOf('a.test.'),
    operations: [{ op: 'set', name: 'h1', type: 'A', ttl: 60, records: ['192.0.2.9'] }],
  });
  index.follow();
  expect(finder.find(question).steps).toHaveLength(1);
  while (index.work(() => false));
  expect(finder.find(question).steps).toHaveLength(1);
});
