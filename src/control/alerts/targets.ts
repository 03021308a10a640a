/**
 * Where messages about alerts go: what all targets have in common.
 * Not here: each kind (webhook.ts, command.ts, syslog.ts), keeping messages until they are there (deliveries.ts).
 */
import { type AlertSeverity } from '#store/alerts/alerts.ts';

/** As Standard Webhooks has it: type, timestamp, data. */
export interface AlertMessage {
  readonly type: 'alert.raised' | 'alert.cleared' | 'alert.acknowledged' | 'alert.test';
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  readonly data: {
    readonly id: string;
    readonly rule: string;
    readonly severity: AlertSeverity;
    readonly zone?: string;
    readonly object?: string;
    readonly text: string;
    readonly consequence?: string;
    readonly command?: string;
    readonly fix?: string;
    readonly since?: string;
    /** Of one that is over. */
    readonly why?: string;
    readonly acknowledgedBy?: string;
    /** Which server says so. */
    readonly server: string;
  };
}

export interface AlertTarget {
  /** As people know it; without anything secret. */
  readonly name: string;
  /** Resolves when it has the message; rejects with an Error that says why not. `id` is the same at each try. */
  send(id: string, body: string, signal: AbortSignal): Promise<void>;
}

export function parseMessage(body: string): AlertMessage {
  return JSON.parse(body) as AlertMessage;
}

/** One line for people. */
export function messageLine({ type, data }: AlertMessage): string {
  const { severity, zone, text, why } = data;
  const what = type.slice('alert.'.length);
  return `${what} ${severity}${zone === undefined ? '' : ` ${zone}`}: ${text}${why === undefined ? '' : ` (${why})`}`;
}
