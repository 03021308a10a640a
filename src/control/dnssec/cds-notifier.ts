/**
 * Tells the parent that CDS or CDNSKEY of a zone are others than before, so that it looks at once: once every worker
 * serves them, again without a reply, and once more when every name server of the zone must have them.
 * Implements: RFC 9859 §4.2 (NOTIFY(CDS) to the parent's endpoint, repeated as RFC 1996 §3.5–3.6 has it).
 * Not here: finding the endpoint (control/outside/dsync-search.ts), one message (control/transfer/notify-send.ts), what
 * the parent does then.
 */
import { createHash } from 'node:crypto';
import { type IpPort, ipPort } from '#base/address.ts';
import {
  CDS_NOTIFY_ADDRESSES_MAX,
  CDS_NOTIFY_AT_ONCE_MAX,
  CDS_NOTIFY_SWEEP_MS,
  CDS_NOTIFY_WAITS_MS,
} from '#base/limits/dnssec.ts';
import { NOTIFY_TICK_MS } from '#base/limits/transfer.ts';
import { type Log } from '#base/log.ts';
import { type Name, formatName, nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { rrsetOf } from '#zone/view.ts';
import { type CdsNotifyView } from '#control/api/dnssec.ts';
import { findDsync } from '#control/outside/dsync-search.ts';
import { hostAddresses } from '#control/outside/host-addresses.ts';
import { type AskServer, type ParentServers } from './parent.ts';

export interface CdsNotifierOptions {
  readonly writer: StoreWriter;
  readonly parents: ParentServers;
  readonly resolver: Resolver;
  readonly ask: AskServer;
  /** True for an address that messages may be sent to though a stranger has named it. */
  readonly isAllowed: (ip: string) => boolean;
  readonly policyOf: (record: ZoneRecord) => KeyPolicy;
  /** True when a rollover of the zone waits for its parent. */
  readonly isWaiting: (record: ZoneRecord) => boolean;
  /** True when every worker serves this generation. */
  readonly isServed: (generation: number) => boolean;
  readonly send: (server: IpPort, child: Name) => Promise<string | undefined>;
  /** What came of it, for the stream of events. */
  readonly note: (zone: string, text: string) => Promise<void>;
  /** Wall time. */
  readonly nowMs: () => number;
}

interface Task {
  readonly generation: number;
  tries: number;
  dueMs: number;
  isBusy: boolean;
  /** The one that is sent when every name server has the records. */
  readonly isLast: boolean;
}

/** The result of one round: acknowledged, to be tried again, or of no use. */
interface Round {
  readonly outcome: 'acknowledged' | 'again' | 'none';
  readonly text: string;
  readonly target?: string;
}

export class CdsNotifier {
  readonly #options: CdsNotifierOptions;
  /** By zone id: what CDS and CDNSKEY were last. */
  readonly #known = new Map<number, string>();
  readonly #tasks = new Map<number, Task>();
  readonly #seen = new Map<number, CdsNotifyView>();
  readonly #rounds = { acknowledged: 0, again: 0, none: 0 };
  #busy = 0;
  #sweptMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #log: Log | undefined;

  constructor(options: CdsNotifierOptions) {
    this.#options = options;
  }

  /** What was announced before, and was or was not heard, is announced again where a rollover waits for it. */
  start(log: Log): void {
    this.#log = log;
    const { writer, isWaiting } = this.#options;
    for (const record of writer.zones()) {
      if (!isSignedHere(record)) continue;
      this.#known.set(record.id, this.#fingerprint(record));
      if (isWaiting(record)) this.#begin(record.id, writer.generation());
    }
    this.#timer = setInterval(() => this.#tick(), NOTIFY_TICK_MS);
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  /** The zone was changed in `generation`. */
  changed({ id }: Pick<ZoneRecord, 'id'>, generation: number): void {
    if (this.#timer === undefined) return;
    const record = this.#options.writer.zoneById(id);
    // CDS of a copy of a primary's zone is for the primary to announce.
    if (record === undefined || !isSignedHere(record)) return this.#forget(id);
    const now = this.#fingerprint(record);
    if ((this.#known.get(record.id) ?? '') === now) return;
    this.#known.set(record.id, now);
    if (now !== '') this.#begin(record.id, generation);
    else this.#tasks.delete(record.id);
  }

  /** Rounds since the start by their result: acknowledged, to be tried again, no endpoint that may be asked. */
  get counts(): Readonly<Record<Round['outcome'], number>> {
    return this.#rounds;
  }

  /** What came of the last message about the zone; undefined: none was to be sent since the start. */
  view({ id }: Pick<ZoneRecord, 'id'>): CdsNotifyView | undefined {
    return this.#seen.get(id);
  }

  #begin(zoneId: number, generation: number): void {
    this.#tasks.set(zoneId, { generation, tries: 0, dueMs: 0, isBusy: false, isLast: false });
  }

  /** Empty when there is none of them. */
  #fingerprint(record: ZoneRecord): string {
    const { writer } = this.#options;
    const view = writer.view(record);
    const apex = view.node(view.apexKey);
    const rdatas = [TYPE.CDS, TYPE.CDNSKEY].flatMap((type) => rrsetOf(apex, type)?.rdatas ?? []);
    if (rdatas.length === 0) return '';
    const hash = createHash('sha256');
    for (const rdata of rdatas) hash.update(rdata);
    return hash.digest('base64');
  }

  #tick(): void {
    const { writer, isServed, nowMs } = this.#options;
    // By the clock that the operator may set: then it is swept now, or again.
    if (Math.abs(nowMs() - this.#sweptMs) >= CDS_NOTIFY_SWEEP_MS) this.#forgetRemoved();
    for (const [zoneId, task] of this.#tasks) {
      if (this.#busy >= CDS_NOTIFY_AT_ONCE_MAX) break;
      if (task.isBusy || task.dueMs > nowMs() || !isServed(task.generation)) continue;
      const record = writer.zoneById(zoneId);
      if (record === undefined) {
        this.#forget(zoneId);
        continue;
      }
      this.#busy += 1;
      task.isBusy = true;
      void this.#work(record, task).finally(() => {
        this.#busy -= 1;
        task.isBusy = false;
      });
    }
  }

  #forgetRemoved(): void {
    this.#sweptMs = this.#options.nowMs();
    for (const zoneId of this.#known.keys())
      if (this.#options.writer.zoneById(zoneId) === undefined) this.#forget(zoneId);
  }

  #forget(zoneId: number): void {
    for (const each of [this.#known, this.#tasks, this.#seen]) each.delete(zoneId);
  }

  async #work(record: ZoneRecord, task: Task): Promise<void> {
    const { nowMs, note, policyOf, isWaiting } = this.#options;
    const { outcome, text, target } = await this.#round(record);
    this.#rounds[outcome]++;
    const atMs = nowMs();
    this.#seen.set(record.id, { atMs, isAcknowledged: outcome === 'acknowledged', text, ...(target && { target }) });
    // A newer change is announced next, whatever became of this.
    if (this.#tasks.get(record.id) !== task) return;
    const waitMs = outcome === 'again' ? CDS_NOTIFY_WAITS_MS[task.tries++] : undefined;
    if (waitMs !== undefined) {
      task.dueMs = nowMs() + waitMs;
      return;
    }
    this.#tasks.delete(record.id);
    this.#log?.info('dnssec.notify', `${record.name}: ${text}`, { zone: record.name });
    if (outcome !== 'none') await note(record.name, text);
    if (outcome !== 'acknowledged' || task.isLast || !isWaiting(record) || this.#tasks.has(record.id)) return;
    const dueMs = atMs + policyOf(record).propagationSeconds * 1000;
    this.#tasks.set(record.id, { ...task, tries: 0, dueMs, isBusy: false, isLast: true });
  }

  async #round(record: ZoneRecord): Promise<Round> {
    const { parents, policyOf, ask, send } = this.#options;
    const child = nameOf(record.name);
    const { apex: parent, places } = await parents.locate(child, policyOf(record).parentServers);
    const found = await findDsync({ child, parent, servers: places.map(({ server }) => server), ask });
    if (!('endpoint' in found)) return { outcome: found.isNone ? 'none' : 'again', text: found.text };
    const { port, target: host } = found.endpoint;
    const target = `${formatName(host).replace(/\.$/, '')}:${port}`;
    const addresses = await this.#addresses(host);
    if (typeof addresses === 'string') return { outcome: 'again', text: `${target} ${addresses}`, target };
    const barred = addresses.find((ip) => !this.#options.isAllowed(ip));
    if (barred !== undefined) {
      const text = `${target} has the address ${barred}, which no host outside can reach (mail.probe_networks)`;
      return { outcome: 'none', text, target };
    }
    let why = 'does not answer';
    for (const ip of addresses.slice(0, CDS_NOTIFY_ADDRESSES_MAX)) {
      const failure = await send(ipPort(ip, port), child);
      if (failure === undefined) return { outcome: 'acknowledged', text: `${target} took NOTIFY(CDS)`, target };
      why = `${ip} ${failure}`;
    }
    return { outcome: 'again', text: `${target} did not take NOTIFY(CDS): ${why}`, target };
  }

  /** Or why there are none. */
  async #addresses(host: Name): Promise<readonly string[] | string> {
    const { addresses, failure } = await hostAddresses(host, this.#options.resolver);
    return addresses.length > 0 ? addresses : (failure ?? 'has no address');
  }
}
