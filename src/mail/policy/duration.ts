/** Durations and TTLs of a mail policy document → numbers, with what is wrong at their JSON pointers. */
import { TTL_SECONDS_MAX } from '#base/limits/dns.ts';
import type { BodyPlace } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { parseDuration } from '#base/units.ts';

/** Reads durations, and keeps what is wrong with them. */
export class DurationReader {
  readonly problems: Problem[] = [];

  ms(at: BodyPlace, text: string): number {
    const ms = parseDuration(text);
    if (ms === undefined) this.problems.push(problem('FIELD_VALUE', at, `${JSON.stringify(text)} is not a duration like 90d or 1h30m`));
    return ms ?? 0;
  }

  seconds(at: BodyPlace, text: string, max: number = TTL_SECONDS_MAX): number {
    const ms = this.ms(at, text);
    if (ms % 1000 === 0 && ms / 1000 <= max) return ms / 1000;
    this.problems.push(problem('FIELD_VALUE', at, `${text} is not whole seconds up to ${max}`));
    return 0;
  }
}
