/**
 * Limits of mail signers: the register, and the delivery of their keys. Each with its reason.
 */

/** Signers that can be registered: mail servers, not mailboxes. All are one sealed document, read at each fetch. */
export const SIGNERS_MAX = 500;
/** Domains of one signer; with SIGNERS_MAX the document stays below 16 MiB. */
export const SIGNER_DOMAINS_MAX = 1000;
/** Networks that one signer may ask from. */
export const SIGNER_NETWORKS_MAX = 64;
/** Words of the command that runs after an export, and characters of each. */
export const SIGNER_COMMAND_WORDS_MAX = 32;
export const SIGNER_COMMAND_WORD_CHARACTERS_MAX = 1024;
/** The command after an export: reloading a mail filter takes well under a second. Then its whole process group is killed. */
export const SIGNER_COMMAND_MS_MAX = 30_000;
/** Of what that command says, this much is kept: the last lines tell why it failed. */
export const SIGNER_COMMAND_OUTPUT_BYTES_MAX = 2048;
/** A signer whose clock is behind by less than this still takes a key that has just become active for valid. */
export const SIGNER_CLOCK_SKEW_SECONDS = 3600;
/** How often it is looked whether keys changed; signers that have files follow within this time. */
export const SIGNER_EXPORT_LOOK_MS = 1000;
/** The same without a change of the store: windows of keys begin and end by themselves. */
export const SIGNER_EXPORT_LOOK_ANYWAY_MS = 30_000;
/** How often the disk is looked at although no key changed: files removed there are put back after this time. */
export const SIGNER_EXPORT_CHECK_MS = 600_000;
/** One job in a signer's folder: a few small files, on a disk that is slow and not dead. */
export const SIGNER_FOLDER_MS_MAX = 10_000;
/** The process for such jobs ends after so long without one: starting it takes a tenth of a second, keeping it some 40 MiB. */
export const SIGNER_FOLDER_IDLE_MS = 5000;
/** Processes that a dead disk holds, although they were killed; with so many no further one is started. */
export const SIGNER_FOLDER_STUCK_MAX = 4;
/** Names shown of what is in a folder that should be empty. */
export const SIGNER_FOLDER_NAMES_SHOWN_MAX = 5;
/** First and longest wait before an export that failed is tried again. */
export const SIGNER_EXPORT_RETRY_MS_MIN = 5000;
export const SIGNER_EXPORT_RETRY_MS_MAX = 600_000;
/** Selectors in one acknowledgement: a domain has one active key of each algorithm, and of each signer with its own. */
export const SIGNER_ACK_SELECTORS_MAX = 64;
/** Fetches of keys from one address in a minute: rspamd asks once for each message, and 1000 messages a second is a large relay. */
export const SIGNER_REQUESTS_PER_MINUTE_MAX = 60_000;
/** Pairs of signer and key (or rejected address) remembered for an hour, so that each stands once in the audit log. */
export const SIGNER_AUDIT_PAIRS_MAX = 20_000;
