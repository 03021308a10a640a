/**
 * How a process is started confined, as data: what the supervisor tells launch.ts, and launch.ts tells confined.ts.
 * Not here: what a role may do (roles.ts).
 */
import { type NoticeFormat } from './notice.ts';
import { type Confinement } from './roles.ts';
import type { XdpOrder } from '#server/udp/xdp-open.ts';

/** Plain JSON: the launcher's only argument. */
export interface LaunchOrder {
  /** Name of the process in the log. */
  readonly role: 'control' | 'answer' | 'policy-host';
  /** The program's first file, and its arguments. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly nodeOptions: readonly string[];
  /** Variables of the program beside those of the launcher. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: NoticeFormat;
  readonly confinement: Confinement;
  /** AF_XDP is opened before anything is given up; what came of it is one more argument of the program, as JSON. */
  readonly xdp?: XdpOrder | undefined;
  /** Descriptors that the program gets beside the channel. */
  readonly sockets?: readonly number[];
  /** Another user than that of the control process. */
  readonly hasOwnUser: boolean;
  /**
   * Whether Landlock and the filters are wanted: `require` ends with 78 where one of them cannot be had; `none` is for
   * a process that is not confined, only becomes another user.
   */
  readonly confine: ConfineMode;
  /** For tests: the ABI of an older kernel; 0: one without Landlock. */
  readonly landlockAbi?: number;
}

export type ConfineMode = 'auto' | 'require' | 'off' | 'none';

/** The first argument of confined.ts. */
export interface ConfinedOrder {
  readonly role: LaunchOrder['role'];
  readonly entry: string;
  readonly log: NoticeFormat;
  readonly confine: ConfineMode;
  /** Another than that of the control process. */
  readonly hasOwnUser: boolean;
  /** The ABI that this process is restricted under; 0: not at all. */
  readonly landlock: number;
  /** What of it could not be had, and why. */
  readonly refusals: readonly string[];
}
