/** Places of transfers: all, those of one address, and records in memory. */
import { expect, test } from 'vitest';
import { TransferPlaces } from '#control/secondary/places.ts';

const LIMITS = { max: 4, perAddressMax: 4, own: 2, shared: 10, keptMs: 100 };

/** Work that ends when the test says so. */
function work() {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { promise, end: () => resolve(undefined) };
}

test('who finds no place waits; another address with a free place goes first', async () => {
  const places = new TransferPlaces({ ...LIMITS, max: 2, perAddressMax: 1 }, () => 0);
  const [one, two] = [work(), work()];
  const begun: string[] = [];
  const use = (address: string, name: string, until: Promise<unknown>) =>
    places.use(address, async () => {
      begun.push(name);
      await until;
    });
  const all = [
    use('a', 'a1', one.promise),
    use('a', 'a2', Promise.resolve()),
    use('b', 'b1', two.promise),
    use('c', 'c1', Promise.resolve()),
  ];
  await Promise.resolve();
  expect([begun, places.count]).toEqual([['a1', 'b1'], 2]);
  two.end();
  await all[3];
  expect(begun).toEqual(['a1', 'b1', 'c1']);
  one.end();
  await Promise.all(all);
  expect([begun.at(-1), places.count]).toEqual(['a2', 0]);
});

test('memory is taken until the place is left, also by work that fails', async () => {
  const places = new TransferPlaces({ ...LIMITS, own: 0 }, () => 0);
  await places.use('a', async ({ reserve }) => {
    expect([reserve(6), reserve(5), reserve(4)]).toEqual(['taken', 'too-many', 'taken']);
    await places.use('b', ({ reserve: other }) => Promise.resolve(expect(other(1)).toBe('busy')));
  });
  await expect(places.use('a', ({ reserve }) => Promise.reject(new Error(reserve(10))))).rejects.toThrow('taken');
  expect(await places.use('a', ({ reserve }) => Promise.resolve(reserve(10)))).toBe('taken');
});

test('a small zone has memory beside one that has taken all that is shared, and does not end it', async () => {
  const places = new TransferPlaces(LIMITS, () => 0);
  await places.use('slow', async (slow) => {
    expect([slow.reserve(12), slow.reserve(1)]).toEqual(['taken', 'too-many']);
    await places.use('b', ({ reserve }) => Promise.resolve(expect([reserve(2), reserve(1)]).toEqual(['taken', 'busy'])));
    expect(slow.signal.aborted).toBe(false);
  });
});

test('who has had of it for long gives it up to another that needs it, the longest first, and to no one else', async () => {
  let nowMs = 0;
  const places = new TransferPlaces(LIMITS, () => nowMs);
  await places.use('first', async (first) => {
    first.reserve(8);
    nowMs = 50;
    await places.use('second', async (second) => {
      second.reserve(6);
      nowMs = 100;
      await places.use('third', ({ reserve }) => {
        // Six of the first are enough; what the second has it keeps.
        expect([reserve(8), first.signal.aborted, second.signal.aborted]).toEqual(['taken', true, false]);
        expect(reserve(2)).toBe('busy');
        return Promise.resolve();
      });
    });
  });
});

test('what is larger than everything that is shared is refused, and takes nothing from others', async () => {
  let nowMs = 0;
  const places = new TransferPlaces(LIMITS, () => nowMs);
  await places.use('first', async (first) => {
    first.reserve(12);
    nowMs = 1_000;
    await places.use('second', ({ reserve }) => Promise.resolve(expect(reserve(13)).toBe('too-many')));
    expect(first.signal.aborted).toBe(false);
  });
});

test('whose zone has come keeps its memory, however long it is made ready', async () => {
  let nowMs = 0;
  const places = new TransferPlaces(LIMITS, () => nowMs);
  await places.use('come', async (come) => {
    expect([come.reserve(2 + 6)]).toEqual(['taken']);
    come.keep();
    nowMs = 1_000_000;
    await places.use('other', async (other) => {
      // Four of the ten that are shared are left.
      expect([other.reserve(2 + 5), come.signal.aborted]).toEqual(['busy', false]);
      expect(other.reserve(2 + 4)).toBe('taken');
      nowMs += LIMITS.keptMs;
      await places.use('third', ({ reserve }) => {
        // That of the other is enough for four; what has come is never taken.
        expect([reserve(2 + 4), come.signal.aborted, other.signal.aborted]).toEqual(['taken', false, true]);
        expect([reserve(1), come.signal.aborted]).toEqual(['busy', false]);
        return Promise.resolve();
      });
    });
    expect(come.signal.aborted).toBe(false);
  });
  // It is given back with the place.
  expect(await places.use('later', ({ reserve }) => Promise.resolve(reserve(2 + 10)))).toBe('taken');
});

test('whose zone has not come yet is not spared by another that has', async () => {
  let nowMs = 0;
  const places = new TransferPlaces(LIMITS, () => nowMs);
  await places.use('slow', async (slow) => {
    slow.reserve(2 + 4);
    await places.use('come', async (come) => {
      come.reserve(2 + 4);
      come.keep();
      nowMs = LIMITS.keptMs;
      await places.use('third', ({ reserve }) => {
        expect([reserve(2 + 6), slow.signal.aborted, come.signal.aborted]).toEqual(['taken', true, false]);
        return Promise.resolve();
      });
    });
  });
});
