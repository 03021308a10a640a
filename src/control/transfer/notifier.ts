/**
 * Announces changes of zones to their secondaries, and looks whether these have followed.
 * Implements: RFC 1996 §3.5–3.6 (after each change, repeated without a reply, with growing waits and an end), §4.2
 * (soon after a start, for what changed while nothing was announced).
 * A change is announced when every worker serves it: the secondary asks for the SOA at once. Only the newest serial
 * of a zone counts, so a stream of changes is one announcement at a time.
 * Not here: one message (notify-send.ts), who the secondaries are (secondaries.ts).
 */
import { type IpPort, ipPort } from '#base/address.ts';
import { NOTIFY_AT_ONCE_MAX, NOTIFY_LOOKS_MS, NOTIFY_SWEEP_MS } from '#base/limits/transfer.ts';
import { NOTIFY_TICK_MS, NOTIFY_WAITS_MS } from '#base/limits/transfer.ts';
import { type Clock } from '#base/clock.ts';
import { type Log } from '#base/log.ts';
import { type Name, nameOf } from '#dns/name.ts';
import { type Serial, isNewer } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { type TsigKey } from '#dns/tsig/key.ts';
import { type Secondary, readSecondaries } from '#store/transfer/secondaries.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { soaSerial } from '#zone/changeset.ts';
import { rrsetOf } from '#zone/view.ts';
import { type SecondaryView } from '#control/api/transfer.ts';
import { askDirectly } from '#control/outside/direct-question.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { findMember } from '#transfer/catalog-members.ts';
import { type NotifyOrder, sendNotify } from './notify-send.ts';
import { type TsigKeyring } from './tsig-keys.ts';

export interface NotifierOptions {
  readonly reader: StoreWriter;
  /** True when every worker serves this generation. */
  readonly isServed: (generation: number) => boolean;
  readonly key: (name: string) => TsigKey | undefined;
  readonly send: (order: NotifyOrder) => Promise<string | undefined>;
  /** The serial that the server has; undefined when it does not answer for the zone. */
  readonly serialAt: (server: IpPort, apex: Name) => Promise<Serial | undefined>;
  readonly nowMs: () => number;
}

/** One secondary of one zone. */
interface Pair {
  readonly zoneId: number;
  readonly ip: string;
  /** What is to be done next, and when. */
  task: 'notify' | 'look' | 'none';
  dueMs: number;
  /** Store generation of the change that is announced. */
  generation: number;
  /** Of the newest change: announced after that one. */
  newest: number;
  tries: number;
  isBusy: boolean;
  acknowledged: Serial | undefined;
  seen: Serial | undefined;
  failure: string | undefined;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #pairs = new Map<string, Pair>();
  /** Pairs of zones and secondaries that are gone are looked for then. */
  #sweepAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #busy = 0;
  #log: Log | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  start(log: Log): void {
    this.#log = log;
    for (const zone of this.#options.reader.zones()) this.changed(zone, zone.revision);
    this.#sweepAtMs = this.#options.nowMs() + NOTIFY_SWEEP_MS;
    this.#timer = setInterval(() => this.#tick(), NOTIFY_TICK_MS);
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  /** The zone has another serial, or other secondaries. */
  changed({ id }: Pick<ZoneRecord, 'id'>, generation: number): void {
    for (const { ip } of this.#secondariesOf(id)) {
      const pair = this.#pairOf(id, ip);
      pair.newest = generation;
      // In a stream of changes the newest is never served; the first that is not announced yet soon is.
      const isWaiting = pair.task === 'notify' && pair.tries === 0 && !pair.isBusy;
      if (!isWaiting) announce(pair, generation);
    }
  }

  /** How far a secondary is, as far as is known. */
  view(zoneId: number, ip: string): SecondaryView {
    const pair = this.#pairs.get(keyOf(zoneId, ip));
    const { acknowledged, seen, failure } = pair ?? {};
    return {
      ...(acknowledged === undefined ? {} : { acknowledged }),
      ...(seen === undefined ? {} : { seen }),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /** Addresses of secondaries that were last seen with an older serial, one for each zone. */
  behind(): readonly string[] {
    return this.#behind().map(({ ip }) => ip);
  }

  /** Looks once more at those that have not followed, whatever was given up. */
  lookAgain(): void {
    for (const pair of this.#behind())
      if (pair.task === 'none') Object.assign(pair, { task: 'look', tries: NOTIFY_LOOKS_MS.length, dueMs: 0 });
  }

  #behind(): Pair[] {
    const { reader } = this.#options;
    return [...this.#pairs.values()].filter(({ zoneId, seen }) => {
      const zone = seen === undefined ? undefined : reader.zoneById(zoneId);
      return zone !== undefined && isNewer(zone.serial, seen!);
    });
  }

  #pairOf(zoneId: number, ip: string): Pair {
    const key = keyOf(zoneId, ip);
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    const pair: Pair = {
      zoneId,
      ip,
      task: 'none',
      dueMs: 0,
      generation: 0,
      newest: 0,
      tries: 0,
      isBusy: false,
      acknowledged: undefined,
      seen: undefined,
      failure: undefined,
    };
    this.#pairs.set(key, pair);
    return pair;
  }

  #tick(): void {
    const { reader, isServed, nowMs: now } = this.#options;
    const nowMs = now();
    if (nowMs >= this.#sweepAtMs) this.#sweep(nowMs);
    for (const [key, pair] of this.#pairs) {
      if (this.#busy >= NOTIFY_AT_ONCE_MAX) break;
      if (pair.task === 'none' || pair.isBusy || pair.dueMs > nowMs || !isServed(pair.generation)) continue;
      const zone = reader.zoneById(pair.zoneId);
      const secondary = zone === undefined ? undefined : this.#secondary(pair);
      if (zone === undefined || secondary === undefined) this.#pairs.delete(key);
      // It is SERVFAIL here: a secondary would learn nothing, and give up what it has.
      else if (zone.secondary?.isExpired === true) pair.task = 'none';
      else this.#begin(pair, zone, secondary);
    }
  }

  #begin(pair: Pair, zone: ZoneRecord, secondary: Secondary): void {
    this.#busy += 1;
    pair.isBusy = true;
    void this.#work(pair, zone, secondary).finally(() => {
      this.#busy -= 1;
      pair.isBusy = false;
    });
  }

  #sweep(nowMs: number): void {
    this.#sweepAtMs = nowMs + NOTIFY_SWEEP_MS;
    for (const [key, pair] of this.#pairs) {
      const isGone = this.#options.reader.zoneById(pair.zoneId) === undefined;
      if (!pair.isBusy && (isGone || this.#secondary(pair) === undefined)) this.#pairs.delete(key);
    }
  }

  /** Secondaries that are known of, for tests. */
  get size(): number {
    return this.#pairs.size;
  }

  #secondary({ zoneId, ip }: Pair): Secondary | undefined {
    return this.#secondariesOf(zoneId).find((each) => each.ip === ip);
  }

  /** Its own, and those of its catalogs: servers that follow a catalog are in no list of its members. */
  #secondariesOf(zoneId: number): readonly Secondary[] {
    const { reader } = this.#options;
    const above = reader
      .catalogs()
      .filter((catalog) => catalog.secondary === undefined && findMember(reader.view(catalog), zoneId) !== undefined);
    return [zoneId, ...above.map(({ id }) => id)].flatMap((id) => readSecondaries(reader, id));
  }

  async #work(pair: Pair, zone: ZoneRecord, secondary: Secondary): Promise<void> {
    const server = ipPort(secondary.ip, secondary.port);
    if (pair.task === 'notify') await this.#notify(pair, zone, secondary, server);
    else await this.#look(pair, zone, server);
  }

  async #notify(pair: Pair, zone: ZoneRecord, { key: keyName }: Secondary, server: IpPort): Promise<void> {
    const { reader, key: keyOfName, send, nowMs } = this.#options;
    const view = reader.view(zone);
    const soa = rrsetOf(view.node(view.apexKey), TYPE.SOA);
    const key = keyName === undefined ? undefined : keyOfName(keyName);
    if (soa === undefined) return;
    if (keyName !== undefined && key === undefined) {
      Object.assign(pair, { task: 'none', failure: `its key ${keyName} is revoked` });
      return;
    }
    const { generation } = pair;
    const apex = nameOf(zone.name);
    const rdata = soa.rdatas[0]!;
    const failure = await send({ server, apex, soa: { ttl: soa.ttl, rdata }, key, now: Math.floor(nowMs() / 1000) });
    pair.failure = failure;
    // A newer change is announced next, whatever became of this.
    if (pair.generation !== generation) return;
    if (pair.newest !== generation) return announce(pair, pair.newest);
    if (failure === undefined) {
      pair.acknowledged = soaSerial(rdata);
      Object.assign(pair, { task: 'look', tries: 0, dueMs: nowMs() + NOTIFY_LOOKS_MS[0]! });
      return;
    }
    const waitMs = NOTIFY_WAITS_MS[pair.tries++];
    if (waitMs !== undefined) pair.dueMs = nowMs() + waitMs;
    else {
      pair.task = 'none';
      const what = `${pair.ip} takes no notice of changes of ${zone.name}`;
      const text = `${what}: it ${failure}; it asks by itself after its refresh time`;
      this.#log?.warn('secondary.silent', text, { zone: zone.name, secondary: pair.ip });
    }
  }

  async #look(pair: Pair, zone: ZoneRecord, server: IpPort): Promise<void> {
    const { serialAt, nowMs } = this.#options;
    const { generation } = pair;
    const seen = await serialAt(server, nameOf(zone.name));
    if (seen !== undefined) pair.seen = seen;
    if (pair.generation !== generation) return;
    if (seen !== undefined && !isNewer(zone.serial, seen)) {
      pair.task = 'none';
      return;
    }
    pair.failure = seen === undefined ? 'gives no SOA of the zone' : undefined;
    const waitMs = NOTIFY_LOOKS_MS[++pair.tries];
    if (waitMs !== undefined) pair.dueMs = nowMs() + waitMs;
    else {
      pair.task = 'none';
      // It was said when it was given up.
      if (pair.tries > NOTIFY_LOOKS_MS.length) return;
      const what = seen === undefined ? 'gives no SOA of it' : `has serial ${seen}, here is ${zone.serial}`;
      const text = `${pair.ip} acknowledged a change of ${zone.name} and has not followed: it ${what}`;
      this.#log?.warn('secondary.behind', text, { zone: zone.name, secondary: pair.ip });
    }
  }
}

function announce(pair: Pair, generation: number): void {
  Object.assign(pair, { task: 'notify', dueMs: 0, tries: 0, generation });
}

/** The one of a running server. */
export function zoneNotifier({ writer, publisher, keys, clock }: ZoneNotifierOptions): Notifier {
  const notifier = new Notifier({
    reader: writer,
    isServed: (generation) => publisher.isServed(generation),
    key: (name) => keys.key(name),
    send: sendNotify,
    async serialAt(server, apex) {
      const answer = await askDirectly(server, apex, TYPE.SOA);
      const rdata = 'reply' in answer && answer.reply.isAuthoritative ? answer.reply.records[0]?.rdata : undefined;
      return rdata === undefined ? undefined : soaSerial(rdata);
    },
    nowMs: () => clock.nowMs(),
  });
  publisher.onChanged((zones, generation) => {
    for (const zone of zones) notifier.changed(writer.zoneByName(nameOf(zone.name)) ?? zone, generation);
  });
  return notifier;
}

interface ZoneNotifierOptions {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly keys: TsigKeyring;
  readonly clock: Clock;
}

function keyOf(zoneId: number, ip: string): string {
  return `${zoneId} ${ip}`;
}
