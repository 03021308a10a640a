/** Nodes as they are walked are those that the store's other reader has, from any of them on. */
import { expect, onTestFinished, test } from 'vitest';
import { NODE_KEY_BYTES_MAX } from '#base/limits/store.ts';
import { TYPE } from '#dns/types.ts';
import { openReader } from '#store/reader.ts';
import { type NodeWrite } from '#store/writer.ts';
import { auditEvent, nodeWrite, temporaryStore, zoneRecord } from '../../support/temporary-store.ts';

async function room() {
  const { dir, writer } = temporaryStore();
  const owners = Array.from({ length: 300 }, (_, at) => `${'x'.repeat(at % 60)}n${at}.a.test.`);
  const long = Array.from({ length: 40 }, (_, at) => TYPE.TXT + 200 + at);
  const nodes: NodeWrite[] = [
    ...owners.map((owner, at) => nodeWrite(2, owner, at % 7 === 0 ? long : [TYPE.TXT])),
    ...['a.test.', 'z.test.'].map((owner) => nodeWrite(1, owner)),
    nodeWrite(3, 'b.test.'),
  ];
  const zones = [1, 2, 3].map((id) => zoneRecord(id, `z${id}.test.`));
  await writer.commit({ audit: auditEvent(), zones: { put: zones }, nodes });
  const reader = openReader(dir);
  onTestFinished(() => reader.close());
  const snapshot = reader.hold();
  onTestFinished(() => snapshot.release());
  return { reader, snapshot };
}

const hex = (octets: Uint8Array) => Buffer.from(octets.subarray(0, octets.length)).toString('hex');

test('all nodes of a zone in canonical order, and of no other', async () => {
  const { reader, snapshot } = await room();
  const expected: string[] = [];
  snapshot.readNodes(2, undefined, 1000, (_, node) => expected.push(hex(node)) > 0);
  const walked: string[] = [];
  snapshot.walk('nodes', 2, undefined, (node) => walked.push(hex(node)) > 0);
  expect(walked.length).toBe(300);
  expect(walked).toEqual(expected);
  // Both read from one snapshot, one after the other, as often as one likes.
  expect(reader.nodeBytes(9, new Uint8Array(0))).toBeUndefined();
  const again: string[] = [];
  snapshot.walk('nodes', 2, undefined, (node) => again.push(hex(node)) > 0);
  expect(again).toEqual(expected);
});

test('from the key of any node on, with it', async () => {
  const { snapshot } = await room();
  const all: string[] = [];
  snapshot.walk('nodes', 2, undefined, (node) => all.push(hex(node)) > 0);
  for (const count of [1, 2, 150, 299, 300]) {
    let left = count;
    snapshot.walk('nodes', 2, undefined, () => --left > 0);
    const key = new Uint8Array(NODE_KEY_BYTES_MAX);
    const length = snapshot.copyWalkedKey('nodes', key);
    const rest: string[] = [];
    snapshot.walk('nodes', 2, key.subarray(0, length), (node) => rest.push(hex(node)) > 0);
    expect(rest).toEqual(all.slice(count - 1));
  }
});

test('of a zone without nodes, and of the other database, none', async () => {
  const { snapshot } = await room();
  const shown: Uint8Array[] = [];
  snapshot.walk('nodes', 4, undefined, (node) => shown.push(node) > 0);
  snapshot.walk('hashed', 2, undefined, (node) => shown.push(node) > 0);
  expect(shown).toEqual([]);
});
