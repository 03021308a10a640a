/** Keys by number: that their places cannot be chosen from outside. What else a table has to do: zone-table.test.ts. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { OctetStore } from '#zone/table/columns.ts';
import { KeyIndex } from '#zone/table/key-index.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** One step of 32-bit FNV-1a: what an attacker who knows a hash without a secret can compute. */
const step = (hash: number, octet: number) => Math.imul(hash ^ octet, 0x0100_0193);

/** Two blocks of five letters that lead from `hash` to the same one, and that one. */
function sameEnd(hash: number): readonly [string, string, number] {
  const seen = new Map<number, string>();
  for (let count = 0; ; count++) {
    let [block, end, rest] = ['', hash, count];
    for (let at = 0; at < 5; at++) {
      const letter = LETTERS[rest % LETTERS.length]!;
      rest = Math.floor(rest / LETTERS.length);
      block += letter;
      end = step(end, letter.charCodeAt(0));
    }
    const other = seen.get(end);
    if (other !== undefined) return [other, block, end];
    seen.set(end, block);
  }
}

/** 2^`blocks` names that all have the same hash by FNV-1a. */
function collidingNames(blocks: number): readonly string[] {
  let [names, hash] = [[''], 0x811c_9dc5];
  for (let block = 0; block < blocks; block++) {
    const [one, other, end] = sameEnd(hash);
    names = names.flatMap((name) => [name + one, name + other]);
    hash = end;
  }
  return names;
}

test('names that were made to share a place of a hash without a secret share none here', () => {
  const names = collidingNames(10);
  expect(new Set(names).size).toBe(1024);
  const hash = (name: string) => Buffer.from(name).reduce(step, 0x811c_9dc5);
  expect(new Set(names.map(hash)).size).toBe(1);
  const looks = vi.spyOn(OctetStore.prototype, 'chunkOf');
  onTestFinished(() => looks.mockRestore());
  const index = new KeyIndex();
  for (const [number, name] of names.entries()) expect(index.add(name)).toBe(number);
  for (const [number, name] of names.entries()) expect(index.find(name)).toBe(number);
  // A look for each key that is found, and a few in vain: among 1,024 keys, two with the same 32 bits are rare.
  expect(looks.mock.calls.length).toBeLessThan(names.length + 10);
});
