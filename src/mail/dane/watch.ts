/**
 * The watch over mail hosts: what is remembered of the looks at them, and the alerts and notices that follow. Pure.
 * Implements: RFC 7672 §2.2 (no record that matches: senders do not deliver), RFC 7671 §8.1 (a key that is used early).
 * Not here: looking (control/mail/dane-upkeep.ts), what matches (live.ts), withdrawing (machine.ts).
 */
import { DANE_ALERT_EVERY_MS, DANE_HOSTS_MAX, DANE_LOOK_EVERY_MS, DANE_LOOK_SOON_MS } from '#base/limits/dane.ts';
import { atObject } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type LiveHost, type LiveRecord } from './live.ts';
import { type TlsaHost } from './lifecycle.ts';

/** JSON, with a version. Times are counted time. */
export interface DaneWatch {
  readonly version: 1;
  /** The next look. */
  readonly nextMs: number;
  /** Where the next turn begins in the list of hosts; absent: at its beginning. */
  readonly from?: number;
  /** By `host:port`: what is wrong, or what was last seen. */
  readonly hosts: Readonly<Record<string, WatchedHost>>;
}

export interface WatchedHost {
  /** Code of what is wrong; absent: nothing is, as far as was seen. */
  readonly code?: TroubleCode;
  readonly alertedMs?: number;
  /** Objects whose records match what the host presents. */
  readonly served: readonly string[];
}

type TroubleCode = 'DANE_MISMATCH' | 'DANE_KEY_EARLY';

export type WatchedLook = TlsaHost & LiveHost;

/** What a look leads to. */
export interface WatchStep {
  readonly watch: DaneWatch;
  /** For the operator, at once. */
  readonly alerts: readonly Problem[];
  /** For the log. */
  readonly notices: readonly { readonly event: 'mail.tlsa-recovered' | 'mail.tlsa-seen'; readonly text: string }[];
}

/** The hosts whose turn it is: all, or in a zone with many some of them. */
export function hostsInTurn(before: DaneWatch | undefined, hosts: readonly TlsaHost[]): readonly TlsaHost[] {
  if (hosts.length <= DANE_HOSTS_MAX) return hosts;
  const from = (before?.from ?? 0) % hosts.length;
  return [...hosts.slice(from), ...hosts.slice(0, from)].slice(0, DANE_HOSTS_MAX);
}

export interface WatchTurn {
  readonly before: DaneWatch | undefined;
  readonly looks: readonly WatchedLook[];
  /** The zone's hosts. */
  readonly all: readonly TlsaHost[];
  /** Counted time. */
  readonly nowMs: number;
}

/** Takes looks in. A host of which nothing was seen stays as it was known. */
export function takeLook({ before, looks, all, nowMs }: WatchTurn): WatchStep {
  const hosts = knownHosts(before, all);
  const alerts: Problem[] = [];
  const notices: WatchStep['notices'][number][] = [];
  for (const look of looks) {
    if (look.verdict === 'unseen') continue;
    const name = nameOf(look);
    const known = before?.hosts[name];
    const served = servedBy(look);
    const trouble = troubleOf(look);
    const isTold = trouble?.code === known?.code && nowMs - (known?.alertedMs ?? -Infinity) < DANE_ALERT_EVERY_MS;
    if (trouble !== undefined && !isTold) alerts.push(trouble);
    if (trouble === undefined && known?.code !== undefined)
      notices.push({ event: 'mail.tlsa-recovered', text: `${name}: a TLSA record matches what it presents again` });
    const coming = look.verdict === 'match' ? comingIn(look) : undefined;
    if (coming !== undefined && !(known?.served.includes(coming.object) ?? false)) notices.push(seen(name, coming));
    const alertedMs = trouble === undefined ? undefined : isTold ? known?.alertedMs : nowMs;
    const isWell = trouble === undefined || alertedMs === undefined;
    hosts[name] = { served, ...(isWell ? {} : { code: trouble.code, alertedMs }) };
  }
  const turn = looks.length < all.length ? { from: (before?.from ?? 0) + looks.length } : {};
  const pauseMs = looks.length < all.length ? DANE_LOOK_SOON_MS : pauseAfter(looks, hosts);
  return { watch: { version: 1, nextMs: nowMs + pauseMs, ...turn, hosts }, alerts, notices };
}

function nameOf({ host, port }: TlsaHost): string {
  return `${host}:${port}`;
}

/** What is known of hosts that the zone still has. */
function knownHosts(before: DaneWatch | undefined, all: readonly TlsaHost[]): Record<string, WatchedHost> {
  const names = new Set(all.map(nameOf));
  return Object.fromEntries(Object.entries(before?.hosts ?? {}).filter(([name]) => names.has(name)));
}

/** Soon where something is wrong, or a record is on its way out; else as usual. */
function pauseAfter(looks: readonly WatchedLook[], hosts: DaneWatch['hosts']): number {
  const isLeaving = looks.some(({ addresses }) => addresses.some(({ records }) => records.some(isWithdrawing)));
  const isWrong = Object.values(hosts).some(({ code }) => code !== undefined);
  return isLeaving || isWrong ? DANE_LOOK_SOON_MS : DANE_LOOK_EVERY_MS;
}

const isWithdrawing = ({ stage }: LiveRecord): boolean => stage === 'withdrawing';

function servedBy({ addresses }: LiveHost): string[] {
  const matching = addresses.flatMap(({ records }) => records.filter(({ matches }) => matches));
  return [...new Set(matching.map(({ object }) => object))].toSorted();
}

type Trouble = Problem & { readonly code: TroubleCode };

function troubleOf({ host, port, verdict, text, addresses }: WatchedLook): Trouble | undefined {
  const at = atObject(`${host}:${port}`);
  if (verdict === 'no-match')
    return of('DANE_MISMATCH', at, `${text}: senders that go by DANE do not deliver there`, {
      rfc: 'RFC 7672 §2.2',
      fix: 'let the host use the key of a current record again, or publish the record of its key: waxseal tlsa next',
    });
  const early = addresses.find(({ verdict: each, records }) => each === 'match' && !records.some(isSafe));
  if (early === undefined) return undefined;
  const why = `${early.ip} uses a key that caches may not know yet: some senders do not deliver there`;
  return of('DANE_KEY_EARLY', at, why, {
    rfc: 'RFC 7671 §8.1',
    fix: 'go back to the old key until it is deployable; if the host cannot: waxseal tlsa activated --force',
  });
}

/** A record that matches, and that every cache has. */
function isSafe({ matches, stage }: LiveRecord): boolean {
  return matches && stage !== 'published' && stage !== 'visible';
}

type Help = Required<Pick<Problem, 'rfc' | 'fix'>>;

function of(code: TroubleCode, at: Problem['at'], why: string, help: Help): Trouble {
  return { ...problem(code, at, why, help), code };
}

/** A key to come that the host presents already. */
function comingIn({ addresses }: LiveHost): LiveRecord | undefined {
  return addresses.flatMap(({ records }) => records).find(({ matches, stage }) => matches && stage === 'deployable');
}

function seen(name: string, { object }: LiveRecord): WatchStep['notices'][number] {
  const text = `${name} presents the key of ${object}, which is not reported as in use: waxseal tlsa activated`;
  return { event: 'mail.tlsa-seen', text };
}
