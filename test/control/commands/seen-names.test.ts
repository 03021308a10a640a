/** Names that are found before a change's turn: all of them, beside other work, and only for the zone as it was. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { nodesOf, seenNames } from '#control/commands/seen-names.ts';
import { findEntry } from '#store/node-codec.ts';
import { namesWhere } from '#store/upkeep/nodes-under.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('a.test.');
const HEAD = '@ 300 SOA ns1 host 10 7200 900 1209600 300\n@ 300 NS ns1\nns1 60 A 192.0.2.1\n';
/** More than two batches. */
const HOSTS = 5000;
const hasText = (node: Uint8Array): boolean => findEntry(node, TYPE.TXT) >= 0;

async function room() {
  const made = temporaryControl();
  const hosts = Array.from({ length: HOSTS }, (_, at) => `h${at} 60 ${at % 1000 === 7 ? 'TXT "x"' : 'A 192.0.2.1'}\n`);
  await made.load('a.test.', HEAD + hosts.join(''), { dnssec: false });
  await made.load('b.test.', `${HEAD}x 60 TXT "of another zone"\n`, { dnssec: false });
  const record = () => made.writer.zoneByName(ZONE)!;
  const set = (name: string, type: 'A' | 'TXT', value: string) =>
    made.run({
      kind: 'rrsets.change',
      zone: ZONE,
      operations: [{ op: 'set', name, type, ttl: 60, records: [value] }],
    });
  return { ...made, record, set };
}

const NAMES = ['h1007', 'h2007', 'h3007', 'h4007', 'h7'].map((name) => `${name}.a.test.`);

test('all of the zone, and of no other; other work has turns meanwhile', async () => {
  const { writer, record } = await room();
  let turns = 0;
  const counting = (async () => {
    for (; turns < 1000; turns++) await turn();
  })();
  const seen = (await seenNames(writer, ZONE, hasText))!;
  expect(turns).toBeGreaterThan(2);
  expect(turns).toBeLessThan(1000);
  await counting;
  expect(seen.keys).toHaveLength(NAMES.length);
  const nodes = [...nodesOf(writer.view(record()), record(), seen)];
  expect(nodes.map(({ owner }) => formatName(owner)).toSorted()).toEqual(NAMES);
  expect(await seenNames(writer, nameOf('c.test.'), hasText)).toBeUndefined();
});

test('of a zone that is another by now all nodes are looked at', async () => {
  const { writer, record, set } = await room();
  const seen = await seenNames(writer, ZONE, hasText);
  good(await set('h8', 'TXT', '"late"'));
  const count = (which: typeof seen) => [...nodesOf(writer.view(record()), record(), which)].length;
  expect([count(seen), count(undefined)]).toEqual([HOSTS + 2, HOSTS + 2]);
});

test('a zone that changes, or goes, between two batches: no name is given twice, and it ends', async () => {
  const { writer, record, set, ...made } = await room();
  const { id } = record();
  const found: string[] = [];
  let batches = 0;
  for (const keys of namesWhere(writer, id, hasText)) {
    found.push(...keys);
    if (++batches === 1) good(await set('h7', 'TXT', '"other"'));
    if (batches === 2) good(await made.run({ kind: 'zone.remove', zone: ZONE }));
    expect(batches).toBeLessThan(10);
  }
  expect(new Set(found).size).toBe(found.length);
  expect(batches).toBe(3);
});
