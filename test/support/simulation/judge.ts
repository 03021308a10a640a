/**
 * The judge of a year: from what was given out, signed and shown, and from nothing else, everything that anybody could have met at any
 * instant. Intervals are compared whole, so no instant between two samples escapes.
 */
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { isMxCovered } from '#mail/mta-sts/record.ts';
import { type Held, NXDOMAIN, overlap } from './cache-model.ts';
import { type CertificateSpan, DAY_MS, type Diary, HOUR_MS, keyOf, QUEUE_MS } from './diary.ts';

/** Every harm done, one line each. */
export function judge(diary: Diary): string[] {
  return [
    ...judgeDkim(diary),
    ...judgeRevocations(diary),
    ...judgeTlsa(diary),
    ...judgeSts(diary),
    ...judgePolicyHost(diary),
    ...judgeMx(diary),
    ...judgeStages(diary),
  ];
}

function plain(text: string): string {
  return text.replaceAll(/" "|"/g, '');
}

function isKey(text: string): boolean {
  return /; p=.+$/.test(text);
}

/** Mail signed at any moment verifies from then until it has been in queues for as long as it may. */
function judgeDkim(diary: Diary): string[] {
  const harms = diary.inactive.map((text) => `active keys: ${text}`);
  for (const key of diary.cache.keys().filter((each) => each.includes('._domainkey.'))) {
    const keys = new Set(
      diary.cache
        .held(key)
        .map(({ value }) => plain(value))
        .filter(isKey),
    );
    if (keys.size > 1) harms.push(`the selector ${key} had ${keys.size} keys`);
  }
  for (const { what, fromMs, endMs } of diary.signing) {
    const selector = what.split('/')[2]!;
    // What was signed with a key that leaked may fail as soon as that is told.
    const revokedMs = diary.revocations.find((each) => each.selector === selector)?.atMs ?? Infinity;
    const underWay = { fromMs, endMs: Math.min(endMs + QUEUE_MS, revokedMs) };
    const answers = diary.cache.held(keyOf(`${selector}._domainkey`, diary.name, TYPE.TXT));
    const bad = answers.filter((held) => !isKey(plain(held.value)) && overlap(held, underWay));
    for (const held of bad)
      harms.push(`mail signed with ${selector} meets ${plain(held.value).slice(0, 30)}${held.fromMs > fromMs ? ' later' : ' at first'}`);
  }
  return harms;
}

/**
 * A key that leaked is revoked everywhere and for as long as it takes to be noticed, signs nothing more, and is followed by another as
 * soon as that can be found by everybody: at once where a spare had been published for long, otherwise after lag and negative TTL.
 */
function judgeRevocations(diary: Diary): string[] {
  const harms: string[] = [];
  for (const { selector, algorithm, atMs, toldForMs } of diary.revocations) {
    const uses = diary.signing.filter(({ what, endMs }) => what.endsWith(`/${selector}`) && endMs > atMs);
    if (uses.length > 0) harms.push(`mail signed with ${selector} after it was revoked`);
    if (diary.actives.some((each) => each.selector === selector && each.atMs >= atMs)) harms.push(`${selector} is active again`);
    const name = keyOf(`${selector}._domainkey`, diary.name, TYPE.TXT);
    for (const server of diary.cache.servers)
      for (const sinceMs of [diary.lagMs, toldForMs / 2, toldForMs]) {
        const answer = plain(diary.cache.valueAt(server, name, atMs + sinceMs));
        if (atMs + sinceMs < diary.endMs && !/; p=$/.test(answer)) harms.push(`${selector}, revoked, answers ${answer.slice(0, 30)}`);
      }
    const next = successorMs(diary, algorithm, atMs);
    if (next > 0 && spareAt(diary, algorithm, atMs) !== undefined) harms.push(`no active key of ${algorithm} though a spare was ready`);
    if (next > SUCCESSOR_MS) harms.push(`no active key of ${algorithm} for ${Math.round(next / HOUR_MS)} hours after a revocation`);
  }
  return harms;
}

/** Lag of the slowest secondary, looks that fail, wake-ups that come late, and a day of negative caching. */
const SUCCESSOR_MS = 4 * DAY_MS;
/** A spare that was on every server for so long is known to be, however late one looks, and no cache denies it. */
const READY_MS = 7 * DAY_MS;

/** How long no key was active from `atMs` on. */
function successorMs(diary: Diary, algorithm: string, atMs: number): number {
  const changes = diary.actives.filter((each) => each.algorithm === algorithm);
  if (changes.findLast((each) => each.atMs <= atMs)?.selector !== undefined) return 0;
  return (changes.find((each) => each.atMs > atMs)?.atMs ?? diary.endMs) - atMs;
}

/** A key that had not signed yet and could have. */
function spareAt(diary: Diary, algorithm: string, atMs: number): string | undefined {
  const begins = new RegExp(`^${algorithm[0]}[0-9a-z]+\\._domainkey\\.`);
  return diary.cache
    .keys()
    .filter((key) => begins.test(key))
    .find((key) => {
      const selector = key.split('.')[0]!;
      const isUsed = diary.actives.some((each) => each.selector === selector && each.atMs < atMs);
      const isThere = (ms: number) => diary.cache.servers.every((server) => isKey(plain(diary.cache.valueAt(server, key, ms))));
      return !isUsed && isThere(atMs - READY_MS) && isThere(atMs);
    });
}

/** Whatever set of TLSA records a sender holds, the key that it is shown is in it. */
function judgeTlsa(diary: Diary): string[] {
  const sets = diary.cache.held(keyOf('_25._tcp.mx1', diary.name, TYPE.TLSA)).filter(({ value }) => value !== NXDOMAIN);
  return diary.shown.flatMap((use) =>
    sets
      .filter((held) => !held.value.split('|').includes(use.what) && overlap(held, use))
      .map(
        (held) =>
          `the key ${use.what.slice(-4)} is shown to senders that hold ${held.value
            .split('|')
            .map((each) => each.slice(-4))
            .join(', ')}`,
      ),
  );
}

interface HeldId extends Held {
  readonly version: number;
}

function heldIds(diary: Diary): HeldId[] {
  const held = diary.cache.held(keyOf('_mta-sts', diary.name, TYPE.TXT)).filter(({ value }) => value !== NXDOMAIN);
  // An id may come back long after, for another body; what a server gives out is what was announced last by then.
  return held.flatMap((each) => {
    const announcement = diary.announcements.findLast((one) => one.id === idOf(each) && one.atMs <= each.fromMs);
    return announcement === undefined ? [] : [{ ...each, version: announcement.version }];
  });
}

function idOf({ value }: Held): string {
  return /id=([^;]*)/.exec(plain(value))![1]!;
}

/** Who knows an id never fetches a body older than it; and nobody keeps a policy that is gone. */
function judgeSts(diary: Diary): string[] {
  const harms: string[] = [];
  for (const held of diary.cache.held(keyOf('_mta-sts', diary.name, TYPE.TXT)))
    if (held.value !== NXDOMAIN && !diary.announcements.some(({ id }) => id === idOf(held)))
      harms.push(`id ${idOf(held)} was announced by nobody`);
  for (const id of heldIds(diary)) {
    for (const body of diary.bodies)
      if (body.version < id.version && overlap(id, body)) harms.push(`body ${body.version} under the id of body ${id.version}`);
  }
  for (const { mode, atMs } of diary.modes) {
    if (mode !== 'removed') continue;
    const kept = diary.bodies.filter(
      ({ policy, fromMs, endMs }) => policy.mode !== 'none' && fromMs < atMs && endMs + policy.maxAgeSeconds * 1000 > atMs,
    );
    if (kept.length > 0) harms.push(`removed while senders keep body ${kept.at(-1)!.version}`);
  }
  return harms;
}

/** Whoever knows an id finds the policy host, its certificate and some body there, at every instant. */
function judgePolicyHost(diary: Diary): string[] {
  const ids = diary.cache.held(keyOf('_mta-sts', diary.name, TYPE.TXT)).filter(({ value }) => value !== NXDOMAIN);
  const absent = diary.cache.held(keyOf('mta-sts', diary.name, TYPE.A)).filter(({ value }) => value === NXDOMAIN);
  const frontends = [...new Set(diary.bodies.map(({ frontend }) => frontend))];
  return ids.flatMap((held) => {
    const id = { fromMs: held.fromMs, endMs: Math.min(held.endMs, diary.endMs) };
    const harms: string[] = [];
    if (absent.some((each) => overlap(each, id))) harms.push(`who knows ${idOf(held)} meets no policy host`);
    if (!isCovered(id, diary.certificates)) harms.push(`who knows ${idOf(held)} meets a policy host without certificate`);
    for (const frontend of frontends)
      if (
        !isCovered(
          id,
          diary.bodies.filter((each) => each.frontend === frontend),
        )
      )
        harms.push(`who knows ${idOf(held)} meets a 404`);
    return harms;
  });
}

/** True when at every instant of `whole` one of `spans` lasts. */
function isCovered(whole: { readonly fromMs: number; readonly endMs: number }, spans: readonly CertificateSpan[]): boolean {
  let atMs = whole.fromMs;
  for (const { fromMs, endMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) if (fromMs <= atMs) atMs = Math.max(atMs, endMs);
  return atMs >= whole.endMs;
}

/** Mail goes to no host that an enforced policy forbids: a sender has the body of the id that it sees, or a later one. */
function judgeMx(diary: Diary): string[] {
  const harms: string[] = [];
  const ids = heldIds(diary);
  for (const mx of diary.cache.held(`${formatName(nameOf(diary.name))} ${TYPE.MX}`)) {
    const hosts = mx.value === NXDOMAIN ? [] : mx.value.split('|').map((text) => nameOf(text.split(' ')[1]!));
    for (const id of ids.filter((each) => overlap(each, mx))) {
      const untilMs = Math.min(id.endMs, mx.endMs);
      const bodies = diary.bodies.filter(
        ({ version, policy, fromMs }) => version >= id.version && fromMs < untilMs && policy.mode === 'enforce',
      );
      for (const { version, policy } of bodies)
        for (const host of hosts) if (!isMxCovered(policy, host)) harms.push(`body ${version} forbids ${formatName(host)}, which is an MX`);
    }
  }
  return harms;
}

/** Each step of DMARC lasts its month, by a clock that nobody can set. */
function judgeStages({ stages }: Diary): string[] {
  return stages.slice(1).flatMap(({ stage, atMs }, index) => {
    const lastedMs = atMs - stages[index]!.atMs;
    return lastedMs < 30 * DAY_MS ? [`DMARC ${stage} after ${Math.round(lastedMs / DAY_MS)} days`] : [];
  });
}
