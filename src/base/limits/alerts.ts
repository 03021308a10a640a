/** Limits of alerts: how many there are, how long they are kept, and how they are sent. */

/** Conditions are looked at, and servers asked, this often: NIS2 counts minutes. */
export const ALERT_LOOK_MS = 60_000;
/** After an event that is an alert: those of one change are taken in together. */
export const ALERT_SETTLE_MS = 500;
/** Alerts that are kept; each is a document of some 1 KiB. Past it new ones are counted and logged only. */
export const ALERTS_MAX = 10_000;
/** Of one zone: a zone with a thousand broken names must not hide the alerts of the others. */
export const ALERTS_PER_ZONE_MAX = 50;
/** An alert that is over is shown for so long. */
export const ALERT_HISTORY_MS = 30 * 86_400_000;
/** A reported alert of which nothing tells whether it is over: over after so long without another report. */
export const ALERT_QUIET_MS = 7 * 86_400_000;
/** Events of the journal that are read at a time. */
export const ALERT_EVENTS_AT_ONCE = 500;
/** In `waxseal status`. */
export const ALERT_STATUS_MAX = 20;
/** An operator's reason for an acknowledgement. */
export const ALERT_REASON_CHARACTERS_MAX = 500;

/** Where alerts are sent. */
export const ALERT_WEBHOOKS_MAX = 8;
export const ALERT_COMMAND_WORDS_MAX = 32;
export const ALERT_RULES_MAX = 64;
/** Messages that wait for one target; more are dropped and counted: after such a time `alert list` says more. */
export const ALERT_DELIVERIES_MAX = 1_000;
/** First and longest wait after a try that failed. */
export const ALERT_RETRY_MS_MIN = 30_000;
export const ALERT_RETRY_MS_MAX = 3_600_000;
/** After this the message is given up, with a line in the log. */
export const ALERT_GIVE_UP_MS = 3 * 86_400_000;
/** For one try, from the name to the end of the answer, or of the command. */
export const ALERT_SEND_MS = 15_000;
/** Of a webhook's answer; the rest is not read. */
export const ALERT_ANSWER_BYTES_MAX = 4_096;
/** Of the file with the key of webhooks: 24 to 64 octets in base64 (Standard Webhooks). */
export const ALERT_KEY_BYTES_MIN = 24;
export const ALERT_KEY_BYTES_MAX = 64;
export const ALERT_KEY_FILE_BYTES_MAX = 256;

/** Servers that are asked once a minute; of more, others in each minute. */
export const PROBE_SERVERS_MAX = 32;
/** Answers of a server that are remembered: an hour. */
export const PROBE_ANSWERS = 60;
/** For an answer: twice what NIS2 calls slow. */
export const PROBE_WAIT_MS = 20_000;
/** RFC 5426 §3.2: what every receiver of syslog takes over IPv6. */
export const SYSLOG_BYTES_MAX = 1180;
