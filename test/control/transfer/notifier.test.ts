/** RFC 1996: changes are announced when they are served, repeated, and given up; who follows is looked at. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLog } from '#base/log.ts';
import { Notifier, type NotifierOptions } from '#control/transfer/notifier.ts';
import { type NotifyOrder } from '#control/transfer/notify-send.ts';
import { nameOf } from '#dns/name.ts';
import { soaSerial } from '#zone/changeset.ts';
import { MAIL_ZONE_TEXT, TEST_ACTOR, type TestControl, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('a.test.');

interface Bench extends Omit<TestControl, 'sent'> {
  readonly notifier: Notifier;
  readonly sent: NotifyOrder[];
  /** How many were sent for each serial. */
  readonly serials: () => Readonly<Record<string, number>>;
  readonly change: () => Promise<void>;
}

/** A zone with two secondaries, and a notifier whose clock is a hundred times as fast. */
async function bench(options: Partial<NotifierOptions> = {}): Promise<Bench> {
  const server = temporaryControl();
  await server.load('a.test.', MAIL_ZONE_TEXT);
  await server.load('b.test.', MAIL_ZONE_TEXT);
  for (const ip of ['192.0.2.53', '2001:db8::53']) good(await server.run({ kind: 'secondary.add', zone: ZONE, ip, port: 5300 }));
  const sent: NotifyOrder[] = [];
  const startedMs = performance.now();
  const notifier = new Notifier({
    reader: server.writer,
    isServed: () => true,
    key: () => undefined,
    serialAt: () => Promise.resolve(server.writer.zoneByName(ZONE)!.serial),
    nowMs: () => (performance.now() - startedMs) * 100,
    ...options,
    send(order) {
      sent.push(order);
      return options.send?.(order) ?? Promise.resolve(undefined);
    },
  });
  notifier.start(createLog({ level: 'silent' }));
  onTestFinished(() => notifier.stop());
  const change = async (): Promise<void> => {
    const records = [`192.0.2.${sent.length % 200}`, `198.51.100.${server.writer.zoneByName(ZONE)!.serial % 250}`];
    const operation = { op: 'set', name: 'www.a.test.', type: 'A', ttl: 60, records } as const;
    good(await server.run({ kind: 'rrsets.change', zone: ZONE, operations: [operation] }));
    notifier.changed(server.writer.zoneByName(ZONE)!, server.writer.generation());
  };
  const serials = () => {
    const counts: Record<string, number> = {};
    for (const { soa } of sent) counts[soaSerial(soa.rdata)] = (counts[soaSerial(soa.rdata)] ?? 0) + 1;
    return counts;
  };
  return { ...server, notifier, sent, serials, change };
}

test('after a start each secondary hears of each of its zones once, and of no other zone', async () => {
  const { sent } = await bench();
  await expect
    .poll(() => sent.map(({ server }) => `${server.ip} ${server.port}`).toSorted())
    .toEqual(['192.0.2.53 5300', '2001:db8::53 5300']);
  expect(sent.every(({ apex }) => Buffer.from(apex).equals(Buffer.from(ZONE)))).toBe(true);
});

test('not before every worker serves the change', async () => {
  let served = 0;
  const { sent, change, writer } = await bench({ isServed: (generation) => generation <= served });
  await change();
  await new Promise((done) => void setTimeout(done, 300));
  expect(sent).toEqual([]);
  served = writer.generation();
  await expect.poll(() => sent.length).toBe(2);
});

test('in a stream of changes, of which the newest is never served, each secondary hears of some, and of the last one', async () => {
  let served = 0;
  const { sent, serials, change, writer } = await bench({ isServed: (generation) => generation <= served });
  for (let times = 0; times < 20; times++) {
    served = writer.generation() - 1;
    await change();
    await new Promise((done) => void setTimeout(done, 30));
  }
  const during = sent.length;
  served = writer.generation();
  const last = String(writer.zoneByName(ZONE)!.serial);
  await expect.poll(() => serials()[last] ?? 0).toBeGreaterThanOrEqual(2);
  expect(during).toBeGreaterThan(4);
});

test('a change while one is announced is announced after it: the newest serial is the last', async () => {
  const slow = Promise.withResolvers<undefined>();
  const { sent, serials, change, writer } = await bench({ send: () => slow.promise });
  await expect.poll(() => sent.length).toBe(2);
  await change();
  await change();
  slow.resolve(undefined);
  await expect.poll(() => sent.length).toBe(4);
  const { serial } = writer.zoneByName(ZONE)!;
  expect(Object.keys(serials())).toEqual([String(serial - 2), String(serial)]);
});

test('§3.6 without a reply it is sent five times, and no more until the next change', async () => {
  const { sent, serials, change, notifier, writer } = await bench({ send: () => Promise.resolve('does not answer') });
  await expect.poll(() => sent.length, { timeout: 10_000 }).toBe(10);
  await new Promise((done) => void setTimeout(done, 500));
  expect(Object.values(serials())).toEqual([10]);
  const { id } = writer.zoneByName(ZONE)!;
  expect(notifier.view(id, '192.0.2.53')).toEqual({ failure: 'does not answer' });
  await change();
  await expect.poll(() => Object.values(serials()).at(-1)).toBeGreaterThan(1);
});

test('a secondary that acknowledges and does not follow is seen to be behind', async () => {
  const { notifier, writer } = await bench({ serialAt: () => Promise.resolve(1) });
  const { id, serial } = writer.zoneByName(ZONE)!;
  await expect.poll(() => notifier.view(id, '192.0.2.53')).toEqual({ acknowledged: serial, seen: 1 });
});

test('a revoked key and a secondary that was taken away send nothing more', async () => {
  const server = await bench();
  await expect.poll(() => server.sent.length).toBe(2);
  good(await server.run({ kind: 'secondary.remove', zone: ZONE, ip: '192.0.2.53' }));
  await server.change();
  await expect.poll(() => server.sent.length).toBe(3);
  await new Promise((done) => void setTimeout(done, 300));
  expect(server.sent.length).toBe(3);
});

test('until a change is served no document is read for it; what is known of a zone that is removed goes with it', async () => {
  let served = 0;
  const { notifier, sent, writer, run } = await bench({ isServed: (generation) => generation <= served });
  const reads = vi.spyOn(writer, 'documentOctets');
  await new Promise((done) => void setTimeout(done, 300));
  expect([reads.mock.calls.length, notifier.size]).toEqual([0, 2]);
  served = writer.generation();
  await expect.poll(() => sent.length).toBe(2);
  good(await run({ kind: 'zone.remove', zone: ZONE }));
  await expect.poll(() => notifier.size, { timeout: 5_000 }).toBe(0);
});

test('RFC 1034 §4.3.5: a zone that has expired here is not announced', async () => {
  const server = await bench();
  await expect.poll(() => server.sent.length).toBe(2);
  const expired = { ...server.writer.zoneByName(ZONE)!, secondary: { mode: 'copy', isExpired: true } } as const;
  vi.spyOn(server.writer, 'zoneById').mockReturnValue(expired);
  server.notifier.changed(expired, server.writer.generation());
  await new Promise((done) => void setTimeout(done, 300));
  expect(server.sent.length).toBe(2);
});

test('what follows a catalog hears of changes of its members, until they leave it', async () => {
  const server = await bench();
  const [member, catalog] = [nameOf('b.test.'), nameOf('catalog.test.')];
  good(await server.run({ kind: 'catalog.create', zone: catalog }));
  const key = { name: 'k.test', algorithm: 'hmac-sha256', operations: ['transfer' as const], zones: 'all' as const };
  good(await server.control.transfer.createKey(key, TEST_ACTOR));
  good(await server.run({ kind: 'secondary.add', zone: catalog, ip: '192.0.2.77', port: 5300, key: 'k.test.' }));
  const heard = (): number => server.sent.filter(({ server: { ip } }) => ip === '192.0.2.77').length;
  const changed = () => server.notifier.changed(server.writer.zoneByName(member)!, server.writer.generation());
  changed();
  good(await server.run({ kind: 'catalog.add', zone: catalog, member, groups: [] }));
  expect(server.notifier.view(server.writer.zoneByName(member)!.id, '192.0.2.77')).toEqual({});
  changed();
  const isKnown = () => server.notifier.view(server.writer.zoneByName(member)!.id, '192.0.2.77').failure;
  await expect.poll(isKnown).toContain('is revoked');
  good(await server.run({ kind: 'catalog.remove', zone: catalog, member }));
  changed();
  expect(heard()).toBe(0);
});
