/** A zone changes its role: what is served stays, its serial never goes back, and what would break it is rejected. */
import { setTimeout as delay } from 'node:timers/promises';
import { createSocket } from 'node:dgram';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readChecked, readPrimaries } from '#store/transfer/primaries.ts';
import { type Command } from '#control/api/control.ts';
import { ZONE, fakePrimary, message } from '../../support/transfer-messages.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';

const soa = (serial: number) => `@ 60 SOA ns host ${serial} 100 50 1000 60`;
const BODY = ['@ 60 NS ns', 'ns 60 A 192.0.2.1'];
const TEXT = `@ 60 SOA ns host 7 100 50 1000 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nold 60 A 192.0.2.2\n`;
type Role = Extract<Command, { kind: 'zone.role' }>;

/** A primary that answers over TCP and UDP with the lines of `state`. */
async function primary(serial: number) {
  const state = { serial, more: [] as readonly string[] };
  const lines = () => [soa(state.serial), ...BODY, ...state.more, soa(state.serial)];
  const at = await fakePrimary(({ id, type }, send) => send(message({ id, type, lines: lines() })));
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, from) => {
    socket.send(message({ id: query.readUInt16BE(0), type: 6, lines: [soa(state.serial)] }), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(at.port, at.ip, resolve));
  onTestFinished(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return { state, primaries: [{ ip: at.ip, port: at.port }] };
}

const record = (room: TestControl) => room.writer.zoneByName(ZONE)!;
const role = (room: TestControl, word: Role['role'], more: Partial<Role> = {}) =>
  room.run({ kind: 'zone.role', zone: ZONE, role: word, ...more });

async function look(room: TestControl, afterMs = 0): Promise<void> {
  room.clock.pass(afterMs);
  room.control.transferParts.keeper.tick();
  for (let tries = 0; tries < 500 && room.control.transfer.primaries(record(room))?.isLooking === true; tries++)
    await delay(10);
}

function names(room: TestControl): string {
  const view = room.writer.view(record(room));
  return [...formatZoneFile(view.ascend(view.apexKey), { signed: false })].join('').replaceAll(/[ \t]+/g, ' ');
}

describe('from kept here', () => {
  test('a copy: what is here is served until the primary has a newer serial, and then what it has', async () => {
    const { state, primaries } = await primary(7);
    const room = temporaryControl();
    await room.load('z.example.', TEXT, { dnssec: false });
    const before = record(room);
    good(await role(room, 'copy', { primaries }));
    expect(record(room)).toMatchObject({ id: before.id, serial: before.serial, secondary: { mode: 'copy' } });
    await look(room);
    expect(names(room)).toContain('old.z.example. 60');
    Object.assign(state, { serial: 8, more: ['new 60 A 192.0.2.3'] });
    await look(room, 110_000);
    expect(record(room).serial).toBe(8);
    expect(names(room)).toContain('new.z.example. 60');
    expect(names(room)).not.toContain('old.z.example. 60');
    expect(
      bad(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [{ op: 'delete', name: 'ns', type: 'A' }] })),
    ).toMatchObject([{ code: 'ZONE_SECONDARY' }]);
  });

  test('RFC 1982 §3.2: not to a primary whose serial is older, nor to one that does not say it; RFC 4035 §5.2: not when it is signed', async () => {
    const { state, primaries } = await primary(6);
    const room = temporaryControl();
    await room.load('z.example.', TEXT, { dnssec: false });
    const before = record(room);
    const [older] = bad(await role(room, 'copy', { primaries }));
    expect(older).toMatchObject({ code: 'ZONE_ROLE', fix: 'raise the serial there to 8 or more' });
    const nowhere = [{ ip: '127.0.0.1', port: 1 }];
    expect(bad(await role(room, 'copy', { primaries: nowhere }))).toMatchObject([{ code: 'PRIMARY_FAILED' }]);
    expect(bad(await role(room, 'copy'))).toMatchObject([{ code: 'FIELD_VALUE' }]);
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: true }));
    state.serial = 100;
    expect(bad(await role(room, 'copy', { primaries }))).toMatchObject([
      { code: 'ZONE_ROLE', fix: expect.stringContaining('--when-safe') },
    ]);
    expect(record(room).secondary).toBeUndefined();
    expect(before.secondary).toBeUndefined();
  });

  test('signed here as it comes: with the keys that it has, under the serial that it has', async () => {
    const { primaries } = await primary(3);
    const room = temporaryControl();
    await room.load('z.example.', TEXT);
    const before = record(room);
    const planned = good(await role(room, 'sign', { primaries })).dryRun;
    expect(planned).toBe(false);
    expect(record(room)).toMatchObject({
      serial: before.serial,
      keys: before.keys,
      dnssec: 'on',
      secondary: { mode: 'sign' },
    });
    await look(room);
    expect(record(room)).toMatchObject({ serial: before.serial + 1, keys: before.keys, dnssec: 'on' });
    expect(names(room)).not.toContain('old.z.example. 60');
  });

  test('a dry run says it, and changes nothing', async () => {
    const { primaries } = await primary(9);
    const room = temporaryControl();
    await room.load('z.example.', TEXT);
    const generation = room.writer.generation();
    const command = { kind: 'zone.role', zone: ZONE, role: 'sign', primaries } as const;
    expect(good(await room.run(command, { dryRun: true }))).toMatchObject({ changed: true, dryRun: true });
    expect(room.writer.generation()).toBe(generation);
  });
});

describe('from a primary', () => {
  async function secondary(isSigning: boolean) {
    const first = await primary(5);
    const room = temporaryControl();
    good(await room.run({ kind: 'secondary.create', zone: ZONE, primaries: first.primaries, isSigning }));
    await look(room);
    return { room, ...first };
  }

  test('kept here: as it is, with its serial; the next change is newer, and no primary is asked again', async () => {
    for (const isSigning of [false, true]) {
      const { room, state } = await secondary(isSigning);
      const { id, serial, keys } = record(room);
      good(await role(room, 'primary'));
      expect(record(room)).toMatchObject({ id, serial, keys });
      expect(record(room)).not.toHaveProperty('secondary');
      expect([readPrimaries(room.writer, id), readChecked(room.writer, id)]).toEqual([[], undefined]);
      state.serial = 50;
      await look(room, 1_000_000);
      const set = { op: 'set', name: 'www.z.example.', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
      good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [set] }));
      expect(record(room).serial).toBe(serial + 1);
    }
  });

  test('a copy becomes one that is signed here at once, and goes back only unsigned and not behind its serial', async () => {
    const { room, state } = await secondary(false);
    good(await role(room, 'sign'));
    expect(record(room)).toMatchObject({ dnssec: 'on', serial: 6, secondary: { mode: 'sign' } });
    expect(record(room).keys.length).toBeGreaterThan(0);
    await look(room);
    expect(bad(await role(room, 'copy'))).toMatchObject([{ code: 'ZONE_ROLE' }, { code: 'ZONE_ROLE' }]);
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
    const [behind] = bad(await role(room, 'copy'));
    expect(behind?.message).toMatch(/has the serial 5, and 7 of z\.example\. here is newer/);
    state.serial = 8;
    good(await role(room, 'copy'));
    await look(room);
    expect(record(room)).toMatchObject({ dnssec: 'off', serial: 8, secondary: { mode: 'copy' } });
  });

  test('what has never come, and a catalog, have no other role', async () => {
    const room = temporaryControl();
    const create = {
      kind: 'secondary.create',
      zone: ZONE,
      primaries: [{ ip: '127.0.0.1', port: 1 }],
      isSigning: false,
    } as const;
    good(await room.run({ ...create, catalog: { templates: [] } }));
    expect(bad(await role(room, 'primary'))[0]).toMatchObject({ code: 'ZONE_CATALOG' });
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    good(await room.run(create));
    expect(bad(await role(room, 'primary'))).toMatchObject([{ code: 'ZONE_ROLE' }]);
  });
});
