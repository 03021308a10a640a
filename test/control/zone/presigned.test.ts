/** Pre-signed zones: taken whole or not at all, changed by a newer file only, watched until they end, and taken over with their keys. */
import { describe, expect, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { type Problem } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { formatPrivateKey } from '#dnssec/key-files/key-file.ts';
import { verifyPresigned } from '#dnssec/presigned.ts';
import { type Command } from '#control/api/control.ts';
import { keyLabel } from '#control/signing/keys.ts';
import { presignedProblem } from '#control/zone/presigned.ts';
import { Refresher } from '#control/zone/refresh.ts';
import { rrsetOf } from '#zone/view.ts';
import { PRESIGNED, signer } from '../../support/presigned-file.ts';
import { type TestControl, good, temporaryControl } from '../../support/temporary-control.ts';

const bring = (room: TestControl, text: string, more: { readonly dryRun?: boolean } = {}) =>
  room.run({ kind: 'zone.import', zone: PRESIGNED, text, file: 'signed', dnssec: true, presigned: true }, more);
const record = ({ writer }: TestControl) => writer.zoneByName(PRESIGNED)!;
const codesOf = (result: Awaited<ReturnType<typeof bring>>) => (result.ok ? [] : result.problems.map(({ code }) => code));

describe('a file that another signed', () => {
  test('is served as it is: the same records and signatures; the same file again changes nothing', async () => {
    const { file } = await signer();
    const room = temporaryControl();
    expect(good(await bring(room, file()))).toMatchObject({ created: true, serial: 1 });
    expect(record(room)).toMatchObject({ dnssec: 'on', keys: [], presigned: { importedAtMs: room.clock.nowMs() } });
    expect(await verifyPresigned(room.writer.view(record(room)), room.clock.nowMs() / 1000)).toEqual([]);
    expect(good(await bring(room, file())).changed).toBe(false);
  });

  test('RFC 1982 §3.2: a newer one replaces it, with a changeset for secondaries; one with the same serial does not', async () => {
    const { file, set } = await signer();
    const room = temporaryControl();
    const first = file();
    good(await bring(room, first));
    good(await set('new', '192.0.2.7'));
    expect(codesOf(await bring(room, file().replace(/(SOA.*) 2 (3600 600)/, '$1 1 $2')))).toContain('DNSSEC_SIGNATURE');
    const outcome = good(await bring(room, file()));
    expect([outcome.serial, outcome.changeset.added.some((line) => line.startsWith('new.pre.example. 60 IN A'))]).toEqual([2, true]);
    expect(codesOf(await bring(room, first))).toEqual(['ZONE_PRESIGNED']);
    expect(record(room).serial).toBe(2);
  });

  test('is rejected whole when one signature is not good; nothing is made then, nor on a dry run', async () => {
    const { file } = await signer();
    const room = temporaryControl();
    expect(codesOf(await bring(room, file().replace('192.0.2.2', '192.0.2.22')))).toEqual(['DNSSEC_SIGNATURE']);
    expect(
      codesOf(
        await bring(
          room,
          `${file()}\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.pre.example. 300 IN NSEC3 1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A\n`,
        ),
      ),
    ).toEqual(['DNSSEC_CHAIN']);
    expect(good(await bring(room, file(), { dryRun: true })).changed).toBe(true);
    expect(room.writer.zoneByName(PRESIGNED)).toBeUndefined();
  });
});

test('RFC 5155 §7: with NSEC3 it is served too, and a file with NSEC replaces it, NSEC3 and all', async () => {
  const { file, set, room: other } = await signer('nsec3');
  const room = temporaryControl();
  good(await bring(room, file()));
  const hashed = () => [...room.writer.view(record(room)).hashed.ascend('')].length;
  expect([hashed(), await verifyPresigned(room.writer.view(record(room)), room.clock.nowMs() / 1000)]).toEqual([8, []]);
  good(await set('new', '192.0.2.7'));
  const outcome = good(await bring(room, file()));
  expect([hashed(), outcome.changeset.added.some((line) => line.includes(' IN NSEC3 1 0 0 - '))]).toEqual([9, true]);
  good(await other.run({ kind: 'zone.denial', zone: PRESIGNED, denial: 'nsec' }));
  good(await bring(room, file()));
  expect([hashed(), await verifyPresigned(room.writer.view(record(room)), room.clock.nowMs() / 1000)]).toEqual([0, []]);
});

test('nothing else changes it: records, mail, signing on and off, policies; each time the reason is said', async () => {
  const { file } = await signer();
  const room = temporaryControl();
  good(await bring(room, file()));
  const generation = room.writer.generation();
  const operation = { op: 'set', name: 'x', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
  const commands: readonly Command[] = [
    { kind: 'rrsets.change', zone: PRESIGNED, operations: [operation] },
    { kind: 'zone.import', zone: PRESIGNED, text: '@ 60 SOA ns host 9 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n', file: 'z', dnssec: true },
    { kind: 'zone.dnssec', zone: PRESIGNED, dnssec: false, force: true },
    { kind: 'dnssec.policy', zone: PRESIGNED, policy: { algorithm: 15 } },
    { kind: 'mail.apply', zone: PRESIGNED, policy: { spf: { include: [] } } },
  ];
  for (const command of commands) {
    const result = await room.run(command);
    expect([command.kind, codesOf(result)]).toEqual([
      command.kind,
      expect.arrayContaining([expect.stringMatching(/ZONE_PRESIGNED|MAIL_|FIELD/)]),
    ]);
  }
  expect(room.writer.generation()).toBe(generation);
});

test('a zone that is signed here, or has a mail policy’s records, does not become pre-signed', async () => {
  const { file } = await signer();
  const room = temporaryControl();
  await room.load('pre.example.', '@ 60 SOA ns host 0 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  expect(codesOf(await bring(room, file()))).toEqual(['ZONE_PRESIGNED']);
  good(await room.run({ kind: 'zone.dnssec', zone: PRESIGNED, dnssec: false, force: true }));
  expect(codesOf(await bring(room, file()))).toEqual(['ZONE_PRESIGNED']);
});

test('RFC 6781 §4.3.5: with its keys it is signed here from then on; signatures that still hold stay', async () => {
  const { file, room: other } = await signer();
  const room = temporaryControl();
  good(await bring(room, file()));
  const soa = () => rrsetOf(room.writer.view(record(room)).node(room.writer.view(record(room)).apexKey), TYPE.NS)!.signatures;
  const before = soa();
  const theirs = other.writer.zoneByName(PRESIGNED)!;
  const [key] = theirs.keys;
  const secret = other.writer.secret(theirs.id, keyLabel(key!.id))!;
  const keys = [{ privateKey: formatPrivateKey({ algorithm: 13, secret }, 0), role: 'csk' as const }];
  const command = {
    kind: 'dnssec.import',
    zone: PRESIGNED,
    keys,
    published: [],
    areTimesIgnored: false,
    isReplacing: false,
    isParentIgnored: true,
  } as const;
  good(await room.run(command));
  expect(record(room)).toMatchObject({ dnssec: 'on', keys: [{ keyTag: key!.keyTag }] });
  expect([record(room).presigned, soa()]).toEqual([undefined, before]);
  const operation = { op: 'set', name: 'x', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
  expect(good(await room.run({ kind: 'rrsets.change', zone: PRESIGNED, operations: [operation] })).changed).toBe(true);
});

test('its end is said a week and a day before, and when it has come: once each, and not renewed', async () => {
  const { file } = await signer();
  const room = temporaryControl();
  good(await bring(room, file()));
  const told: Problem[] = [];
  const alert = (_zone: string, problems: readonly Problem[]) => Promise.resolve(void told.push(...problems));
  const zones = { zones: () => room.writer.zones(), refreshSlice: () => Promise.reject(new Error('renewed')), alert };
  const refresher = new Refresher(zones, room.clock, createLog({ level: 'silent' }));
  const { endsAtSeconds } = record(room).presigned!;
  for (const left of [30, 6.9, 6, 0.9, 0.5, -1, -2]) {
    room.clock.set(endsAtSeconds * 1000 - left * 86_400_000);
    await refresher.sweepDue();
  }
  expect(told.map(({ severity, message }) => `${severity} ${message.replace(/\d{4}-[\d-]+T[\d:]+\d/, 'DAY')}`)).toEqual([
    'warning the first signature of pre.example. ends on DAY',
    'error the first signature of pre.example. ends on DAY',
    'error signatures of pre.example. have ended (the first on DAY): it is bogus',
  ]);
  expect(presignedProblem({ name: 'pre.example.' }, 0)).toBeUndefined();
});

test('removed, its records are not kept: without its signatures it would be bogus', async () => {
  const { file } = await signer();
  const room = temporaryControl();
  good(await bring(room, file()));
  const outcome = good(await room.run({ kind: 'zone.remove', zone: PRESIGNED }));
  expect(outcome.warnings.map(({ message }) => message).join()).toMatch(/a DS record for a key of pre\.example\./);
  expect(codesOf(await room.run({ kind: 'zone.restore', zone: PRESIGNED }))).toEqual(['ZONE_NOT_KEPT']);
});
