/** Names of zones in a file, from the process of an import to the writer. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { NodeFileWriter, readNodes } from '#control/import/node-file.ts';
import { type NodeWrite } from '#store/writer.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

function file(): number {
  const opened = openSync(join(temporaryFolder(), 'nodes'), 'wx+', 0o600);
  onTestFinished(() => closeSync(opened));
  return opened;
}

/** Writes all of them; their octets in the file. */
function writeNodes(opened: number, nodes: Iterable<NodeWrite>): number {
  const names = new NodeFileWriter(opened);
  for (const each of nodes) names.write(each);
  return names.end();
}

/** As they were read, while they were good. */
function all(nodes: Iterable<NodeWrite>): NodeWrite[] {
  return Array.from(nodes, (each) => ({ ...each, value: each.value && Uint8Array.from(each.value) }));
}

test('whatever names are written are read again, in their order', () => {
  const name: fc.Arbitrary<NodeWrite> = fc.record({
    zoneId: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    key: fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCodePoint(octet)), maxLength: 255 }),
    value: fc.option(fc.uint8Array({ maxLength: 300 })),
  });
  const writes = fc.array(
    fc.oneof(
      name,
      name.map((each) => ({ ...each, isHashed: true })),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(writes, (given) => {
      const opened = file();
      expect(all(readNodes(opened, writeNodes(opened, given)))).toEqual(given);
    }),
    { numRuns: 100 },
  );
});

test('more than is read at once, and one name that is larger than that', () => {
  const many = Array.from({ length: 5000 }, (_, at) => ({ zoneId: 1, key: `n${at}`, value: new Uint8Array(1000).fill(at) }));
  const given = [...many, { zoneId: 2, key: 'large', value: new Uint8Array(3 * 1024 * 1024).fill(9) }, ...many.slice(0, 3)];
  const opened = file();
  expect(all(readNodes(opened, writeNodes(opened, given)))).toEqual(given);
});

test('a file that is cut, or longer than was said, is not taken', () => {
  const opened = file();
  const bytes = writeNodes(opened, [{ zoneId: 1, key: 'a', value: new Uint8Array(9) }]);
  expect(() => all(readNodes(opened, bytes - 1))).toThrow('cut inside a node');
  expect(() => all(readNodes(opened, bytes + 12))).toThrow('ends early');
});
