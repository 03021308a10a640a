/** Places of transfers: all, those of one address, and records in memory. */
import { expect, test } from 'vitest';
import { TransferPlaces } from '#control/secondary/places.ts';

/** Work that ends when the test says so. */
function work() {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { promise, end: () => resolve(undefined) };
}

test('who finds no place waits; another address with a free place goes first', async () => {
  const places = new TransferPlaces(2, 1, 100);
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
  const places = new TransferPlaces(4, 4, 10);
  await places.use('a', async (reserve) => {
    expect([reserve(6), reserve(5), reserve(4)]).toEqual([true, false, true]);
    await places.use('b', (other) => Promise.resolve(expect(other(1)).toBe(false)));
  });
  await expect(places.use('a', (reserve) => Promise.reject(new Error(String(reserve(10)))))).rejects.toThrow('true');
  expect(await places.use('a', (reserve) => Promise.resolve(reserve(10)))).toBe(true);
});
