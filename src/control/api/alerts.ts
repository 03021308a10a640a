/** Alerts as the admin API shows them: what needs a person, worst first. */
import { type Result } from '#base/problem.ts';
import { type StoredAlert } from '#store/alerts/alerts.ts';
import { type ActorKind } from '#store/audit/entries.ts';

export type AlertState = 'standing' | 'acknowledged' | 'cleared';

export interface AlertView extends StoredAlert {
  readonly state: AlertState;
  readonly consequence: string;
  /** What to run first, with the zone in it. */
  readonly command: string;
}

/** Who acknowledges, as in `Actor`, and why. */
export interface Acknowledgement {
  readonly actor: { readonly kind: ActorKind; readonly id: string; readonly from: string };
  readonly reason?: string;
}

/** What became of a message that was sent to try a target. */
export interface TestedTarget {
  readonly target: string;
  /** Absent: it arrived. */
  readonly failure?: string;
}

export interface AlertsApi {
  /** Worst first: standing, then acknowledged, then those that are over; in each critical first, then the newest. */
  list(): readonly AlertView[];
  get(id: string): AlertView | undefined;
  /** The operator has seen it. `reason` is for the next one. */
  acknowledge(id: string, by: Acknowledgement, dryRun: boolean): Promise<Result<AlertView>>;
  /** Their names. */
  targets(): readonly string[];
  /** Sends a message to each target at once, and waits for what comes of it; on a dry run none is tried. */
  test(actor: Acknowledgement['actor'], dryRun: boolean): Promise<Result<readonly TestedTarget[]>>;
}
