/** A zone in a temporary control, with steps and handlers of its mail over the same store, to call without a turn. */
import { CountedTime } from '#control/lifecycle/counted-time.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { NO_WITNESSES } from '#control/outside/evidence.ts';
import { servedZoneOf } from '#control/mail/consents.ts';
import { mailHandlers } from '#control/mail/decide.ts';
import { NO_POLICY_HOST } from '#control/mail/policy-host.ts';
import { MailSteps } from '#control/mail/steps.ts';
import { nameOf } from '#dns/name.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { MemoryZone } from '#zone/zone.ts';
import { MAIL_ZONE_TEXT, TEST_ACTOR, good, temporaryControl } from './temporary-control.ts';
import { countedRandom } from './temporary-store.ts';

export const MAIL_ZONE = nameOf('post.example.');

/** `policy` is applied; without it the zone has none. */
export async function temporaryMail(policy?: unknown) {
  const room = temporaryControl({ sources: ['mail'] });
  await room.load('post.example.', MAIL_ZONE_TEXT);
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  if (policy !== undefined) good(await room.run({ kind: 'mail.apply', zone: MAIL_ZONE, policy }));
  const { writer, clock } = room;
  const time = new CountedTime(clock, () => ({ uptimeMs: clock.nowMs(), bootId: 'test' }), undefined);
  const random = countedRandom();
  const steps = new MailSteps({
    writer,
    time,
    random,
    witnesses: NO_WITNESSES,
    recordsPerRrsetMax: 1000,
    policyHost: () => NO_POLICY_HOST,
    signers: () => new Map(),
  });
  const committed: (readonly [string, readonly LifecycleEvent[]])[] = [];
  const onCommitted = (zone: string, events: readonly LifecycleEvent[]) => void committed.push([zone, events]);
  const handlers = mailHandlers({ writer, steps, time, clock, resolver: room.control.zones.resolver, onCommitted });
  const served = (): ServedZone => servedZoneOf(writer, MAIL_ZONE)!;
  const context = () => ({ served: served(), emptyView: new MemoryZone(MAIL_ZONE, new Map()), actor: TEST_ACTOR, mayChange: () => true });
  return { room, steps, handlers, committed, served, context, stored: () => steps.stored(served().record)! };
}
