/**
 * What is an alert, as data: conditions on the server's own metrics with threshold and duration, and what the operator
 * should know and do. The same rules as a file for Prometheus: docs/prometheus-rules.yaml, made from this table.
 * NIS2: the thresholds of Implementing Regulation (EU) 2024/2690, Article 5 (significant incidents of DNS services).
 * Not here: looking at them (conditions.ts), what was reported by itself (reported.ts).
 */
import { type AlertSeverity } from '#store/alerts/alerts.ts';

/**
 * `above`, `below`: the value. `ends-within`: the value is a time (seconds since 1970), and it is less than `threshold`
 * seconds away or past. `older-than`: it is a time more than `threshold` seconds ago.
 */
export type Comparison = 'above' | 'below' | 'ends-within' | 'older-than';

export interface AlertRule {
  readonly id: string;
  readonly severity: AlertSeverity;
  readonly metric: string;
  /** Samples with these labels only. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly is: Comparison;
  /** In the unit of the metric, seconds for times. */
  readonly threshold: number;
  /** It must stand for so long before it is raised; and must be away for so long before it is over. */
  readonly forMs: number;
  readonly clearMs: number;
  /** What is wrong, as a sentence without a final dot. */
  readonly title: string;
  /** What happens if nothing is done. */
  readonly consequence: string;
  /** What to run first; `ZONE` stands for the zone. */
  readonly command: string;
  readonly source?: string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DAY_S = 86_400;
const NIS2 = 'Implementing Regulation (EU) 2024/2690 Art. 5';

export const ALERT_RULES: readonly AlertRule[] = [
  {
    id: 'DNS_DOWN',
    severity: 'critical',
    metric: 'waxseal_probe_all_down_seconds',
    is: 'above',
    threshold: 1800,
    forMs: 0,
    clearMs: 2 * MINUTE,
    title: 'no server has answered for 30 minutes: a significant incident under NIS2',
    consequence: 'names of every zone do not resolve; an early warning to the authority is due within 24 hours',
    command: 'waxseal status',
    source: NIS2,
  },
  {
    id: 'DNS_SLOW',
    severity: 'critical',
    metric: 'waxseal_probe_average_seconds',
    is: 'above',
    threshold: 10,
    forMs: 0,
    clearMs: 5 * MINUTE,
    title: 'a server has taken more than 10 s to answer, on average, for an hour: a significant incident under NIS2',
    consequence: 'resolvers give up; an early warning to the authority is due within 24 hours',
    command: 'waxseal status',
    source: NIS2,
  },
  {
    id: 'SERVER_SILENT',
    severity: 'warning',
    metric: 'waxseal_probe_answered',
    is: 'below',
    threshold: 1,
    forMs: 5 * MINUTE,
    clearMs: 2 * MINUTE,
    title: 'a server of ours does not answer',
    consequence: 'resolvers ask the other servers, and wait for this one first',
    command: 'waxseal status',
  },
  {
    id: 'NOT_READY',
    severity: 'critical',
    metric: 'waxseal_ready',
    is: 'below',
    threshold: 1,
    forMs: 2 * MINUTE,
    clearMs: MINUTE,
    title: 'this server does not answer from the newest data',
    consequence: 'changes are not seen, or nothing is answered',
    command: 'waxseal status',
  },
  {
    id: 'NO_CHANGES',
    severity: 'critical',
    metric: 'waxseal_changes_possible',
    is: 'below',
    threshold: 1,
    forMs: 0,
    clearMs: MINUTE,
    title: 'the store has no space for changes',
    consequence:
      'signatures are not renewed: signed zones become bogus when they end; keys and certificates stay as they are',
    command: 'waxseal status',
  },
  {
    id: 'SIGNING_STOPPED',
    severity: 'critical',
    metric: 'waxseal_dnssec_signing_possible',
    is: 'below',
    threshold: 1,
    forMs: 0,
    clearMs: MINUTE,
    title: 'nothing is signed, because the clock is too far off',
    consequence: 'signed zones become bogus when their signatures end',
    command: 'waxseal status',
  },
  {
    id: 'SIGNATURES_ENDING',
    severity: 'critical',
    metric: 'waxseal_dnssec_signature_expiry_timestamp_seconds',
    is: 'ends-within',
    threshold: 3 * DAY_S,
    forMs: 0,
    clearMs: MINUTE,
    title: 'signatures end within three days and were not renewed',
    consequence: 'the zone becomes bogus when the first of them ends',
    command: 'waxseal dnssec status ZONE',
  },
  {
    id: 'SELF_CHECK_FAILED',
    severity: 'critical',
    metric: 'waxseal_dnssec_selfcheck_failures_total',
    is: 'above',
    threshold: 0,
    forMs: 0,
    clearMs: MINUTE,
    title: 'a change was refused because its own fresh signatures did not validate: memory or a library is faulty',
    consequence: 'changes of signed zones fail; what is served stays as it was',
    command: 'waxseal audit tail',
    source: NIS2,
  },
  {
    id: 'ZONE_EXPIRED_HERE',
    severity: 'critical',
    metric: 'waxseal_secondary_zones',
    labels: { state: 'expired' },
    is: 'above',
    threshold: 0,
    forMs: 0,
    clearMs: MINUTE,
    title: 'zones from primaries have expired, and are answered with SERVFAIL',
    consequence: 'resolvers that ask this server get no answer about them (RFC 1034 §4.3.5)',
    command: 'waxseal zone list',
  },
  {
    id: 'DS_WRONG',
    severity: 'warning',
    metric: 'waxseal_dnssec_ds_in_sync',
    is: 'below',
    threshold: 1,
    forMs: 6 * HOUR,
    clearMs: MINUTE,
    title: 'the DS records at the parent are not those of our keys',
    consequence: 'rollovers wait; without any DS that fits the zone is bogus',
    command: 'waxseal dnssec status ZONE',
  },
  {
    id: 'CERTIFICATE_ENDING',
    severity: 'warning',
    metric: 'waxseal_certificate_expiry_timestamp_seconds',
    is: 'ends-within',
    threshold: DAY_S,
    forMs: 0,
    clearMs: MINUTE,
    title: 'a certificate ends within a day and has no successor',
    consequence: 'senders in mode enforce do not deliver mail (RFC 8461 §5); DNS over TLS fails',
    command: 'waxseal cert list ZONE',
  },
  {
    id: 'CERTIFICATES_FAILING',
    severity: 'warning',
    metric: 'waxseal_certificates_failing',
    is: 'above',
    threshold: 0,
    forMs: DAY,
    clearMs: 10 * MINUTE,
    title: 'orders of certificates have not continued for a day',
    consequence: 'certificates are not renewed, and end',
    command: 'waxseal status',
  },
  {
    id: 'BIMI_EVIDENCE_ENDING',
    severity: 'warning',
    metric: 'waxseal_bimi_evidence_expiry_timestamp_seconds',
    is: 'ends-within',
    threshold: 30 * DAY_S,
    forMs: 0,
    clearMs: MINUTE,
    title: 'evidence for a logo ends within 30 days',
    consequence: 'receivers stop showing the logo',
    command: 'waxseal bimi show ZONE',
  },
  {
    id: 'ROLLOVERS_HELD',
    severity: 'warning',
    metric: 'waxseal_dnssec_rollovers_held',
    is: 'above',
    threshold: 0,
    forMs: 7 * DAY,
    clearMs: MINUTE,
    title: 'rollovers have been held for a week',
    consequence: 'keys are used longer than their policy says; nothing becomes bogus by it',
    command: 'waxseal dnssec status ZONE',
  },
  {
    id: 'LIFECYCLE_OVERDUE',
    severity: 'warning',
    metric: 'waxseal_lifecycle_overdue_zones',
    is: 'above',
    threshold: 0,
    forMs: HOUR,
    clearMs: 5 * MINUTE,
    title: 'steps of life cycles have not been taken for an hour after they were due',
    consequence: 'keys, certificates and policies stay as they are, past the times that their policies say',
    command: 'waxseal status',
  },
  {
    id: 'RELOAD_REFUSED',
    severity: 'warning',
    metric: 'waxseal_config_last_reload_successful',
    is: 'below',
    threshold: 1,
    forMs: 0,
    clearMs: MINUTE,
    title: 'the configuration was not valid when it was read again',
    consequence: 'the running server has the previous one; it does not start with the present one',
    command: 'waxseal config check',
  },
  {
    id: 'SECONDARY_BEHIND',
    severity: 'warning',
    metric: 'waxseal_secondaries_behind',
    is: 'above',
    threshold: 0,
    forMs: 30 * MINUTE,
    clearMs: 2 * MINUTE,
    title: 'secondaries have not followed the newest serial for half an hour',
    consequence: 'resolvers get old records from them; steps of keys and policies wait for them',
    command: 'waxseal secondary list ZONE',
  },
  {
    id: 'CHANGES_QUEUED',
    severity: 'warning',
    metric: 'waxseal_commands_waiting',
    is: 'above',
    threshold: 500,
    forMs: 5 * MINUTE,
    clearMs: 2 * MINUTE,
    title: 'more than 500 changes have been waiting for five minutes',
    consequence: 'changes are answered late, later with 503',
    command: 'waxseal status',
  },
];
