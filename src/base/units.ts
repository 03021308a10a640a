/** Durations (`1h30m`) and sizes (`64MiB`) as people write them in configuration and on command lines. Undefined means: not of that form. */
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const DAY_SECONDS = DAY_MS / 1000;

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS };

/** `1h30m`, `45s`, `250ms`, `90d` in milliseconds; a unit is needed, each at most once, largest first. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:[0-9]{1,6}w)?(?:[0-9]{1,6}d)?(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m(?!s))?(?:[0-9]{1,9}s)?(?:[0-9]{1,9}ms)?$/.test(text) || text === '')
    return undefined;
  let totalMs = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]+)([a-z]+)/g)) totalMs += Number(digits) * DURATION_MS[unit!]!;
  return totalMs;
}

/** `1h30m`, `90d` for whole milliseconds; days are the largest unit, `0s` is no time. */
export function formatDuration(durationMs: number): string {
  let restMs = durationMs;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const count = Math.floor(restMs / DURATION_MS[unit]!);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * DURATION_MS[unit]!;
  }
  return text === '' ? '0s' : text;
}

const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `64MiB`, `10MB`, `512B` in octets; a unit is needed. */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9]{1,12})(B|kB|MB|GB|KiB|MiB|GiB)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * SIZE_BYTES[match[2]!]!;
}
