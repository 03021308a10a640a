/**
 * The judge of a year: from what was given out, signed and shown, and from nothing else, everything that anybody could have met at any
 * instant. Intervals are compared whole, so no instant between two samples escapes.
 */
import { formatName, nameOf } from '../../src/dns/name.ts';
import { TYPE } from '../../src/dns/types.ts';
import { isMxCovered } from '../../src/mail/mta-sts.ts';
import { type Held, NXDOMAIN, overlap } from './cache-model.ts';
import { DAY_MS, type Diary, keyOf, QUEUE_MS } from './simulated-domain.ts';

/** Every harm done, one line each. */
export function judge(diary: Diary): string[] {
  return [...judgeDkim(diary), ...judgeTlsa(diary), ...judgeSts(diary), ...judgeMx(diary), ...judgeStages(diary)];
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
    const underWay = { fromMs, endMs: endMs + QUEUE_MS };
    const answers = diary.cache.held(keyOf(`${selector}._domainkey`, diary.name, TYPE.TXT));
    const bad = answers.filter((held) => !isKey(plain(held.value)) && overlap(held, underWay));
    for (const held of bad)
      harms.push(`mail signed with ${selector} meets ${plain(held.value).slice(0, 30)}${held.fromMs > fromMs ? ' later' : ' at first'}`);
  }
  return harms;
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
