/**
 * When a zone's rollovers would take their next steps if every look found at once what it waits for: the earliest
 * dates, for plans. Pure.
 * Not here: what a step does (step.ts).
 */
import { ROLLOVER_FORECAST_STEPS_MAX } from '#base/limits/dnssec.ts';
import { type RolloverInput, type RolloverStep, stepRollovers } from './step.ts';
import { type ZoneKey } from './keys.ts';
import { rolloversOf } from './state.ts';

export interface ForecastStep {
  readonly object: string;
  /** `published → signing`. */
  readonly text: string;
  /** Counted time; not before. */
  readonly atMs: number;
}

/** Of the rollovers that `last` has. `cachedMs` is that of now: the zone may change in between. */
export function forecastRollovers<K extends ZoneKey>(input: RolloverInput<K>, last: RolloverStep<K>): ForecastStep[] {
  const steps: ForecastStep[] = [];
  const { begin: _begin, dsTtlSeconds: _ttl, ...rest } = input;
  const { facts } = rest;
  // Somewhere to look: where the parent is may not be known yet.
  const parent = facts.places['parent'] ?? [];
  const places = { ...facts.places, parent: parent.length > 0 ? parent : ['the parent'] };
  let step: Pick<RolloverStep<K>, 'state' | 'keys' | 'checks' | 'nextDueMs' | 'isSigned'> = last;
  let { nowMs } = facts;
  let serial = rest.serial;
  for (let count = 0; count < ROLLOVER_FORECAST_STEPS_MAX && rolloversOf(step.state).length > 0; count++) {
    const seen = step.checks.map(({ object, what, place }) => ({
      object,
      what,
      place,
      isGood: true,
      text: '',
      atMs: nowMs,
    }));
    const { state, keys } = step;
    const moment = { ...facts, nowMs, places };
    const next: RolloverStep<K> = stepRollovers({
      ...rest,
      state,
      keys,
      facts: moment,
      serial: ++serial,
      observations: seen,
    });
    for (const { event, object, text } of next.events)
      if (event === 'step' || event === 'finished') steps.push({ object, text, atMs: nowMs });
    const isNew = next.checks.some(({ dueMs }) => dueMs <= nowMs);
    step = next;
    if (!isNew || seen.length === 0) nowMs = Math.max(nowMs + 1000, next.nextDueMs ?? 0);
    if (!next.isSigned) break;
  }
  return steps;
}
