/**
 * Orders that fit any life: hold, resume, override → the state with them taken in. Pure.
 * Not here: orders to one kind of object (control/mail/orders.ts), what follows from them (the next step).
 */
import { unreachable } from '#base/assert.ts';
import { type Result, ok } from '#base/problem.ts';
import { type OrderCause, overrideWait } from '#lifecycle/engine.ts';
import { type Life, changeLives } from '#lifecycle/lives.ts';
import { holdLifecycle, resumeLifecycle } from '#lifecycle/state.ts';
import { type LifecycleOrder } from '#control/api/lifecycle.ts';

/** `state` after the order, and one line about it for the audit log. */
export function takeLifecycleOrder<State, Context>(
  lives: readonly Life<State, Context>[],
  state: State,
  order: LifecycleOrder,
  { by, nowMs }: Omit<OrderCause, 'reason'>,
): Result<{ readonly state: State; readonly detail: string }> {
  const { object } = order;
  const done = (changed: Result<State>, detail: string) =>
    changed.ok ? ok({ state: changed.value, detail: `${object ?? 'everything'} ${detail}` }) : changed;
  switch (order.kind) {
    case 'lifecycle.hold': {
      const hold = { reason: order.reason, by, atMs: nowMs };
      return done(
        changeLives(lives, state, object, (each) => holdLifecycle(each, object, hold)),
        `held: ${order.reason}`,
      );
    }
    case 'lifecycle.resume':
      return done(
        changeLives(lives, state, object, (each) => resumeLifecycle(each, object)),
        'resumed',
      );
    case 'lifecycle.override': {
      const { wait, reason } = order;
      const override = changeLives(lives, state, order.object, (each, machine) =>
        overrideWait(machine, each, order.object, wait, { reason, by, nowMs }),
      );
      return done(override, `does not wait for ${wait}: ${reason}`);
    }
    default:
      return unreachable(order);
  }
}
