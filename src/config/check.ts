/** The `[check]` section of the configuration. Not here: checking zones from outside (control/outside-checks/). */
import { type Static, Type } from 'typebox';
import { CHECK_EVERY_MS_DEFAULT, CHECK_EVERY_MS_MAX, CHECK_EVERY_MS_MIN } from '#base/limits/outside.ts';
import { formatDuration, parseDuration } from '#base/units.ts';
import { type ValueReaders } from './readers.ts';

export interface CheckSettings {
  /** Undefined: zones are checked on request only. */
  readonly everyMs: number | undefined;
}

export const CheckSection = Type.Object({ every: Type.Optional(Type.String()) }, { additionalProperties: false });

const RANGE = `from ${formatDuration(CHECK_EVERY_MS_MIN)} to ${formatDuration(CHECK_EVERY_MS_MAX)}`;
const EVERY_FORM = `a duration like 6h, ${RANGE}, or off`;

export function settleCheck(
  section: Static<typeof CheckSection> = {},
  readers: Pick<ValueReaders, 'read'>,
): CheckSettings {
  const { every = formatDuration(CHECK_EVERY_MS_DEFAULT) } = section;
  const everyMs = readers.read('check.every', every, parseEvery, EVERY_FORM);
  return { everyMs: everyMs === 0 ? undefined : everyMs };
}

/** 0: off. */
function parseEvery(text: string): number | undefined {
  if (text === 'off') return 0;
  const everyMs = parseDuration(text);
  return everyMs === undefined || everyMs < CHECK_EVERY_MS_MIN || everyMs > CHECK_EVERY_MS_MAX ? undefined : everyMs;
}

/** The section for `config show`. */
export function describeCheck({ everyMs }: CheckSettings): Record<string, unknown> {
  return { every: everyMs === undefined ? 'off' : formatDuration(everyMs) };
}
