/** Zones stay in canonical order however they come, change and go, and what is below one is found without the others. */
import { describe, expect, test } from 'vitest';
import { compareKeys, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { openReader } from '#store/reader.ts';
import { zonesBelow } from '#control/zone/served-below.ts';
import { seededRandom } from '../support/random.ts';
import { auditEvent, nodeWrite, temporaryStore, zoneRecord } from '../support/temporary-store.ts';

const LABELS = ['a', 'b', 'ab', 'z', '*'];

/** Names of up to four labels, also such as lie beside each other only as text. */
function randomName(random: () => number): string {
  const labels = Array.from({ length: 1 + Math.floor(random() * 4) }, () => LABELS[Math.floor(random() * LABELS.length)]!);
  return `${labels.join('.')}.`;
}

describe('RFC 4034 §6.1: the canonical order of zones', () => {
  test.each([1, 2, 3])('holds in the writer and in a reader that follows, after random changes (%i)', async (seed) => {
    const random = seededRandom(seed);
    const { writer, dir } = temporaryStore();
    const reader = openReader(dir);
    const zones = new Map<string, number>();
    let nextId = 1;
    for (let step = 0; step < 60; step++) {
      const name = randomName(random);
      const id = zones.get(name);
      const put = id === undefined ? [zoneRecord(nextId, name)] : random() < 0.5 ? [zoneRecord(id, name, step)] : [];
      const remove = id !== undefined && put.length === 0 ? [id] : [];
      // Removed and made again in one commit: another id for one name.
      const again = remove.length > 0 && random() < 0.5 ? [zoneRecord(nextId, name)] : [];
      const made = [...put, ...again];
      await writer.commit({ audit: auditEvent(), zones: { put: made, remove }, nodes: made.map((each) => nodeWrite(each.id, name)) });
      for (const each of remove) zones.delete([...zones].find(([, known]) => known === each)![0]);
      for (const each of made) zones.set(each.name, each.id);
      nextId = Math.max(nextId, ...made.map((each) => each.id + 1));
      // Now and then it follows several at once.
      if (random() < 0.5) reader.refresh();
      expect(writer.zones().map((each) => each.name)).toEqual(sorted(zones));
    }
    reader.refresh();
    expect(reader.zones().map((each) => each.id)).toEqual(sorted(zones).map((name) => zones.get(name)));
    const listed = writer.storedZones();
    expect(writer.zonesAfter(undefined, 3)).toEqual(listed.slice(0, 3));
    for (const name of [...zones.keys(), '.', 'a.', 'not-there.']) {
      const behind = listed.filter(({ apexKey }) => compareKeys(apexKey, ownerKey(nameOf(name))) > 0);
      expect(writer.zonesAfter(ownerKey(nameOf(name)), 5)).toEqual(behind.slice(0, 5));
      const key = ownerKey(nameOf(name));
      const below = sorted(zones).filter((each) => isAtOrBelow(ownerKey(nameOf(each)), key));
      expect(writer.zonesAtOrBelow(key).map(({ record }) => record.name)).toEqual(below);
      const strictly = below.filter((each) => each !== name);
      const isNearest = (each: string) =>
        !strictly.some((other) => other !== each && isAtOrBelow(ownerKey(nameOf(each)), ownerKey(nameOf(other))));
      expect(zonesBelow(writer, key).map((record) => record.name)).toEqual(strictly.filter(isNearest));
    }
    await reader.close();
  });
});

function sorted(zones: ReadonlyMap<string, number>): string[] {
  return [...zones.keys()].toSorted((a, b) => compareKeys(ownerKey(nameOf(a)), ownerKey(nameOf(b))));
}
