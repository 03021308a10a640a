/**
 * Waits until the keys of some hosts may be used, by asking the server now and then: a wait of hours must survive that
 * it is restarted in between.
 * Not here: how long a key has to wait (mail/dane/machine.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock } from '#base/clock.ts';
import { CLI_HOOK_POLL_MS } from '#base/limits/admin.ts';
import { formatDuration } from '#base/units.ts';
import { type HookCall } from './cert-hook-call.ts';
import { type TlsaItem } from './cert-hook-plan.ts';
import { type CommandFailure, failure } from './failure.ts';

/** A key that is to come at a host. */
export interface Followed {
  readonly zone: string;
  readonly host: string;
  readonly port: number;
  /** What the server calls it. */
  readonly object: string;
}

export interface WaitLimits {
  /** 0: not at all. */
  readonly waitMs: number;
  readonly clock: Clock;
}

/** Ends when all may be used. Throws CLI_NOT_BEFORE when they may not, or not in time. */
export async function waitUntilDeployable(
  call: HookCall,
  following: readonly Followed[],
  { waitMs, clock }: WaitLimits,
  say: (text: string) => void,
): Promise<void> {
  const endMs = clock.nowMs() + waitMs;
  let told: string | undefined;
  for (;;) {
    const items = await look(call, following);
    const waiting = items.filter(({ stage }) => stage !== 'deployable' && stage !== 'current');
    if (waiting.length === 0) return;
    const notBefore = waiting
      .flatMap((each) => each.notBefore ?? [])
      .toSorted()
      .at(-1);
    if (clock.nowMs() >= endMs) throw tooEarly(waiting, notBefore, waitMs);
    if (notBefore !== undefined && notBefore !== told) say(`waits, not before ${notBefore}`);
    told = notBefore ?? told;
    const leftMs = notBefore === undefined ? CLI_HOOK_POLL_MS : Date.parse(notBefore) - clock.nowMs();
    await delay(Math.min(CLI_HOOK_POLL_MS, Math.max(1000, leftMs), Math.max(1, endMs - clock.nowMs())));
  }
}

interface TlsaList {
  readonly records: readonly TlsaItem[];
}

async function look(call: HookCall, following: readonly Followed[]): Promise<TlsaItem[]> {
  const items: TlsaItem[] = [];
  for (const { zone, host, object } of following) {
    const { records } = await call<TlsaList>({ path: ['zones', zone, 'tlsa'] });
    const item = records.find((each) => each.object === object);
    if (item === undefined || item.stage === 'withdrawing')
      throw failure('LIFECYCLE_ORDER', `${object}, the next key of ${host}, was given up`, 'run this again');
    items.push(item);
  }
  return items;
}

function tooEarly(waiting: readonly TlsaItem[], notBefore: string | undefined, waitMs: number): CommandFailure {
  const which = waiting.map(({ host, port, object }) => `${object} at ${host.replace(/\.$/, '')}:${port}`).join(', ');
  const when = notBefore === undefined ? 'not yet' : `not before ${notBefore}`;
  const waited = waitMs === 0 ? '' : `, though ${formatDuration(waitMs)} went by`;
  const why = 'senders may hold TLSA records without its key, and would not deliver';
  const fix = 'keep the old certificate in use, and run this again then, or let it wait: --wait';
  return failure('CLI_NOT_BEFORE', `${when}${waited}: ${which || 'the key'}: ${why}`, fix);
}
