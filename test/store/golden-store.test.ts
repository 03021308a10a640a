/** A store that an older version wrote opens: its audit entries stay readable and in the chain, and new ones follow them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { verifyExports } from '#cli/audit-exports.ts';
import { good, temporaryControl } from '../support/temporary-control.ts';
import { temporaryFolder } from '../support/temporary-store.ts';

const GOLDEN = join(import.meta.dirname, '../fixtures/stores/before-audit-fields');
const ZONE = nameOf('example.com.');

async function opened() {
  const dir = join(temporaryFolder(), 'store');
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(join(dir, 'data.mdb'), gunzipSync(readFileSync(join(GOLDEN, 'data.mdb.gz'))), { mode: 0o600 });
  const kek = new Uint8Array(readFileSync(join(GOLDEN, 'kek')));
  const made = temporaryControl({ in: dir, kek, nowMs: Date.parse('2026-12-01T00:00:00Z') });
  const run = (...asked: Parameters<typeof made.run>) => made.run(...asked);
  return { writer: made.writer, control: made.control, run };
}

const exported = () => readFileSync(join(GOLDEN, 'audit.ndjson'), 'utf8').split('\n').slice(0, -1);

test('entries of version 1 are read as they were written, octet for octet, and the chain goes over both versions', async () => {
  const { writer, control, run } = await opened();
  expect(
    writer
      .auditText(0, 100)
      .slice(0, exported().length)
      .map(({ json }) => json),
  ).toEqual(exported());
  expect(writer.audit(100).every(({ version, detail }) => version === undefined && detail !== '')).toBe(true);
  const set = { op: 'set', name: 'new', type: 'A', ttl: 60, records: ['192.0.2.1'] } as const;
  good(await run({ kind: 'rrsets.change', zone: ZONE, operations: [set] }));
  expect(writer.audit(1)[0]).toMatchObject({
    version: 2,
    changes: [{ after: ['new.example.com. 60 IN A 192.0.2.1'] }],
  });
  expect(control.audit.verify().brokenAt).toBeUndefined();
  expect(good(await control.audit.head()).sequence).toBeGreaterThan(exported().length);
  const file = join(GOLDEN, 'audit.ndjson');
  expect(await verifyExports([file])).toMatchObject({ whole: true, from: 1, entries: exported().length });
});

test('a rollback over changes of the older version leaves out what may have been managed then, and says why', async () => {
  const { run, control } = await opened();
  const record = control.zones.find(ZONE)!;
  const changes = await control.zones.changes(record, 100);
  expect(changes.every(({ audit }) => audit?.action !== undefined)).toBe(true);
  // Its last change deleted a DKIM record; the one before had added it.
  const withKey = changes[1]!.changeset.toSerial;
  const done = good(await run({ kind: 'zone.rollback', zone: ZONE, to: { kind: 'serial', serial: withKey } }));
  expect(done.changed).toBe(false);
  expect(done.warnings).toMatchObject([
    { code: 'ROLLBACK_LEFT_OUT', message: expect.stringContaining('s1._domainkey') },
  ]);
  const first = changes.at(-1)!.changeset.toSerial;
  const back = good(await run({ kind: 'zone.rollback', zone: ZONE, to: { kind: 'serial', serial: first } }));
  expect(back.changeset.deleted.some((line) => line.startsWith('www.example.com. 3600 IN A 192.0.2.8'))).toBe(true);
});
