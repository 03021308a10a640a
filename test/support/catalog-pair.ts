/** A server that produces catalogs and one that follows them, in this process: the second one transfers from the first. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { type MemberTemplate } from '#store/transfer/followed-catalogs.ts';
import { MAIL_ZONE_TEXT, TEST_ACTOR, type TestControl, good, temporaryControl } from './temporary-control.ts';
import { type TransferServer, testKey, transferServer } from './transfer-server.ts';

export const CATALOG = 'catalog.test.';
const KEY = testKey('catalog.key.');

export interface CatalogPair {
  readonly producer: TransferServer;
  readonly consumer: TestControl;
  /** A zone at the producer, and a member of the catalog. */
  readonly produce: (
    zone: string,
    options?: { readonly groups?: readonly string[]; readonly catalog?: string; readonly dnssec?: boolean },
  ) => Promise<void>;
  readonly follow: (
    templates?: readonly MemberTemplate[],
    more?: { readonly catalog?: string; readonly membersMax?: number },
  ) => Promise<void>;
  /** Until the consumer has all that the producer has. */
  readonly sync: () => Promise<void>;
  readonly zones: () => readonly string[];
}

export async function catalogPair(): Promise<CatalogPair> {
  const consumer = temporaryControl();
  const producer = await transferServer({ keys: [KEY], nowMs: () => consumer.clock.nowMs() });
  const { name, algorithm, secret } = KEY;
  const wanted = { name, algorithm, secret, operations: ['transfer' as const], zones: 'all' as const };
  good(await consumer.control.transfer.createKey(wanted, TEST_ACTOR));
  good(await producer.run({ kind: 'catalog.create', zone: nameOf(CATALOG) }));
  const { keeper, follower } = consumer.control.transferParts;
  const primaries = [{ ip: producer.at.ip, port: producer.at.port, key: name }];
  const sync = async (): Promise<void> => {
    producer.follow();
    consumer.clock.pass(7_300_000);
    for (let round = 0, quiet = 0; round < 400 && quiet < 3; round++) {
      keeper.tick();
      await delay(5);
      await follower.settled();
      const busy = consumer.writer.zones().some((zone) => {
        const state = consumer.control.transfer.primaries(zone);
        return state !== undefined && (state.isLooking || state.nextLookAtMs <= consumer.clock.nowMs());
      });
      quiet = busy ? 0 : quiet + 1;
    }
  };
  return {
    producer,
    consumer,
    sync,
    zones: () => consumer.writer.zones().map((zone) => zone.name),
    async produce(zone, { groups = [], catalog = CATALOG, dnssec = true } = {}) {
      await producer.load(zone, MAIL_ZONE_TEXT, { parent: 'ignore', dnssec });
      good(await producer.run({ kind: 'catalog.add', zone: nameOf(catalog), member: nameOf(zone), groups }));
    },
    async follow(templates = [], { catalog = CATALOG, ...more } = {}) {
      const order = { kind: 'secondary.create', zone: nameOf(catalog), primaries, isSigning: false } as const;
      good(await consumer.run({ ...order, catalog: { templates, ...more } }));
      await sync();
    },
  };
}

/** Events of alerts at the consumer, in order. */
export function alertsOf({ writer }: TestControl): string[] {
  return writer.events(0, 1000).flatMap((each) => (each.kind === 'alert' ? [each.event] : []));
}

export function expectServed({ consumer }: CatalogPair, zone: string, serial: number): void {
  expect(consumer.writer.zoneByName(nameOf(zone))).toMatchObject({ serial, secondary: { mode: 'copy' } });
}
