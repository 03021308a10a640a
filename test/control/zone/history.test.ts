/** The journal is read page by page until a version is found, and compares only what follows each other. */
import { expect, test } from 'vitest';
import { ZONE_DIFF_BYTES_MAX } from '#base/limits/changes.ts';
import { nameOf } from '#dns/name.ts';
import { encodeChangeset } from '#zone/changeset-codec.ts';
import { changeTo, differenceOf } from '#control/zone/history.ts';
import { type JournalEntry } from '#store/journal.ts';
import { bad, good } from '../../support/temporary-control.ts';

const RECORD = {
  id: 1,
  name: 'example.com.',
  dnssec: 'off',
  serial: 500,
  revision: 1500,
  nodeCount: 1,
  createdAtMs: 0,
  changedAtMs: 0,
  keys: [],
} as const;

/** A journal of 400 changes, to serials 101 to 500 in revisions 1101 to 1500, and how many entries were read of it. */
function journalOf(skipped?: number, octets?: number) {
  let reads = 0;
  const entry = (toSerial: number): JournalEntry => {
    const fromSerial = toSerial - 1;
    const changeset = encodeChangeset({ zone: nameOf(RECORD.name), fromSerial, toSerial, deleted: [], added: [] });
    return { revision: 1000 + toSerial, fromSerial, toSerial, atMs: 0, sizeBytes: octets ?? changeset.length, changeset };
  };
  const entries = Array.from({ length: 400 }, (_, at) => entry(500 - at)).filter(({ toSerial }) => toSerial !== skipped);
  const journal = (_zoneId: number, limit: number, before = Infinity) => {
    const page = entries.filter(({ revision }) => revision < before).slice(0, limit);
    reads += page.length;
    return page;
  };
  return { journal, reads: () => reads };
}

test('no further than to the version that is asked for', () => {
  const reader = journalOf();
  expect(changeTo(reader, RECORD, 490)?.revision).toBe(1490);
  expect(reader.reads()).toBeLessThan(100);
});

test('through all of it for the oldest version, which is before the oldest change', () => {
  const { journal } = journalOf();
  const difference = good(differenceOf({ journal }, RECORD, { kind: 'serial', serial: 100 }));
  expect(difference.revisions).toHaveLength(400);
  expect([difference.from, difference.to.revision]).toEqual([{ serial: 100 }, 1500]);
});

test('changes that do not follow each other are not compared', () => {
  const { journal } = journalOf(300);
  const problems = bad(differenceOf({ journal }, RECORD, { kind: 'serial', serial: 290 }));
  expect(problems.map(({ code }) => code)).toEqual(['VERSION_NOT_KEPT']);
  expect(good(differenceOf({ journal }, RECORD, { kind: 'serial', serial: 301 })).revisions).toHaveLength(199);
});

test('no more is compared at once than has its limit, and it is said how much lies between', () => {
  const { journal } = journalOf(undefined, ZONE_DIFF_BYTES_MAX / 100);
  expect(good(differenceOf({ journal }, RECORD, { kind: 'serial', serial: 401 })).revisions).toHaveLength(99);
  const [problem] = bad(differenceOf({ journal }, RECORD, { kind: 'serial', serial: 399 }));
  expect(problem).toMatchObject({ code: 'VERSION_DISTANCE', message: expect.stringContaining('101 changes') as string });
});
