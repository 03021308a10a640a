/** Everything that is looked at from outside, on request and in turn, put together. */
import { type OutsideChecksApi } from '#control/api/zone-check.ts';
import { type DelegationChecksOptions, delegationChecks } from '#control/delegation-check/checks.ts';
import { Doctor, type DoctorOptions } from '#control/doctor/doctor.ts';
import { CheckSchedule, type CheckScheduleOptions } from './schedule.ts';

export type OutsideChecksOptions = DelegationChecksOptions &
  DoctorOptions &
  Omit<CheckScheduleOptions, 'check' | 'stopChecks'>;

export interface OutsideChecks extends OutsideChecksApi {
  /** For the process: what is to be started. */
  readonly schedule: CheckSchedule;
}

export function outsideChecks(options: OutsideChecksOptions): OutsideChecks {
  const zone = new Doctor(options);
  const schedule = new CheckSchedule({
    ...options,
    check: (record) => zone.check(record),
    stopChecks: () => zone.stop(),
  });
  return { delegation: delegationChecks(options), zone, schedule };
}
