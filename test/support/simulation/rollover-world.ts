/**
 * A zone whose keys are rolled, in simulated time: name servers and a parent that lag, an operator who edits records, crashes, restarts. It
 * writes down what each server gave out and when; what caches could make of it is for rollover-judge.ts.
 */
import { nameOf } from '#dns/name.ts';
import { KEY_POLICY, type KeyPolicy, rolesOf } from '#dnssec/key-policy.ts';
import { type KeyStage, keyUse } from '#dnssec/key-stage.ts';
import { type GoneRrsets, goneTtlMs, noteGone } from '#dnssec/rollover/gone.ts';
import { type NewRollover, type RolloverStep, keysForParent, rolloverLives, stepRollovers } from '#dnssec/rollover/step.ts';
import { type ZoneKey, firstKeyStage } from '#dnssec/rollover/keys.ts';
import { ROLLOVER_MACHINES, needsParent } from '#dnssec/rollover/machine.ts';
import { NO_ROLLOVERS, type RolloverState, rolloversOf } from '#dnssec/rollover/state.ts';
import { type WantedRollover, replacingRollover, wantedRollover } from '#dnssec/rollover/wanted.ts';
import { overrideWait } from '#lifecycle/engine.ts';
import { changeLives } from '#lifecycle/lives.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { type Random, pick, seededRandom } from '../random.ts';

/** What one server gave out of one thing. */
export interface Given<T> {
  readonly value: T;
  readonly ttlMs: number;
  readonly fromMs: number;
  /** It gave out something else from then on. */
  toMs: number;
}

export interface KeySetGiven {
  readonly published: readonly string[];
  readonly signers: readonly string[];
}

/** Everything that was given out, by server. Keys are ids; `algorithms` has each one's. */
export interface RolloverDiary {
  readonly ds: readonly Given<readonly string[]>[][];
  readonly dnskey: readonly Given<KeySetGiven>[][];
  /** Each RRset of each server. */
  readonly rrsets: readonly Given<readonly string[]>[][];
  readonly algorithms: ReadonlyMap<string, number>;
  readonly stages: readonly string[];
  readonly isDone: boolean;
  /** When the last rollover ended, or the last look at it. */
  readonly doneMs: number;
  readonly counts: { steps: number; crashes: number; reboots: number; edits: number; retimes: number; shared: number };
}

const ZONE = nameOf('example.');
const SECONDS = [5, 60, 300, 3600, 86_400];
const DAY_MS = 86_400_000;

/** What the other signer publishes of ours, and since when. */
interface OtherSigner {
  readonly keyTtlMs: number;
  knows: readonly string[];
  sinceMs: number;
}

/** Zones that were bogus once. An RRset got a shorter TTL while a server was behind by hours (dnssec/rollover/gone.ts). */
export const FOUND: readonly number[] = [32_467];

const OTHER = 'other';

interface Edge {
  readonly atMs: number;
  readonly run: () => void;
}

/**
 * Lives through one rollover: from keys of one policy to those of another, or of the same keys to new ones, or away from DNSSEC; or, when
 * `isCompromised`, through one that takes a key out at once. With `retiming`, chance of its own, the operator gives DNSKEY other TTLs.
 */
export function liveRollover(random: Random, machines = ROLLOVER_MACHINES, isCompromised = false, retiming?: Random): RolloverDiary {
  const world = new World(random, machines, isCompromised);
  if (retiming !== undefined) world.retime(retiming);
  return world.live();
}

/** That of a seed: with every second one, DNSKEY gets other TTLs; those that were bogus once live as they did. */
export function rolloverOf(seed: number, machines = ROLLOVER_MACHINES): RolloverDiary {
  const isRetimed = seed % 2 === 0 && !FOUND.includes(seed);
  return liveRollover(seededRandom(seed), machines, false, isRetimed ? seededRandom(seed) : undefined);
}

class World {
  readonly #random: Random;
  readonly #isCompromised: boolean;
  readonly #lives: ReturnType<typeof rolloverLives>;
  #policy: KeyPolicy;
  readonly #dsTtlsMs: readonly [number, number];
  readonly #isHidden: readonly boolean[];
  readonly #isSlowParent: readonly boolean[];
  readonly #events: Edge[] = [];
  readonly #algorithms = new Map<string, number>();
  readonly #stages: string[] = [];
  readonly #counts = { steps: 0, crashes: 0, reboots: 0, edits: 0, retimes: 0, shared: 0 };
  readonly #ds: Given<readonly string[]>[][];
  readonly #dnskey: Given<KeySetGiven>[][];
  readonly #rrsets: Given<readonly string[]>[][];
  readonly #serialAt: number[];
  readonly #arrivedMs: number[];
  #realMs = 1_800_000_000_000;
  #lostMs = 0;
  #downUntilMs = 0;
  #serial = 1;
  #made = 0;
  #state: RolloverState = NO_ROLLOVERS;
  #keys: readonly ZoneKey[];
  #isDeletingDs = false;
  #isSigned = true;
  /** TTL and signers of each RRset of the zone now. */
  #records: { ttlMs: number; signers: readonly string[] }[];
  #gone: GoneRrsets = {};
  #parentLooks: readonly string[] = [];
  /** RFC 8901 §2.1.2: another who signs the zone too, with a key of its own. */
  readonly #other: OtherSigner | undefined;

  constructor(random: Random, machines: typeof ROLLOVER_MACHINES, isCompromised: boolean) {
    this.#isCompromised = isCompromised;
    this.#random = random;
    this.#lives = rolloverLives(machines);
    const seconds = () => pick(random, SECONDS);
    this.#policy = {
      ...KEY_POLICY,
      keys: pick(random, ['csk', 'ksk+zsk'] as const),
      propagationSeconds: seconds(),
      parentPropagationSeconds: seconds(),
      keyTtlSeconds: seconds(),
    };
    this.#dsTtlsMs = [seconds() * 1000, seconds() * 1000];
    const servers = 1 + Math.floor(random() * 3);
    this.#isHidden = Array.from({ length: servers }, (_, at) => at > 0 && random() < 0.5);
    this.#isSlowParent = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) => at > 0 && random() < 0.5);
    this.#keys = rolesOf(this.#policy).map((role) => this.#newKey(role, 13, 'active'));
    this.#records = Array.from({ length: 3 }, () => ({ ttlMs: seconds() * 1000, signers: this.#zoneSigners() }));
    const always = this.#realMs - 30 * DAY_MS;
    this.#other =
      isCompromised || random() < 0.7
        ? undefined
        : { keyTtlMs: seconds() * 1000, knows: this.#idsOf(({ isPublished }) => isPublished), sinceMs: always };
    if (this.#other !== undefined) this.#algorithms.set(OTHER, 13);
    const ids = this.#announced();
    this.#ds = this.#isSlowParent.map(() => [{ value: ids, ttlMs: this.#dsTtlsMs[0], fromMs: always, toMs: Infinity }]);
    this.#dnskey = this.#isHidden.map(() => [this.#keySet(always)]);
    this.#rrsets = this.#isHidden.flatMap(() =>
      this.#records.map((each) => [{ value: each.signers, ttlMs: each.ttlMs, fromMs: always, toMs: Infinity }]),
    );
    if (this.#other !== undefined) {
      this.#counts.shared = 1;
      this.#dnskey.push([this.#otherKeySet(this.#other, always)]);
      this.#rrsets.push([{ value: [OTHER], ttlMs: seconds() * 1000, fromMs: always, toMs: Infinity }]);
    }
    this.#serialAt = this.#isHidden.map(() => 1);
    this.#arrivedMs = this.#isHidden.map(() => always);
  }

  live(): RolloverDiary {
    for (let left = Math.floor(this.#random() * 4); left > 0; left--) this.#later(this.#random() * 3 * DAY_MS, () => this.#edit());
    this.#parentFollows();
    this.#otherFollows();
    this.#begin();
    let next = this.#step(undefined);
    let isDone = false;
    for (let turns = 0; turns < 600 && !isDone; turns++) {
      const dueMs = Math.max(this.#downUntilMs, this.#wakeMs(next));
      const event = this.#events.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (event !== undefined && event.atMs <= dueMs) {
        this.#events.splice(this.#events.indexOf(event), 1);
        this.#realMs = event.atMs;
        event.run();
        continue;
      }
      this.#realMs = dueMs;
      next = this.#step(next);
      isDone = rolloversOf(this.#state).length === 0;
    }
    const { isSigned } = { isSigned: this.#isSigned };
    return {
      ds: this.#ds,
      dnskey: this.#dnskey,
      rrsets: this.#rrsets,
      algorithms: this.#algorithms,
      stages: this.#stages,
      isDone: isDone && (isSigned || this.#keys.length === 0),
      doneMs: this.#realMs,
      counts: this.#counts,
    };
  }

  // --- the operator ---

  #begin(): void {
    const [first] = this.#keys;
    if (this.#isCompromised) return this.#replace(pick(this.#random, this.#keys).role);
    const alone = this.#other === undefined ? (['algorithm', 'unsigning'] as const) : [];
    const what = pick(this.#random, ['csk', 'zsk', 'set', ...alone] as const);
    const roll = (key: ZoneKey, kind: 'zsk' | 'ksk'): WantedRollover => ({
      kind,
      out: [key.id],
      in: [{ role: key.role, algorithm: key.algorithm }],
      reason: '',
    });
    const changed = (policy: Partial<KeyPolicy>): WantedRollover =>
      wantedRollover({ zone: 'example.', state: this.#state, keys: this.#keys, policy: { ...this.#policy, ...policy }, nowMs: 0 })!;
    const otherKeys = this.#policy.keys === 'csk' ? 'ksk+zsk' : 'csk';
    const zsk = this.#keys.find(({ role }) => role === 'zsk');
    if (what === 'unsigning') return this.#open({ kind: 'unsigning', out: [], in: [], reason: '' });
    if (what === 'algorithm') return this.#open(changed({ algorithm: 15, keys: pick(this.#random, ['csk', 'ksk+zsk'] as const) }));
    if (what === 'set') return this.#open(changed({ keys: otherKeys }));
    this.#open(what === 'zsk' && zsk !== undefined ? roll(zsk, 'zsk') : roll(first!, 'ksk'));
  }

  #open({ kind, out, in: incoming }: WantedRollover): void {
    const made = incoming.map(({ role, algorithm }) => this.#newKey(role, algorithm, firstKeyStage(kind)));
    const begin: NewRollover = { kind, id: `${kind}-1`, out, in: made.map(({ id }) => id) };
    this.#commit(this.#decide([...this.#keys, ...made], begin, []));
  }

  #replace(role: ZoneKey['role']): void {
    const ground = { zone: 'example.', state: this.#state, keys: this.#keys, policy: this.#policy, nowMs: 0 };
    const wanted = replacingRollover(ground, role);
    if (wanted.ok) this.#open(wanted.value);
  }

  /** Another TTL, or the record goes and another comes: caches keep what was. */
  #edit(): void {
    if (!this.#isSigned) return;
    // Without this server there is no edit.
    if (this.#realMs < this.#downUntilMs) return this.#later(this.#downUntilMs - this.#realMs, () => this.#edit());
    this.#counts.edits++;
    const at = Math.floor(this.#random() * this.#records.length);
    this.#gone = noteGone(this.#gone, this.#records[at]!.ttlMs, this.#nowMs());
    this.#records = this.#records.with(at, { ttlMs: pick(this.#random, SECONDS) * 1000, signers: this.#zoneSigners() });
    this.#publish(true);
  }

  /** Other TTLs of DNSKEY, at some times to come. */
  retime(random: Random): void {
    // Before anything was decided for the zone.
    if (random() < 0.3) this.#changeKeyTtl(random);
    for (let left = 1 + Math.floor(random() * 2); left > 0; left--) this.#later(random() * 3 * DAY_MS, () => this.#changeKeyTtl(random));
  }

  /** Noted with the step that the change of the policy takes; slow servers have it as late as other changes of keys. */
  #changeKeyTtl(random: Random): void {
    if (!this.#isSigned) return;
    if (this.#realMs < this.#downUntilMs) return this.#later(this.#downUntilMs - this.#realMs, () => this.#changeKeyTtl(random));
    this.#counts.retimes++;
    this.#policy = { ...this.#policy, keyTtlSeconds: pick(random, SECONDS) };
    const before = this.#serial;
    this.#commit(this.#decide(this.#keys, undefined, []));
    if (this.#serial === before) this.#publish();
  }

  // --- the step ---

  #nowMs(): number {
    return this.#realMs - this.#lostMs;
  }

  #wakeMs({ nextDueMs = Infinity, checks }: RolloverStep<ZoneKey>): number {
    const dueMs = Math.min(nextDueMs, ...checks.map((each) => each.dueMs)) + this.#lostMs;
    const strideMs = this.#random() * 8 * 3_600_000;
    const exactMs = Math.max(dueMs, this.#realMs + 1000);
    // Late is harmless, and keeps the number of steps small.
    const wakeMs = this.#random() < 0.5 && exactMs < this.#realMs + 2 * DAY_MS ? exactMs : this.#realMs + strideMs;
    return Math.max(this.#realMs + 1, Math.round(wakeMs));
  }

  /** Looks, decides, commits; a crash loses it. */
  #step(last: RolloverStep<ZoneKey> | undefined): RolloverStep<ZoneKey> {
    this.#counts.steps++;
    const step = this.#decide(this.#keys, undefined, last === undefined ? [] : this.#look(last));
    const luck = this.#random();
    if (luck < 0.06) {
      this.#counts.crashes++;
      const awayMs = Math.round(this.#random() * pick(this.#random, [60_000, DAY_MS]));
      this.#downUntilMs = this.#realMs + awayMs;
      // A reboot: what the machine did not count does not count.
      if (luck < 0.03) {
        this.#counts.reboots++;
        this.#lostMs += awayMs;
      }
      return last ?? step;
    }
    this.#commit(step);
    return step;
  }

  #decide(keys: readonly ZoneKey[], begin: NewRollover | undefined, observations: readonly LifecycleObservation[]): RolloverStep<ZoneKey> {
    const nowMs = this.#nowMs();
    const isAsked = begin === undefined ? this.#parentLooks.length > 0 : this.#random() < 0.5;
    const ttls = isAsked ? { dsTtlSeconds: this.#dsTtlNowMs() / 1000 } : {};
    return stepRollovers({
      zone: ZONE,
      policy: this.#policy,
      keys,
      state: this.#state,
      facts: {
        nowMs,
        // A wall clock that is set wrong changes nothing.
        wallOffsetMs: Math.round((this.#random() - 0.5) * DAY_MS),
        places: {
          servers: this.#isHidden.flatMap((isHidden, at) => (isHidden ? [] : [`server ${at}`])),
          parent: this.#parentLooks.length === 0 && this.#random() < 0.2 ? [] : this.#isSlowParent.map((_, at) => `parent ${at}`),
        },
      },
      serial: this.#serial,
      ...(begin === undefined ? {} : { begin }),
      observations,
      servedKeyTtlSeconds: this.#dnskey[0]!.at(-1)!.ttlMs / 1000,
      ...ttls,
      isShared: this.#other !== undefined,
      cachedMs: () => Math.max(...this.#records.map(({ ttlMs }) => ttlMs), goneTtlMs(this.#gone, nowMs)),
      lives: this.#lives,
    });
  }

  #commit({ state, keys, isDeletingDs, isSigned, events }: RolloverStep<ZoneKey>): void {
    const same = JSON.stringify([this.#keys, this.#isDeletingDs, this.#isSigned]);
    [this.#state, this.#keys, this.#isDeletingDs, this.#isSigned] = [state, keys, isDeletingDs, isSigned];
    for (const { event, machine, text } of events) if (event === 'step' || event === 'finished') this.#stages.push(`${machine} ${text}`);
    if (JSON.stringify([keys, isDeletingDs, isSigned]) === same) return;
    this.#records = this.#records.map((each) => ({ ...each, signers: this.#zoneSigners() }));
    this.#publish();
  }

  #look({ checks }: RolloverStep<ZoneKey>): LifecycleObservation[] {
    const nowMs = this.#nowMs();
    const busy = rolloversOf(this.#state);
    this.#parentLooks = busy.some(({ kind }) => needsParent(kind)) && this.#random() < 0.9 ? ['asked'] : [];
    return checks.flatMap(({ object, what, place, dueMs, expect }): LifecycleObservation[] => {
      if (dueMs > nowMs || this.#random() < 0.1) return [];
      const at = Number(place.split(' ')[1]);
      const seen = (isGood: boolean) => [{ object, what, place, isGood, text: '', atMs: nowMs }];
      if (what === 'ds') {
        const found = busy.find((each) => each.object.id === object);
        if (found === undefined) return [];
        const wanted = [...keysForParent(found.kind, found.object, this.#keys).map(({ id }) => id), ...this.#others()];
        return seen(JSON.stringify(wanted) === JSON.stringify(this.#ds[at]!.at(-1)!.value));
      }
      if (expect === undefined || (expect.kind !== 'record' && expect.kind !== 'no-record')) return [];
      const { published } = this.#dnskey[at]!.at(-1)!.value;
      const isThere = published.some((id) => expect.text.includes(textOf(id)));
      return seen(this.#serialAt[at]! >= (expect.serial ?? 0) && isThere === (expect.kind === 'record'));
    });
  }

  // --- servers and parent ---

  /** Of an edit every server is as fast as the policy says; of other keys who can be asked may be slower: it is waited for. */
  #publish(isEdit = false): void {
    this.#serial++;
    const { propagationSeconds } = this.#policy;
    const serial = this.#serial;
    const records = this.#records;
    const isSigned = this.#isSigned;
    const keySet = this.#keySet(0);
    this.#isHidden.forEach((isHidden, server) => {
      const isBound = isHidden || isEdit;
      const lagMs = server === 0 ? 0 : this.#random() * propagationSeconds * 1000 * (isBound ? 1 : 4);
      this.#arrivedMs[server] = Math.max(
        this.#arrivedMs[server]!,
        this.#realMs + (isHidden ? Math.min(lagMs, propagationSeconds * 1000) : lagMs),
      );
      const arrive = (): void => {
        const atMs = this.#realMs;
        this.#serialAt[server] = serial;
        give(this.#dnskey[server]!, isSigned ? keySet.value : { published: [], signers: [] }, keySet.ttlMs, atMs);
        records.forEach(({ ttlMs, signers }, at) =>
          give(this.#rrsets[server * records.length + at]!, isSigned ? signers : [], ttlMs, atMs),
        );
      };
      if (server === 0) arrive();
      else this.#events.push({ atMs: this.#arrivedMs[server], run: arrive });
    });
  }

  /** The other signer takes over our keys now and then; when no cache has what it had before, that is said here. */
  #otherFollows(): void {
    const other = this.#other;
    if (other === undefined) return;
    const published = this.#idsOf(({ isPublished }) => isPublished);
    if (JSON.stringify(published) !== JSON.stringify(other.knows) && this.#random() < 0.7) {
      Object.assign(other, { knows: published, sinceMs: this.#realMs });
      const { value, ttlMs } = this.#otherKeySet(other, this.#realMs);
      give(this.#dnskey[this.#isHidden.length]!, value, ttlMs, this.#realMs);
    }
    const isCached = this.#realMs < other.sinceMs + other.keyTtlMs;
    if (!isCached && this.#realMs >= this.#downUntilMs) this.#confirmOthers(other.knows);
    this.#later(this.#random() * DAY_MS, () => this.#otherFollows());
  }

  #confirmOthers(known: readonly string[]): void {
    for (const { object } of rolloversOf(this.#state)) {
      const isKnown = object.stage === 'published' && object.data.in.every((id) => known.includes(id));
      if (!isKnown || object.overrides.length > 0) continue;
      const order = { reason: 'it has them', by: 'operator', nowMs: this.#nowMs() };
      const said = changeLives(this.#lives, this.#state, object.id, (state, machine) =>
        overrideWait(machine, state, object.id, 'others', order),
      );
      if (said.ok) this.#state = said.value;
    }
  }

  #otherKeySet({ knows, keyTtlMs }: OtherSigner, fromMs: number): Given<KeySetGiven> {
    return { value: { published: [...knows, OTHER], signers: [OTHER] }, ttlMs: keyTtlMs, fromMs, toMs: Infinity };
  }

  #others(): readonly string[] {
    return this.#other === undefined ? [] : [OTHER];
  }

  /** The parent looks at CDS now and then, and does what it says. */
  #parentFollows(): void {
    const wanted = this.#isSigned ? (this.#isDeletingDs ? [] : this.#announced()) : [];
    if (this.#isSigned && JSON.stringify(wanted) !== JSON.stringify(this.#ds[0]!.at(-1)!.value)) {
      const ttlMs = this.#dsTtlsMs[1];
      const spreadMs = this.#policy.parentPropagationSeconds * 1000;
      this.#ds.forEach((given, at) => {
        // The last of several is one that no look reaches; a slow one is waited for.
        const lagMs = this.#random() * spreadMs * (this.#isSlowParent[at] === true ? 3 : 1);
        const run = (): void => give(given, wanted, ttlMs, this.#realMs);
        this.#events.push({ atMs: this.#realMs + lagMs, run });
      });
      // One more, behind the same address as the first: whatever the look sees is another's.
      if (this.#random() < 0.5) {
        const hidden = [...this.#ds[0]!.map((each) => ({ ...each }))];
        this.#ds.push(hidden);
        this.#events.push({ atMs: this.#realMs + this.#random() * spreadMs, run: () => give(hidden, wanted, ttlMs, this.#realMs) });
      }
      return this.#later(4 * spreadMs + DAY_MS, () => this.#parentFollows());
    }
    this.#later(this.#random() * DAY_MS, () => this.#parentFollows());
  }

  #dsTtlNowMs(): number {
    return Math.max(
      ...this.#isSlowParent.map((_, at) => this.#ds[at]!.at(-1)!).map(({ value, ttlMs }) => (value.length === 0 ? 0 : ttlMs)),
    );
  }

  #later(ms: number, run: () => void): void {
    this.#events.push({ atMs: this.#realMs + ms, run });
  }

  // --- keys ---

  #newKey(role: ZoneKey['role'], algorithm: ZoneKey['algorithm'], state: KeyStage): ZoneKey {
    this.#made++;
    const id = `key-${this.#made}`;
    this.#algorithms.set(id, algorithm);
    const dnskey = Buffer.from([1, role === 'zsk' ? 0 : 1, 3, algorithm, ...Buffer.from(textOf(id), 'base64')]).toString('base64');
    return { id, keyTag: this.#made, algorithm, role, state, dnskey };
  }

  #idsOf(is: (use: ReturnType<typeof keyUse>) => boolean): readonly string[] {
    return this.#keys.filter(({ role, state }) => is(keyUse(role, state))).map(({ id }) => id);
  }

  #zoneSigners(): readonly string[] {
    return this.#idsOf(({ signsZone }) => signsZone);
  }

  #announced(): readonly string[] {
    return [...this.#idsOf(({ isAnnounced }) => isAnnounced), ...this.#others()];
  }

  #keySet(fromMs: number): Given<KeySetGiven> {
    const value = {
      published: [...this.#idsOf(({ isPublished }) => isPublished), ...this.#others()],
      signers: this.#idsOf(({ signsKeys }) => signsKeys),
    };
    return { value, ttlMs: this.#policy.keyTtlSeconds * 1000, fromMs, toMs: Infinity };
  }
}

/** A public key's base64 that no other has in it, in whole groups. */
function textOf(id: string): string {
  return Buffer.from(id.padEnd(8, 'x').padStart(9, '.')).toString('base64');
}

/** From now on this server gives out `value`; the same again is no change. */
function give<T>(given: Given<T>[], value: T, ttlMs: number, atMs: number): void {
  const last = given.at(-1)!;
  if (JSON.stringify([last.value, last.ttlMs]) === JSON.stringify([value, ttlMs])) return;
  last.toMs = atMs;
  given.push({ value, ttlMs, fromMs: atMs, toMs: Infinity });
}
