/** Everything that is looked at from outside on request, put together. */
import { type OutsideChecksApi } from '#control/api/zone-check.ts';
import { type DelegationChecksOptions, delegationChecks } from '#control/delegation-check/checks.ts';
import { Doctor, type DoctorOptions } from './doctor.ts';

export type OutsideChecksOptions = DelegationChecksOptions & DoctorOptions;

export function outsideChecks(options: OutsideChecksOptions): OutsideChecksApi {
  return { delegation: delegationChecks(options), zone: new Doctor(options) };
}
