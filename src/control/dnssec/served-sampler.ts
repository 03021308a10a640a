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
  /** Holds the zone's rollovers unless they are held. */
  readonly hold: (record: ZoneRecord, reason: string) => Promise<unknown>;
  readonly ask?: AskListener;
}

/** Looks at zones by what they showed, since the start. */
export type ServedCounts = Readonly<Record<ServedVerdict['kind'], number>>;

export class ServedSampler {
  readonly #options: SamplerOptions;
  /** Zones that were alerted of, until what is checked of them is good. */
  readonly #alerted = new Set<string>();
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
    const generation = writer.generation();
    // A moment after a commit, and while there is no answer process, the store is all that can be looked at.
    if (!isAnswering || !publisher.isServed(generation)) return { kind: 'silent' };
    const shared = { addresses: publisher.addresses, ds: dsOf(record), nowSeconds, random };
    const verdict = await lookAtServed(writer.view(record), ask === undefined ? shared : { ...shared, ask });
    // What changed in between is looked at another time.
    return writer.generation() === generation ? verdict : { kind: 'silent' };
  }

  async #tell(record: ZoneRecord, { question, why }: Extract<ServedVerdict, { kind: 'bad' }>): Promise<void> {
    const { alert, hold } = this.#options;
    const { name } = record;
    if (this.#alerted.has(name)) return;
    this.#alerted.add(name);
    const text = `${question} is served as it must not be: ${why}`;
    const found = problem('DNSSEC_SERVED', atZone(name), `${text}. Its rollovers are held`, {
      fix:
        `look at the log and at \`waxseal zone export ${name} --signed\`; a backup has the zone as it was; ` +
        `then: waxseal dnssec resume ${name}`,
    });
    await alert(name, [found]);
    await hold(record, text);
  }
}
