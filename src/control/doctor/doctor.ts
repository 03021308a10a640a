/**
 * Checks of zones as they are asked for: of a zone one at a time, of all zones a few.
 * Not here: looking (look.ts), judging (judge.ts).
 */
import { type Clock } from '#base/clock.ts';
import { CHECKS_MAX, CHECK_MS_MAX } from '#base/limits/outside.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type ZoneCheckApi, type ZoneCheckReport } from '#control/api/zone-check.ts';
import { askDirectly, askTcp } from '#control/outside/direct-question.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { lookSignal } from '#control/outside/probe-addresses.ts';
import { type Ask, checkClient } from './client.ts';
import { judgeZone } from './judge.ts';
import { lookAtZone } from './look.ts';
import { meantFacts } from './meant.ts';
import { probesOf } from './probes.ts';
import { needless } from './results.ts';

export interface DoctorOptions {
  readonly writer: StoreReader;
  /** Names of others and our own alike are asked outside. */
  readonly outside: Resolver;
  readonly witnesses: OutsideWitnesses;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Questions to one server, over the network unless given. */
  readonly ask?: { readonly udp: Ask; readonly tcp: Ask };
  readonly limitMs?: number;
}

export class Doctor implements ZoneCheckApi {
  readonly #options: DoctorOptions;
  readonly #stopping = new AbortController();
  readonly #running = new Map<number, Promise<Result<ZoneCheckReport>>>();

  constructor(options: DoctorOptions) {
    this.#options = options;
  }

  /** Ends the checks under way: what they did not see by then was not tested. */
  stop(): void {
    this.#stopping.abort();
  }

  check(record: ZoneRecord): Promise<Result<ZoneCheckReport>> {
    const { id } = record;
    const before = this.#running.get(id);
    if (before !== undefined) return before;
    if (this.#running.size >= CHECKS_MAX) return Promise.resolve(fail(BUSY));
    const check = this.#check(record).finally(() => this.#running.delete(id));
    this.#running.set(id, check);
    return check;
  }

  async #check(record: ZoneRecord): Promise<Result<ZoneCheckReport>> {
    const { writer, outside, witnesses, clock, random, ask, limitMs = CHECK_MS_MAX } = this.#options;
    const { name, serial } = record;
    if (record.isCatalog === true) {
      const results = [needless('delegated', name, 'a catalog is for name servers, and not on the internet')];
      return ok({ zone: name, atMs: clock.nowMs(), serial, verdict: 'good_not_tested', results, omitted: 0 });
    }
    const ends = new AbortController();
    const signal = lookSignal(limitMs, ends.signal, this.#stopping.signal);
    const { udp = askDirectly, tcp = askTcp } = ask ?? {};
    const client = checkClient({ resolver: outside, askUdp: udp, askTcp: tcp, signal });
    try {
      const meant = meantFacts(writer, record, clock.nowMs());
      const label = Buffer.from(random(8)).toString('hex');
      const look = { client, probes: probesOf(witnesses, name), signal, label };
      const seen = await lookAtZone(writer.view(record), meant, look);
      // A change during the look: secondaries may have it already.
      const after = writer.zoneById(record.id)?.serial ?? serial;
      const otherSerials = after === serial ? meant.otherSerials : [...meant.otherSerials, after];
      const facts = { ...seen, meant: { ...meant, otherSerials }, nowMs: clock.nowMs() };
      return ok({ zone: name, atMs: facts.nowMs, serial, ...judgeZone(facts) });
    } finally {
      ends.abort();
    }
  }
}

const BUSY = problem('ZONE_CHECK_BUSY', WHOLE, `${CHECKS_MAX} zones are being checked now; nothing was asked`, {
  fix: 'ask again in half a minute',
});
