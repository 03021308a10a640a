/**
 * A mail domain over a year of simulated time, and everything around it that can go wrong: secondaries that lag, probes that fail, a
 * process that crashes before and after its commits, reboots, a wall clock that jumps, wake-ups that come late, twice or not at all,
 * signers that switch slowly, operators who rotate, revoke keys that leaked, change TTLs, certificates and mail hosts.
 * What happened is written down; `judge` in judge.ts says whether anybody was hurt.
 */
import { generateKeyPairSync } from 'node:crypto';
import { type ClockReading, type Timeline, advanceTimeline } from '#lifecycle/timeline.ts';
import { formatProblem } from '#base/problem.ts';
import { type Name, formatName, nameOf, parseName } from '#dns/name.ts';
import { formatRdata, parseRdataText } from '#dns/registry.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { type DkimSigningKey } from '#control/mail/dkim-keys.ts';
import { judgeAnswer } from '#control/outside/evidence.ts';
import { signingNow, signingWindows } from '#control/signers/windows.ts';
import { acknowledgeDkim, type DkimKey, revokeDkim, rotateDkim } from '#mail/dkim/lifecycle.ts';
import { dmarcStage } from '#mail/dmarc/ramp.ts';
import { parseTlsa } from '#mail/dane/record.ts';
import { type MailState, newMailState } from '#mail/state.ts';
import { mailFacts } from '#mail/facts.ts';
import { MAIL_LIVES, type MailLife, TLSA_LIFE } from '#mail/lives.ts';
import { type MailStep, stepMail } from '#mail/step.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { announcedBody, checkMxChange, servedBody, stsMode } from '#mail/mta-sts/lifecycle.ts';
import { isPolicyHostHere } from '#mail/mta-sts/policy-host.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { readPolicy } from '#mail/settle.ts';
import { tlsaActivated, tlsaNext } from '#mail/dane/lifecycle.ts';
import { type ZoneView } from '#zone/view.ts';
import { memoryZone, type ZoneRrset } from '#zone/zone.ts';
import { pick, type Random } from '../random.ts';
import { CacheModel, NXDOMAIN } from './cache-model.ts';
import { DAY_MS, type Diary, HOUR_MS, keyOf, MINUTE_MS, type Sabotage } from './diary.ts';
import { type Errand, SimulatedSigners } from './simulated-signers.ts';

const FRONTENDS = ['policy host a', 'policy host b'];
let rsaSpki: Buffer | undefined;
let madeKeys = 0;

/** A well-formed public key that nobody has the private part of. */
function publicKey(algorithm: 'rsa2048' | 'ed25519'): string {
  madeKeys++;
  if (algorithm === 'ed25519') {
    const key = Buffer.alloc(32);
    key.writeUInt32BE(madeKeys, 28);
    return key.toString('base64');
  }
  rsaSpki ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' });
  const key = Buffer.from(rsaSpki);
  key.writeUInt32BE(madeKeys, 100);
  return key.toString('base64');
}

function rdataOf(apex: Name, type: RrType, text: string): Uint8Array {
  const rdata = parseRdataText(type, text, apex);
  if (!rdata.ok) throw new Error(formatProblem(rdata.problems[0]!));
  return rdata.value;
}

function rrset(apex: Name, owner: string, type: RrType, ttl: number, ...texts: string[]): ZoneRrset {
  const name = parseName(owner, apex);
  if (!name.ok) throw new Error(owner);
  const rdatas = texts.map((text) => rdataOf(apex, type, text));
  return { owner: name.value, type, ttl, rdatas };
}

export function tlsaText(number: number): string {
  return `3 1 1 ${number.toString(16).toUpperCase().padStart(64, '0')}`;
}

/** Lives `days` of simulated time. The same random numbers give the same life. */
export function liveDomain(name: string, random: Random, days: number, sabotage: Sabotage = {}): Diary {
  return new SimulatedDomain(name, random, sabotage).live(days);
}

/** The part of the policy that operators change. */
interface Document {
  readonly ttl: Readonly<Record<string, string>>;
  readonly mtaSts: { readonly mode: string; readonly mx: readonly string[]; readonly maxAge: string };
  readonly dkim: object;
  readonly dane: object;
}

class SimulatedDomain {
  readonly #random: Random;
  readonly #sabotage: Sabotage;
  readonly #apex: Name;
  readonly #servers: readonly string[];
  readonly #lagMs: ReadonlyMap<string, number>;
  readonly #lives: readonly MailLife[];
  /** Who looks at the keys that the mail host shows. */
  readonly #liveChecks: readonly string[];
  readonly #diary: Diary;
  readonly #startMs = Date.UTC(2026, 10, 21);
  #t = this.#startMs;
  #wallOffsetMs = 0;
  #bootMs = 0;
  #boots = 0;
  #timeline: Timeline;
  #document: Document;
  #policy: MailPolicy;
  #negativeTtl: number;
  #serial = 0;
  #mx = ['mx1'];
  #mxWanted: string | undefined;
  #mail: readonly ZoneRrset[] = [];
  #view: ZoneView;
  #state: MailState;
  #checks: MailStep['checks'] = [];
  #active = new Map<string, string>();
  readonly #signers: SimulatedSigners;
  /** Keys that operators know to have leaked, with their algorithms. */
  readonly #leaked = new Map<string, string>();
  /** Things that happen at their time: signers that switch, hosts that change. */
  readonly #agenda: Errand[] = [];
  #tlsaKeys = 1;
  /** Of the policy host, as the configuration says. */
  #address = '192.0.2.80';
  #tlsaPending: { readonly id: string; readonly record: string } | undefined;

  constructor(name: string, random: Random, sabotage: Sabotage) {
    this.#random = random;
    this.#sabotage = sabotage;
    this.#apex = nameOf(name);
    this.#servers = ['primary', 'secondary a', 'secondary b'].slice(0, 1 + Math.floor(random() * 3));
    this.#lagMs = new Map(this.#servers.map((server) => [server, server === 'primary' ? 0 : Math.floor(random() * 12) * HOUR_MS]));
    this.#liveChecks = random() < 0.5 ? ['look'] : [];
    // How often is looked is no wait, and the fewer looks, the faster the year.
    this.#lives = (sabotage.lives ?? MAIL_LIVES).map((life) => {
      const { machine } = life;
      return { ...life, machine: { ...machine, checkEveryMs: Math.max(machine.checkEveryMs, 2 * HOUR_MS) } };
    });
    this.#negativeTtl = pick(random, [300, 900, 86_400]);
    this.#document = {
      ttl: { dkim: pick(random, ['300s', '1h', '1d']), tlsa: pick(random, ['30m', '1h', '1d']), mtaSts: pick(random, ['5m', '1h', '1d']) },
      dkim: { rotationInterval: pick(random, ['12d', '30d', '90d']), spareKeys: Math.floor(random() * 2), signers: ['mta1', 'mta2'] },
      mtaSts: { mode: 'enforce', mx: [], maxAge: '4w' },
      dane: { hosts: { mx1: { keys: [tlsaText(1)] } } },
    };
    this.#policy = this.#readPolicy();
    this.#diary = {
      name,
      cache: new CacheModel(this.#servers),
      lagMs: Math.max(...this.#lagMs.values()),
      endMs: Infinity,
      signing: [],
      shown: [{ what: tlsaText(1), fromMs: -Infinity, endMs: Infinity }],
      bodies: [],
      certificates: [],
      announcements: [],
      inactive: [],
      actives: [],
      revocations: [],
      stages: [{ stage: 'none', atMs: this.#startMs }],
      modes: [],
      problems: new Set(),
      counts: { steps: 0, crashes: 0, jumps: 0, reboots: 0, rotations: 0, activations: 0, mxChanges: 0, revocations: 0, refusals: 0 },
    };
    this.#view = memoryZone(this.#apex, this.#manual());
    this.#serve();
    this.#timeline = advanceTimeline(undefined, this.#reading());
    this.#state = newMailState(this.#view, this.#apex, this.#timeline.nowMs);
    this.#signers = new SimulatedSigners(random, this.#diary.signing, (signer, selectors) => this.#acknowledge(signer, selectors));
  }

  #readPolicy(): MailPolicy {
    const policy = readPolicy(this.#document, this.#apex);
    if (!policy.ok) throw new Error(policy.problems.map(formatProblem).join('\n'));
    return policy.value;
  }

  #manual(): ZoneRrset[] {
    const apex = this.#apex;
    return [
      rrset(apex, '@', TYPE.SOA, 86_400, `ns hostmaster ${this.#serial} 7200 900 1209600 ${this.#negativeTtl}`),
      rrset(apex, '@', TYPE.NS, 3600, 'ns'),
      rrset(apex, '@', TYPE.MX, 3600, ...this.#mx.map((host) => `10 ${host}`)),
      ...['ns', 'mx1', 'mx2', 'mx3'].map((host) => rrset(apex, host, TYPE.A, 3600, '192.0.2.1')),
    ];
  }

  live(days: number): Diary {
    const endMs = this.#startMs + days * DAY_MS;
    while (this.#t < endMs) {
      const dueMs = this.#wake();
      this.#t = Math.min(dueMs, endMs);
      this.#agenda.sort((a, b) => a.atMs - b.atMs);
      // What happens before the next wake-up happens in between, and wakes nobody.
      while (this.#agenda.length > 0 && this.#agenda[0]!.atMs <= this.#t) this.#agenda.shift()!.run();
    }
    for (const use of [...this.#diary.signing, ...this.#diary.shown]) use.endMs = Math.min(use.endMs, endMs);
    this.#diary.endMs = endMs;
    return this.#diary;
  }

  #reading(): ClockReading {
    return { wallMs: this.#t + this.#wallOffsetMs, uptimeMs: this.#t - this.#bootMs, bootId: String(this.#boots) };
  }

  /** One wake-up; gives the time of the next. */
  #wake(): number {
    const { counts } = this.#diary;
    counts.steps++;
    if (this.#random() < (this.#sabotage.rates?.jump ?? 0.04)) {
      counts.jumps++;
      this.#wallOffsetMs = Math.floor((this.#random() - 0.5) * 800) * DAY_MS;
    }
    if (this.#random() < 0.01) {
      counts.reboots++;
      this.#boots++;
      this.#bootMs = this.#t;
    }
    const timeline = advanceTimeline(this.#timeline, this.#reading());
    const nowMs = this.#sabotage.isWallClock === true ? Math.max(timeline.nowMs, this.#t + this.#wallOffsetMs) : timeline.nowMs;
    const observations = this.#look(nowMs);
    this.#orders(nowMs);
    const leaked = this.#findLeak();
    const state = leaked === undefined ? this.#state : this.#emergency(leaked, nowMs);
    let step = this.#step(state, nowMs, timeline.wallOffsetMs, observations, []);
    if (step.wantedKeys.length > 0) {
      const newKeys = step.wantedKeys.map((algorithm) => ({ algorithm, publicKey: publicKey(algorithm), secretId: 'sealed' }));
      // The process may die with the keys in its hands.
      if (this.#random() < 0.2) newKeys.pop();
      step = this.#step(state, nowMs, timeline.wallOffsetMs, observations, newKeys);
    }
    const isCrashed = this.#random() < 0.15;
    if (isCrashed) counts.crashes++;
    if (!isCrashed) {
      this.#timeline = timeline;
      if (leaked !== undefined) this.#leaked.set(leaked.id, leaked.data.algorithm);
      this.#commit(step);
    } else if (this.#sabotage.isCommitTorn === true) this.#publish(step);
    const waitMs = Math.min((step.nextDueMs ?? Infinity) - nowMs, 5 * DAY_MS);
    // After a crash the process is back soon; otherwise wake-ups come in time, too early, or late.
    const chance = this.#random();
    if (isCrashed) return this.#t + MINUTE_MS;
    return this.#t + Math.max(1000, chance < 0.1 ? waitMs / 2 : chance < 0.2 ? waitMs + this.#random() * DAY_MS : waitMs);
  }

  #step(
    state: MailState,
    nowMs: number,
    wallOffsetMs: number,
    observations: readonly LifecycleObservation[],
    newKeys: Parameters<typeof stepMail>[0]['newKeys'] & object,
  ): MailStep {
    const step = stepMail({
      domain: this.#apex,
      policy: this.#policy,
      state,
      view: this.#view,
      isSigned: true,
      facts: {
        ...mailFacts(nowMs, { servers: this.#servers, probes: FRONTENDS, liveChecks: this.#liveChecks }, wallOffsetMs),
        policyHost: { addresses: [this.#address], unreachable: [], certificate: this.#certificate() },
      },
      observations,
      newKeys,
      lives: this.#lives,
    });
    for (const each of step.problems) this.#diary.problems.add(`${each.severity} ${each.code} ${each.message}`);
    return step;
  }

  #commit(step: MailStep): void {
    // As it comes back from the store.
    this.#state = JSON.parse(JSON.stringify(step.state)) as MailState;
    this.#checks = step.checks;
    this.#publish(step);
    this.#noteStages();
  }

  #publish(step: MailStep): void {
    if (step.changes.length === 0) return;
    const isHasty = this.#sabotage.isPolicyHostHasty === true && stsMode(step.state.mtaSts) === 'removed';
    const records = step.records.filter(({ type }) => !isHasty || type !== TYPE.A);
    this.#mail = records.map(({ owner, type, rrset: wanted }): ZoneRrset => ({ owner, type, ...wanted! }));
    this.#serve();
  }

  /** The zone as it is now, to every server in its time. */
  #serve(): void {
    this.#serial++;
    const rrsets = [...this.#manual(), ...this.#mail];
    this.#view = memoryZone(this.#apex, rrsets);
    const records = new Map(
      rrsets.map((each) => {
        const value = each.rdatas.map((rdata) => formatRdata(each.type, rdata)).join('|');
        return [`${formatName(each.owner)} ${each.type}`, { value, ttlMs: each.ttl * 1000 }] as const;
      }),
    );
    this.#diary.cache.publish(records, this.#negativeTtl * 1000, (server) => this.#t + this.#lagMs.get(server)! * this.#random());
  }

  #noteStages(): void {
    const { diary, state } = { diary: this.#diary, state: this.#state };
    this.#noteRevocations();
    for (const algorithm of this.#policy.dkim.algorithms) {
      const active = state.dkim.lifecycle.objects.filter(({ stage, data }) => stage === 'active' && data.algorithm === algorithm);
      const before = this.#active.get(algorithm);
      const last = diary.actives.findLast((each) => each.algorithm === algorithm)?.selector;
      const isTaken = last === undefined || diary.revocations.some(({ selector }) => selector === last);
      if (active.length > 1 || (active.length === 0 && !isTaken)) diary.inactive.push(`${algorithm}: ${active.length} at ${this.#t}`);
      const id = active[0]?.id;
      if (id === before) continue;
      if (before !== undefined && id !== undefined) diary.counts.rotations++;
      if (id === undefined) this.#active.delete(algorithm);
      else this.#active.set(algorithm, id);
      diary.actives.push({ algorithm, selector: id, atMs: this.#t });
    }
    this.#offer();
    this.#noteCertificate();
    const stage = dmarcStage(state.dmarc);
    if (diary.stages.at(-1)?.stage !== stage) diary.stages.push({ stage, atMs: this.#t });
    const mode = state.mtaSts.mode.objects[0]!.stage;
    if (diary.modes.at(-1)?.mode !== mode) diary.modes.push({ mode, atMs: this.#t });
    const announced = announcedBody(state.mtaSts);
    if (announced !== undefined && diary.announcements.at(-1)?.version !== announced.data.version)
      diary.announcements.push({ id: announced.data.id, version: announced.data.version, atMs: this.#t });
    const served = servedBody(state.mtaSts);
    for (const frontend of FRONTENDS) {
      const last = diary.bodies.findLast((each) => each.frontend === frontend);
      if (last?.version === served?.data.version && last?.endMs === Infinity) continue;
      const fromMs = Math.max(this.#t + (frontend === FRONTENDS[0] ? 0 : this.#random() * HOUR_MS), last?.fromMs ?? 0);
      if (last !== undefined && last.endMs === Infinity) last.endMs = fromMs;
      if (served !== undefined)
        diary.bodies.push({ version: served.data.version, policy: served.data.policy, frontend, fromMs, endMs: Infinity });
    }
  }

  #certificate() {
    const isThere = this.#sabotage.isCertificateSupposed === true || this.#hasCertificate(this.#t);
    return { isThere, text: isThere ? 'there' : 'ordered' };
  }

  #hasCertificate(atMs: number): boolean {
    return this.#diary.certificates.some(({ fromMs, endMs }) => fromMs <= atMs && atMs < endMs);
  }

  /** The CA takes its time, unless a certificate for many hosts is there; it goes with the host. */
  #noteCertificate(): void {
    const { certificates } = this.#diary;
    const last = certificates.at(-1);
    const isWanted = isPolicyHostHere(this.#state.mtaSts);
    if (isWanted && (last === undefined || last.endMs < Infinity))
      certificates.push({ fromMs: this.#t + pick(this.#random, [0, this.#random() * 3 * DAY_MS]), endMs: Infinity });
    if (!isWanted && last !== undefined && last.endMs === Infinity) last.endMs = Math.max(last.fromMs, this.#t);
  }

  #noteRevocations(): void {
    const { revocations, counts } = this.#diary;
    for (const [selector, algorithm] of this.#leaked) {
      const stage = this.#state.dkim.lifecycle.objects.find(({ id }) => id === selector)?.stage ?? 'removed';
      if (['active', 'retiring'].includes(stage) || revocations.some((each) => each.selector === selector)) continue;
      counts.revocations++;
      revocations.push({ selector, algorithm, atMs: this.#t, toldForMs: this.#policy.dkim.revokedForMs });
    }
  }

  /** What signers are given when they ask. */
  #offer(): void {
    const isBlind = this.#sabotage.isOfferBlind === true;
    const keys = this.#state.dkim.lifecycle.objects
      .filter(({ stage }) => stage === 'active' || stage === 'retiring' || isBlind)
      .map(({ id, stage, data: { algorithm, publicKey: text } }): DkimSigningKey => ({
        selector: id,
        algorithm: algorithm === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256',
        state: isBlind && stage === 'compromised' ? 'active' : stage,
        publicKey: text,
        validFromSeconds: 0,
        privateKeyPem: () => '',
      }));
    const offered = signingNow(signingWindows(keys), 0).map(({ selector }) => selector);
    const taken = new Set(this.#diary.revocations.map(({ selector }) => selector));
    for (const algorithm of this.#policy.dkim.algorithms) {
      const selector = offered.find((each) => each.startsWith(algorithm[0]!));
      this.#agenda.push(...this.#signers.offer(algorithm, selector, taken, this.#t));
    }
  }

  #acknowledge(signer: string, selectors: readonly string[]): void {
    const { nowMs } = advanceTimeline(this.#timeline, this.#reading());
    const noted = acknowledgeDkim(this.#state.dkim, { signer, selectors, isAll: this.#sabotage.isWordForAll === true }, nowMs);
    if (noted.ok) this.#state = { ...this.#state, dkim: noted.value };
    else this.#diary.counts.refusals++;
  }

  /** Looks where somebody should look; now and then a look fails, and a look may be lost with its process. */
  #look(nowMs: number): LifecycleObservation[] {
    return this.#checks.flatMap(({ object, what, place, expect }): LifecycleObservation[] => {
      if (expect === undefined || this.#random() < 0.1) return [];
      const base = { object, what, place, atMs: nowMs };
      if (expect.kind === 'body') {
        const served = this.#diary.bodies.findLast((each) => each.frontend === place && each.fromMs <= this.#t && each.endMs > this.#t);
        const wanted = this.#state.mtaSts.bodies.objects.find((each) => each.id === object)?.data.version;
        const hosts = this.#servers.map((server) => this.#diary.cache.valueAt(server, keyOf('mta-sts', this.#diary.name, TYPE.A), this.#t));
        const isFound = !hosts.includes(NXDOMAIN) && this.#hasCertificate(this.#t);
        return [{ ...base, isGood: isFound && served?.version === wanted, text: `version ${served?.version}` }];
      }
      if (expect.kind === 'not-served') {
        // A look meets one of the machines behind the name, and now and then none.
        const shown = pick(
          this.#random,
          this.#diary.shown.filter((each) => each.fromMs <= this.#t && each.endMs > this.#t),
        ).what;
        if (this.#random() < 0.2) return [{ ...base, isGood: false, isUnseen: true, text: 'connect: no answer' }];
        return [{ ...base, isGood: shown !== expect.record, text: shown }];
      }
      // No life of mail looks at certificates of the policy host.
      if (expect.kind === 'certificate') return [];
      if (expect.kind === 'files') throw new Error('the simulated domain hosts no logo');
      const value = this.#diary.cache.valueAt(place, `${formatName(expect.owner)} ${expect.type}`, this.#t);
      const rdatas = value === NXDOMAIN ? [] : value.split('|').map((text) => rdataOf(this.#apex, expect.type, text));
      const answer = rdatas.length === 0 ? ({ kind: 'nxdomain' } as const) : ({ kind: 'answer', rdatas, ttlSeconds: 0 } as const);
      const soa = this.#diary.cache.valueAt(place, `${formatName(this.#apex)} ${TYPE.SOA}`, this.#t);
      return [{ ...base, ...judgeAnswer(expect, answer, Number(soa.split(' ')[2])) }];
    });
  }

  #findLeak(): DkimKey | undefined {
    if (this.#random() >= (this.#sabotage.rates?.revoke ?? 0.012)) return undefined;
    const stages = this.#random() < 0.8 ? ['active'] : ['published', 'visible', 'active', 'retiring'];
    const keys = this.#state.dkim.lifecycle.objects.filter(({ stage, data }) => stages.includes(stage) && data.compromised === undefined);
    return keys.length === 0 ? undefined : pick(this.#random, keys);
  }

  /** The key is revoked, at once or when its successor signs; in one transaction with what follows. */
  #emergency({ id }: DkimKey, nowMs: number): MailState {
    const when = this.#random() < 0.7 ? 'at-once' : 'after-switch';
    const revoked = revokeDkim(this.#state.dkim, id, when, { reason: 'it leaked', by: 'operator', nowMs });
    if (!revoked.ok) throw new Error(revoked.problems.map(formatProblem).join('\n'));
    return { ...this.#state, dkim: revoked.value.state };
  }

  /** What operators do, some days. */
  #orders(nowMs: number): void {
    const { mode = 0.001, mx = 0.007 } = this.#sabotage.rates ?? {};
    const chance = this.#random();
    const cause = { reason: 'test', by: 'operator', nowMs };
    if (chance < 0.004) {
      const rotated = rotateDkim(this.#state.dkim, [], cause);
      if (rotated.ok) this.#state = { ...this.#state, dkim: rotated.value };
    } else if (chance < 0.008) {
      this.#negativeTtl = pick(this.#random, [300, 900, 86_400]);
      this.#serve();
    } else if (chance < 0.012)
      this.#setPolicy({
        ttl: { ...this.#document.ttl, [pick(this.#random, ['dkim', 'tlsa', 'mtaSts'])]: pick(this.#random, ['5m', '1h', '1d']) },
      });
    else if (chance < 0.022) this.#nextCertificate(nowMs);
    else if (chance < 0.022 + mx) this.#wantMx();
    else if (chance < 0.022 + mx + mode)
      this.#setPolicy({ mtaSts: { ...this.#document.mtaSts, mode: this.#document.mtaSts.mode === 'off' ? 'enforce' : 'off' } });
    else if (chance > 0.999) this.#address = pick(this.#random, ['192.0.2.80', '192.0.2.81']);
    this.#changeMx();
    this.#activateCertificate(nowMs);
  }

  #setPolicy(change: Partial<Document>): void {
    this.#document = { ...this.#document, ...change };
    this.#policy = this.#readPolicy();
  }

  #wantMx(): void {
    if (this.#mxWanted !== undefined) return;
    this.#mxWanted = pick(
      this.#random,
      ['mx1', 'mx2', 'mx3'].filter((host) => !this.#mx.includes(host)),
    );
    const isHidden = this.#sabotage.isMxUnguarded === true;
    if (!isHidden)
      this.#setPolicy({ mtaSts: { ...this.#document.mtaSts, mx: [`${this.#mxWanted}.${formatName(this.#apex).slice(0, -1)}`] } });
  }

  #changeMx(): void {
    if (this.#mxWanted === undefined) return;
    const host = parseName(this.#mxWanted, this.#apex);
    if (!host.ok) return;
    const problems = checkMxChange(this.#state.mtaSts, [host.value]);
    if (problems.length > 0 && this.#sabotage.isMxUnguarded !== true) return;
    this.#mx = [this.#mxWanted];
    this.#mxWanted = undefined;
    this.#diary.counts.mxChanges++;
    // Committed by itself, as any change of records by hand.
    this.#serve();
  }

  #nextCertificate(nowMs: number): void {
    if (this.#tlsaPending !== undefined) return;
    const record = tlsaText(++this.#tlsaKeys);
    const parsed = parseTlsa(record);
    const host = parseName('mx1', this.#apex);
    if (!parsed.ok || !host.ok) return;
    const next = tlsaNext(this.#state.tlsa, { host: host.value, record: parsed.value }, nowMs);
    if (!next.ok) return;
    this.#state = { ...this.#state, tlsa: next.value.state };
    this.#tlsaPending = { id: next.value.id, record };
  }

  /** The host asks until it may, then uses the key, and says so. */
  #activateCertificate(nowMs: number): void {
    if (this.#tlsaPending === undefined) return;
    const { id, record } = this.#tlsaPending;
    const facts = mailFacts(nowMs, { servers: this.#servers });
    const world = TLSA_LIFE.world(this.#state, { domain: this.#apex, policy: this.#policy, view: this.#view, facts });
    const activated = tlsaActivated(this.#state.tlsa, id, world, false);
    if (!activated.ok) return;
    this.#state = { ...this.#state, tlsa: activated.value };
    this.#tlsaPending = undefined;
    this.#diary.counts.activations++;
    const last = this.#diary.shown.at(-1)!;
    // Behind one name stand two machines; the second is late with the new key, by less than the policy's lag and three of the
    // shortest TTLs.
    last.endMs = this.#t + 74 * MINUTE_MS;
    this.#diary.shown.push({ what: record, fromMs: this.#t, endMs: Infinity });
  }
}
