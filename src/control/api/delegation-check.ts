/** What may be asked of a zone's delegation. */
import { type Result } from '#base/problem.ts';
import { type ZoneRecord } from '#store/schema.ts';

export interface DelegationCheckApi {
  /** Asks every name server of the zone and of its parent, now. Takes seconds. The problem DELEGATION_BUSY. */
  check(record: ZoneRecord): Promise<Result<DelegationReport>>;
}

export interface DelegationFinding {
  /** `error`: registries reject it, or resolvers fail; `warning`: it works, and should be otherwise. */
  readonly severity: 'error' | 'warning';
  /** Which rule (control/delegation-check/judge.ts). */
  readonly code: string;
  /** Which server, host or zone. */
  readonly subject: string;
  readonly text: string;
  readonly rfc: string;
  readonly fix: string;
}

interface DelegationHost {
  readonly host: string;
  readonly needsGlue: boolean;
  readonly addresses: readonly string[];
}

export interface DelegationReport {
  /** No error among the findings. */
  readonly isAcceptable: boolean;
  /** Worst first. */
  readonly findings: readonly DelegationFinding[];
  /** Name servers as the zone names them, sorted. */
  readonly ns: readonly string[];
  readonly serial: number;
  readonly hosts: readonly DelegationHost[];
  readonly parent: readonly { readonly place: string }[];
}
