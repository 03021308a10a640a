/** Limits of messages that the control process answers, and of DNS UPDATE. Each with its reason. */

// --- messages that are handed to control ---

/** Of one thread at control at a time: what control does in 50 ms. All threads together stay below CALL_LIMITS. */
export const HANDED_AT_ONCE_MAX = 16;
/** Messages of one thread that wait for a place, over TCP and UDP: two seconds of durable changes. */
export const HANDED_WAITING_MAX = 512;
/** Octets of them: 16 of the longest messages, or all of ordinary length. */
export const HANDED_WAITING_BYTES_MAX = 1024 * 1024;
/** A client network's share of those places and octets: an address that sends without end leaves half of them. */
export const HANDED_WAITING_PER_CLIENT = 0.5;
/** What has waited for a place this long is not passed on any more: its sender has given up or sent it again. */
export const HANDED_WAIT_MS = 5_000;
/** Wait for control's answer: a change of a large signed zone takes seconds; nsupdate waits five minutes over TCP. */
export const HANDED_REPLY_MS = 30_000;
/** Of a TCP connection whose message is with control: the two times above, and some. */
export const HANDED_CONNECTION_MS = HANDED_WAIT_MS + HANDED_REPLY_MS + 5_000;
/** Between two lines of the log about updates without a signature: Windows hosts send them by the hour. */
export const UPDATE_UNSIGNED_LOG_MS = 60_000;

// --- UPDATE ---

/** Updates in one message: octoDNS sends a thousand changes, two records each. */
export const UPDATE_RECORDS_MAX = 4000;
/** RRsets that a line of the audit log names: what a person reads; the journal has all. */
export const UPDATE_DETAIL_RRSETS_MAX = 5;
/** Of one key: more than the one writer makes durable, which is some 1,500 a second of many clients with one key. */
export const UPDATES_PER_SECOND_MAX = 4000;
/** Wait until every thread serves a change before NOERROR is sent; after it, the change is durable all the same. */
export const UPDATE_SERVED_MS = 1_000;
/**
 * Messages of one key that are remembered, 400 octets each: four seconds at the highest rate. Were there fewer places
 * than messages in a second, others of that second would be rejected as too old.
 */
export const UPDATE_REPLAY_MESSAGES_MAX = 16_384;
/** Of all keys together: a key's places become fewer when many keys send. */
export const UPDATE_REPLAY_TOTAL_MAX = 65_536;
/** Places that each key has in any case: as many as the retransmissions of a busy minute. */
export const UPDATE_REPLAY_MESSAGES_MIN = 64;
/** How long each is remembered: a signature is good for the fudge before and after its time (RFC 8945 §10). */
export const UPDATE_REPLAY_SECONDS = 600;
/** Lines in the log about updates with a key that were not carried out. */
export const UPDATE_LOG_LINES_PER_SECOND_MAX = 5;
/** Name patterns of one key, and types: each record of an update is compared with all of them. */
export const UPDATE_KEY_NAMES_MAX = 100;
export const UPDATE_KEY_TYPES_MAX = 50;

// --- UPDATE that is forwarded to a primary ---

/** Under way: half of the places that one thread has with control, so that a primary that hangs leaves the others. */
export const UPDATE_FORWARDS_MAX = 8;
/** Of those, for one zone and from one client network: half of them. */
export const UPDATE_FORWARDS_PER_ZONE_MAX = 4;
export const UPDATE_FORWARDS_PER_CLIENT_MAX = 4;
/** For one zone; half as many from one client. Each is a connection to a primary, for a key that is not known here. */
export const UPDATE_FORWARDS_PER_SECOND_MAX = 100;
/** For a TCP connection: a primary that is there takes it within a round trip or two. */
export const UPDATE_FORWARD_CONNECT_MS = 3_000;
/** For the answer: a durable change of a large zone takes a second or two. */
export const UPDATE_FORWARD_ANSWER_MS = 10_000;
/** No other primary is tried after this time: with both times above it is less than HANDED_REPLY_MS. */
export const UPDATE_FORWARD_MS_MAX = 15_000;
