/**
 * Checks what is served for as long as the server runs: of a few zones chosen by chance, what is in the store, and what
 * a client gets over the network. What does not validate is an alert and holds the zone's rollovers.
 * Not here: the check before anything is published (control/signing/prepare.ts).
 */
import { SERVED_SAMPLE_ZONES } from '#base/limits/dnssec.ts';
import { toSeconds } from '#base/clock.ts';
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { sampleZone } from '#control/signing/sampler.ts';
import { type AskListener, type ServedVerdict, lookAtServed } from './served-look.ts';

export interface SamplerOptions {
  readonly writer: StoreWriter;
  readonly publisher: Pick<Publisher, 'addresses' | 'isServed'>;
  readonly random: (bytes: number) => Uint8Array;
  /** The true time as well as it is known. */
  readonly nowMs: () => number;
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  /** DS records at the parent that the zone must be reached from. */
  readonly dsOf: (record: ZoneRecord) => readonly Uint8Array[];
  /** Holds the zone's rollovers unless they are held; false: they are not. */
  readonly hold: (record: ZoneRecord, reason: string) => Promise<boolean>;
  readonly ask?: AskListener;
}

/** Looks at zones by what they showed, since the start. */
export type ServedCounts = Readonly<Record<ServedVerdict['kind'], number>>;

export class ServedSampler {
  readonly #options: SamplerOptions;
  /** Zones that were alerted of, and whether their rollovers are held, until what is checked of them is good. */
  readonly #alerted = new Map<string, boolean>();
  readonly #counts = { good: 0, bad: 0, silent: 0 };

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  get counts(): ServedCounts {
    return this.#counts;
  }

  /** Checks a few zones. */
  async sample(): Promise<void> {
    const { writer, random } = this.#options;
    const below = (count: number): number => Buffer.from(random(4)).readUInt32BE() % count;
    const signed = writer.zones().filter(isSignedHere);
    const names = new Set(signed.map(({ name }) => name));
    for (const name of this.#alerted.keys()) if (!names.has(name)) this.#alerted.delete(name);
    let isAnswering = true;
    for (let left = Math.min(SERVED_SAMPLE_ZONES, signed.length); left > 0; left--) {
      const record = signed.splice(below(signed.length), 1)[0]!;
      const verdict = await this.#look(record, isAnswering);
      this.#counts[verdict.kind]++;
      // A listener that does not answer is not waited for again in this turn.
      isAnswering = verdict.kind !== 'silent';
      if (verdict.kind === 'good') this.#alerted.delete(record.name);
      if (verdict.kind === 'bad') await this.#tell(record, verdict);
    }
  }

  async #look(record: ZoneRecord, isAnswering: boolean): Promise<ServedVerdict> {
    const { writer, publisher, random, nowMs, dsOf, ask } = this.#options;
    const nowSeconds = toSeconds(nowMs());
    const stored = sampleZone(record, writer.view(record), nowSeconds, random);
    if (stored !== undefined) return stored;
    const { id, revision } = record;
    // A moment after a change of it, and while there is no answer process, the store is all that can be looked at.
    if (!isAnswering || !publisher.isServed(revision)) return { kind: 'silent' };
    const shared = { addresses: publisher.addresses, ds: dsOf(record), nowSeconds, random };
    const verdict = await lookAtServed(writer.view(record), ask === undefined ? shared : { ...shared, ask });
    // What changed in between is looked at another time; changes of other zones are nothing to it.
    return writer.zoneById(id)?.revision === revision ? verdict : { kind: 'silent' };
  }

  async #tell(record: ZoneRecord, { question, why }: Extract<ServedVerdict, { kind: 'bad' }>): Promise<void> {
    const { alert, hold } = this.#options;
    const { name } = record;
    if (this.#alerted.get(name) === true) return;
    const isTold = this.#alerted.has(name);
    const text = `${question} is served as it must not be: ${why}`;
    const isHeld = await hold(record, text);
    this.#alerted.set(name, isHeld);
    if (isTold) return;
    const said = isHeld ? 'Its rollovers are held' : 'Its rollovers could not be held';
    const then = isHeld ? `then: waxseal dnssec resume ${name}` : `hold them: waxseal dnssec hold ${name} --reason …`;
    const found = problem('DNSSEC_SERVED', atZone(name), `${text}. ${said}`, {
      fix: `look at the log and at \`waxseal zone export ${name} --signed\`; a backup has the zone as it was; ${then}`,
    });
    await alert(name, [found]);
  }
}
