/**
 * Limits on how the processes of `waxseal serve` watch each other and what they say to each other, each with its
 * reason.
 * Not here: restarts and draining (server.ts).
 */

// --- the first start ---

/** With a new store, steps of mail are logged at level debug for so long: a new operator reads the screen. */
export const FIRST_SCREEN_QUIET_MS = 60_000;

// --- messages between the supervisor and its children ---

/**
 * One message, octets. The longest is the report of DKIM selectors; a child that was taken over must not fill the
 * supervisor's memory with one that never ends.
 */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Text in a message: a name of 255 octets with each of them escaped, and some. */
export const MESSAGE_TEXT_MAX = 1100;
/** Counters of one process: there are about a hundred. */
export const MESSAGE_SLOTS_MAX = 512;
/** Addresses of one process: as many as the configuration takes. */
export const LISTENERS_MAX = 64;
/** Selectors in one report, of all workers together; `isFull` says that there are others. */
export const SELECTOR_NAMES_MAX = 65_536;
/** Their octets in the message, quotes and numbers included: the report stays below MESSAGE_BYTES_MAX. */
export const SELECTOR_REPORT_BYTES_MAX = 12 * 1024 * 1024;
/** Messages without a form of ours are logged once in this time for each child. */
export const DROPPED_LOG_MS = 60_000;
/** And to control, for its metrics, not more often than this. */
export const DROPPED_TELL_MS = 1_000;

// --- calls: a request to the other process and its reply ---

/** A request's or reply's octets: the longest DNS message, and space for who sent it and under which key. */
export const CALL_BYTES_MAX = 65_535 + 1024;
/** Characters of the name of a request. */
export const CALL_NAME_MAX = 64;
export interface CallLimits {
  /** Requests under way in one direction. */
  readonly count: number;
  /** Octets of their bodies together. */
  readonly bytes: number;
}

/**
 * At 5 ms for a change, the last one waits less than a second; 2 MiB are 32 of the longest, or all of ordinary length.
 */
export const CALL_LIMITS: CallLimits = { count: 128, bytes: 2 * 1024 * 1024 };
/** Wait for a reply, unless the caller says otherwise: a resolver or client that sent the request gives up earlier. */
export const CALL_REPLY_MS_DEFAULT = 5_000;

// --- snapshots of the store ---

/** Between two attempts to share LMDB's lock, which a process that opens the store has for itself for a millisecond. */
export const STORE_HOLD_RETRY_MS = 5;

/**
 * How often readers that died are looked for, and snapshots that are held for long: a store grows by MiB in that time,
 * not by GiB.
 */
export const SNAPSHOT_LOOK_MS = 60_000;
/**
 * Growth between two such looks that is worth a line of the log when a snapshot was held all the time: a file grows by
 * this much at once.
 */
export const SNAPSHOT_GROWTH_BYTES = 4 * 1024 * 1024;

// --- heartbeats ---

/** How often a child tells the supervisor that its event loop turns. */
export const HEARTBEAT_MS = 1_000;
/** Heartbeats missed in a row before a child is killed and started again: two minutes. Large imports block for tens of seconds. */
export const HEARTBEATS_MISSED_MAX = 120;

/** Sockets that the service manager may give: more than all addresses that may be listened at. */
export const INHERITED_SOCKETS_MAX = 64;

// --- the service manager ---

/**
 * The server is ready when DNS is answered and changes are possible, or when DNS has been answered for so long: what
 * waits for name service must not wait for a control process that does not start.
 */
export const READY_WITHOUT_CONTROL_MS = 60_000;
/**
 * The service manager hears that the configuration was read again after this at the latest: zones may follow it behind
 * other changes, and who waits for `systemctl reload` must not wait for ever.
 */
export const RELOAD_SAID_MS_MAX = 60_000;
/** A control process that has stopped ends after this at the latest: well before the supervisor kills it. */
export const CONTROL_LINGER_MS = 1000;
/** Without a watchdog: how often the line for `systemctl status` is looked at. */
export const MANAGER_STATUS_EVERY_MS = 10_000;

// --- Unix sockets ---

/** `sun_path` of unix(7) has 108 octets with its final 0. */
export const SOCKET_PATH_BYTES_MAX = 107;
/** How often a process looks whether it has memory to give back. */
export const IDLE_MEMORY_LOOK_MS = 10_000;
/** With more processor time than this share of that it is at work, and a collection would be in its way. */
export const IDLE_MEMORY_BUSY_SHARE = 0.1;
/** Growth of the heap that is worth a collection, which stops a process that does nothing for some 150 ms. */
export const IDLE_MEMORY_GROWN_BYTES = 16 * 1024 * 1024;

// --- what each process takes ---

/** How often a process looks whether its event loop turned in time. More often would wake a process that rests. */
export const LOOP_LOOK_MS = 1000;
/** The longest delay is of the present window or the one before: Prometheus looks more often. */
export const LOOP_WINDOW_MS = 60_000;
