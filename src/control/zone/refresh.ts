/**
 * Renews signatures before they end, whatever else happens: sweeps every signed zone slice by slice, through the same serial queue as
 * commands. Keeps no list of what is due: each sweep looks at the signatures themselves, so a missed, late or repeated one is harmless.
 * Which signatures need renewing: dnssec/sign.ts `needsRefresh` (14 days of validity, renewed with about a week to spare, spread).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type Clock } from '#base/clock.ts';
import { REFRESH_EVERY_MS, REFRESH_LOOK_MS, REFRESH_SLICE_NODES } from '#base/limits/changes.ts';
import { type Log } from '#base/log.ts';
import { type Problem, type Result, formatProblem, ok } from '#base/problem.ts';
import { type Name, nameOf, ownerKey } from '#dns/name.ts';
import { type Presigned, isSignedHere } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { presignedProblem } from './presigned.ts';
import { forgetExpired } from './removed.ts';
import { type Funnel } from '#control/funnel/funnel.ts';

/** One slice of a sweep: how many signatures it renewed, and where the next one begins. */
export interface RefreshOutcome {
  readonly renewed: number;
  /** When the first of the signatures ends that stay, seconds since 1970; absent: none stays. */
  readonly endsAt?: number | undefined;
  readonly next: string | undefined;
}

interface SweptZone {
  readonly name: string;
  readonly dnssec: 'on' | 'off';
  readonly presigned?: Pick<Presigned, 'endsAtSeconds'>;
}

/** What the sweep works on. */
export interface Refreshable {
  zones(): readonly SweptZone[];
  /** Renews those signatures of at most `nodeLimit` nodes that are near their end; a slice without any writes nothing. */
  refreshSlice(name: Name, from: string, nodeLimit: number): Promise<Result<RefreshOutcome>>;
  /** Forgets what is kept of removed zones whose time is over. */
  forgetRemoved?(): Promise<Result<unknown>>;
  /** Checks some of what is served, chosen by chance, and alerts of what is not good. */
  sampleServed?(): Promise<void>;
  /** Looks whether the clock has jumped, and alerts. */
  watchClock?(): Promise<void>;
  /** Of the zones that were swept to the end, and failures since the start; the sweep keeps it up to date. */
  readonly signatures?: { readonly endsAt: Map<string, number>; failures: number };
  /** Reports what needs a person. */
  readonly alert?: (zone: string, problems: readonly Problem[]) => Promise<void>;
}

const REFRESH = { actor: { kind: 'system', id: 'refresh', from: '' }, action: 'dnssec.refresh', upkeep: true } as const;

/** The zones of the store. */
export function storedZones(writer: StoreWriter, clock: Clock, funnel: Funnel, alert: NonNullable<Refreshable['alert']>): Refreshable {
  return {
    alert,
    signatures: { endsAt: new Map(), failures: 0 },
    zones: () => writer.zones(),
    forgetRemoved: () =>
      funnel.change({ ...REFRESH, action: 'zone.forget' }, () => {
        const expired = forgetExpired(writer, clock.nowMs());
        return ok({ ...expired, isChanged: expired.documents.length > 0 });
      }),
    async refreshSlice(name, from, nodeLimit) {
      const done = await funnel.change(REFRESH, () => {
        const record = writer.zoneByName(name);
        if (record === undefined || !isSignedHere(record)) return ok({ isChanged: false });
        const part = { record, view: writer.view(record), changes: [], renewal: { from, nodeLimit } };
        return ok({ zone: record.name, parts: [part], detail: (count) => `${count} signatures`, isChanged: false });
      });
      if (!done.ok) return done;
      const [part] = done.value.parts;
      return ok({ renewed: part?.plan.signatureCount ?? 0, endsAt: part?.endsAt, next: part?.next });
    },
  };
}

export class Refresher {
  readonly #zones: Refreshable;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sweptAtMs = new Map<string, number>();
  /** What was said of the ends of pre-signed zones. */
  readonly #told = new Map<string, string>();
  /** Zones whose last sweep failed: reported once. */
  readonly #failed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(zones: Refreshable, clock: Clock, log: Log) {
    this.#zones = zones;
    this.#clock = clock;
    this.#log = log;
  }

  /** Sweeps now, then looks once a minute. */
  start(): void {
    const look = (): void => {
      this.#running = this.sweepDue().finally(() => {
        if (!this.#stopped) this.#timer = setTimeout(look, REFRESH_LOOK_MS);
      });
    };
    look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Sweeps every signed zone whose last whole sweep is REFRESH_EVERY_MS ago, or in the future: then the clock was set back. */
  async sweepDue(): Promise<void> {
    await this.#zones.watchClock?.();
    await this.#zones.sampleServed?.();
    await this.#zones.forgetRemoved?.();
    const nowMs = this.#clock.nowMs();
    this.#forgetGone();
    for (const zone of this.#zones.zones()) {
      const { name, dnssec } = zone;
      if (zone.presigned !== undefined) {
        await this.#watchPresigned(zone, nowMs);
        continue;
      }
      const agoMs = nowMs - (this.#sweptAtMs.get(name) ?? -Infinity);
      if (this.#stopped || dnssec === 'off' || (agoMs >= 0 && agoMs < REFRESH_EVERY_MS)) continue;
      if (await this.#sweep(name)) this.#sweptAtMs.set(name, nowMs);
    }
  }

  /** Zones that are gone, or not signed here any more, have no signatures that end. */
  #forgetGone(): void {
    const { endsAt } = this.#zones.signatures ?? {};
    if (endsAt === undefined || endsAt.size === 0) return;
    const signed = new Set(this.#zones.zones().flatMap(({ name, dnssec }) => (dnssec === 'on' ? [name] : [])));
    for (const name of endsAt.keys()) if (!signed.has(name)) endsAt.delete(name);
  }

  /** Nothing is renewed of a zone that another signer signs: that it ends is said, once for each degree. */
  async #watchPresigned(zone: Parameters<typeof presignedProblem>[0], nowMs: number): Promise<void> {
    const { name } = zone;
    const found = presignedProblem(zone, nowMs / 1000);
    const text = found === undefined ? '' : `${found.severity} ${found.message}`;
    if ((this.#told.get(name) ?? '') === text) return;
    this.#told.set(name, text);
    if (found === undefined) return;
    await this.#zones.alert?.(name, [found]);
    const level = found.severity === 'error' ? 'error' : 'warn';
    this.#log[level]('dnssec.presigned-ends', formatProblem(found), { zone: name });
  }

  async #sweep(name: string): Promise<boolean> {
    const zone = nameOf(name);
    let [renewed, endsAt] = [0, Infinity];
    for (let from: string | undefined = ownerKey(zone); from !== undefined && !this.#stopped;) {
      const slice: Result<RefreshOutcome> = await this.#zones.refreshSlice(zone, from, REFRESH_SLICE_NODES);
      if (!slice.ok) {
        await this.#report(name, slice.problems);
        return false;
      }
      renewed += slice.value.renewed;
      endsAt = Math.min(endsAt, slice.value.endsAt ?? Infinity);
      from = slice.value.next;
      // A slice without due signatures writes nothing and waits for nothing: without this the event loop would not turn
      // before the last slice of the last zone.
      await turn();
    }
    this.#failed.delete(name);
    if (!this.#stopped && endsAt < Infinity) this.#zones.signatures?.endsAt.set(name, endsAt);
    if (renewed > 0) this.#log.info('dnssec.refreshed', `${name} ${renewed} signatures renewed`, { zone: name, signatures: renewed });
    return true;
  }

  async #report(name: string, problems: readonly Problem[]): Promise<void> {
    if (this.#zones.signatures !== undefined) this.#zones.signatures.failures += 1;
    if (!this.#failed.has(name)) await this.#zones.alert?.(name, problems);
    this.#failed.add(name);
    const text = problems.map(formatProblem).join('; ');
    this.#log.error('dnssec.refresh-failed', `${name} signatures not renewed, will try again in a minute: ${text}`, {
      zone: name,
      problems: text,
    });
  }
}
