/** A restored store: serials ahead, mail and rollovers held until an operator has looked. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { isNewer } from '#dns/serial.ts';
import { readMailState } from '#store/mail/state.ts';
import { rrsetOf } from '#zone/view.ts';
import { verifyStore } from '#store/verify.ts';
import { MAIL_ZONE_TEXT, TEST_ACTOR, good, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_NOW_MS } from '../../support/temporary-store.ts';

const DAY_MS = 86_400_000;
const MAIL = nameOf('mail.example.');
const POLICY = { dkim: { signers: ['mx1'] }, mtaSts: { mode: 'testing' } };
const ORDER = { backup: 'waxseal-20251231T000000Z-00000000', createdAtMs: TEST_NOW_MS };

async function mailServer() {
  const server = temporaryControl({ sources: ['mail'] });
  await server.load('mail.example.', MAIL_ZONE_TEXT);
  await server.load('plain.example.', MAIL_ZONE_TEXT, { dnssec: false });
  good(await server.run({ kind: 'mail.apply', zone: MAIL, policy: POLICY }));
  return server;
}

const serialsOf = ({ writer }: Pick<Awaited<ReturnType<typeof mailServer>>, 'writer'>) =>
  Object.fromEntries(writer.zones().map(({ name, serial }) => [name, serial]));

test('serials go ahead in SOA, record, journal and signature; a catalog and an unsigned zone too; twice is newer still', async () => {
  const server = await mailServer();
  good(await server.run({ kind: 'catalog.create', zone: nameOf('catalog.example.') }));
  const before = serialsOf(server);
  server.clock.pass(DAY_MS);
  const { raised } = good(await server.control.backups.restored.settle(ORDER));
  const alerts = server.control.events.after(0, 1000).filter(({ kind }) => kind === 'alert');
  expect(alerts.at(-1)).toMatchObject({ event: 'BACKUP_RESTORED', fix: 'waxseal backup review' });
  expect(raised.map(({ name }) => name).toSorted()).toEqual(['catalog.example.', 'mail.example.', 'plain.example.']);
  for (const record of server.writer.zones()) {
    const view = server.writer.view(record);
    const [soa] = rrsetOf(view.node(view.apexKey), TYPE.SOA)!.rdatas;
    expect(new DataView(soa!.buffer, soa!.byteOffset).getUint32(soa!.length - 20)).toBe(record.serial);
    expect(record.serial).toBe(before[record.name]! + 65_536 + 16 * 86_400);
    expect(server.writer.journal(record.id, 1)[0]).toMatchObject({
      fromSerial: before[record.name],
      toSerial: record.serial,
    });
  }
  expect(verifyStore(server.writer).problems).toEqual([]);
  const first = serialsOf(server);
  good(await server.control.backups.restored.settle(ORDER));
  for (const [name, serial] of Object.entries(serialsOf(server))) expect(isNewer(serial, first[name]!)).toBe(true);
});

test('mail and rollovers stand still, whatever time goes by, and move after resume; an operator’s own hold stays', async () => {
  const server = await mailServer();
  await server.load('other.example.', MAIL_ZONE_TEXT);
  good(await server.run({ kind: 'mail.apply', zone: nameOf('other.example.'), policy: POLICY }));
  good(await server.run({ kind: 'lifecycle.hold', zone: nameOf('other.example.'), reason: 'my own' }));
  const settled = good(await server.control.backups.restored.settle(ORDER));
  expect(settled.heldMail).toBe(1);
  const stages = () =>
    JSON.stringify(
      readMailState(server.writer, server.writer.zoneByName(MAIL)!.id)!.dkim.lifecycle.objects.map(({ id, stage }) => [
        id,
        stage,
      ]),
    );
  const before = stages();
  const { length } = server.events;
  // Every worker serves what is there: without the hold a new key would be visible now.
  server.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  await server.live(10_000);
  expect(stages()).toBe(before);
  expect(server.events.slice(length).filter((each) => / step /.test(each))).toEqual([]);
  expect(server.control.dnssec.freeze()?.reason).toMatch(/^restored from the backup of/);
  expect(good(await server.control.backups.resume(TEST_ACTOR, true))).toBe(1);
  expect(server.control.backups.restored.mark()).toBeDefined();
  expect(good(await server.control.backups.resume(TEST_ACTOR, false))).toBe(1);
  expect([server.control.dnssec.freeze(), server.control.backups.restored.mark()]).toEqual([undefined, undefined]);
  await server.live(10_000);
  expect(stages()).not.toBe(before);
  const other = readMailState(server.writer, server.writer.zoneByName(nameOf('other.example.'))!.id)!;
  expect(other.dkim.lifecycle.hold?.reason).toBe('my own');
  expect(good(await server.control.backups.resume(TEST_ACTOR, false))).toBeUndefined();
});
