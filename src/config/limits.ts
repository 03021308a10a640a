/**
 * The `[limits]` section of the configuration: limits of zone data that an operator may move.
 * Not here: limits that are fixed (base/limits/), those of answers (defence.ts).
 */
import { type Static, Type } from 'typebox';
import { RECORDS_PER_RRSET_DEFAULT, RECORDS_PER_RRSET_MAX, RECORDS_PER_RRSET_MIN } from '#base/limits/dns.ts';

export interface LimitSettings {
  /** Records that a change or an import may bring an RRset to; one that has more already may keep them. */
  readonly recordsPerRrsetMax: number;
}

const RecordsPerRrset = Type.Integer({ minimum: RECORDS_PER_RRSET_MIN, maximum: RECORDS_PER_RRSET_MAX });

export const LimitsSection = Type.Object({ records_per_rrset: Type.Optional(RecordsPerRrset) }, { additionalProperties: false });

export function settleLimits(section: Static<typeof LimitsSection> = {}): LimitSettings {
  return { recordsPerRrsetMax: section.records_per_rrset ?? RECORDS_PER_RRSET_DEFAULT };
}

/** The section for `config show`. */
export function describeLimits({ recordsPerRrsetMax }: LimitSettings): Record<string, unknown> {
  return { records_per_rrset: recordsPerRrsetMax };
}
