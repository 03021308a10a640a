/**
 * The one catalogue of problem codes: code → meaning, HTTP status of the API, exit code of the command line.
 * docs/errors.md is made from it; a code, once released, keeps its meaning.
 */
import { CERTIFICATE_PROBLEMS, DNSSEC_PROBLEMS, MAIL_PROBLEMS } from './problem-codes-subjects.ts';
import { TRANSFER_PROBLEMS } from './problem-codes-transfer.ts';

export interface ProblemKind {
  /** What the code stands for, one line. */
  readonly title: string;
  /** HTTP status of an answer whose first error has this code. */
  readonly status: number;
  /**
   * Exit code of a command that fails with it: 1 failed, 2 usage, 3 not found, 4 conflict, 5 denied, 6 check failed,
   * 7 timeout, 78 configuration: only what starting the same program again cannot cure.
   */
  readonly exit: number;
}

const bad = (title: string): ProblemKind => ({ title, status: 422, exit: 1 });

/** Keep sorted by folder, then by name. */
export const PROBLEM_KINDS = {
  // dns: names, rdata, lexing
  NAME_AMBIGUOUS: bad('a name without a last dot could be meant in two ways'),
  NAME_EMPTY_LABEL: bad('a domain name has an empty label'),
  NAME_ESCAPE: bad('a domain name has a bad escape'),
  NAME_LABEL_LONG: bad('a label is longer than 63 octets'),
  NAME_LONG: bad('a domain name is longer than 255 octets'),
  NAME_MAILBOX: bad('a mailbox stands where a domain name belongs'),
  NAME_ORIGIN_TWICE: bad("a name in a zone file ends in the zone's name twice: its last dot may be missing"),
  NAME_RELATIVE: bad('a relative name stands where there is no origin'),
  RDATA_DOUBTFUL: bad('record data is lawful and surely not what was meant'),
  RDATA_SYNTAX: bad('record data does not have the form its type asks for'),
  RDATA_TRAILING: bad('record data has more in it than its type takes'),
  RDATA_MISSING: bad('record data ends before its type is complete'),
  RDATA_VALUE: bad('a value in record data is out of its range'),
  RDATA_WIRE: bad('record data in wire form is not well formed'),
  TEXT_QUOTE_OPEN: bad('a quoted string is not closed'),
  TEXT_PAREN_OPEN: bad('a parenthesis is not closed'),
  TEXT_PAREN_CLOSE: bad('a parenthesis is closed that was never opened'),
  TEXT_ESCAPE: bad('a bad escape'),
  TYPE_UNKNOWN: bad('no such record type'),

  // dns and zone: zone files, and what a whole zone must satisfy
  GENERATE_RANGE: bad('a $GENERATE range is not one, or makes too many records'),
  GENERATE_TEMPLATE: bad('a $GENERATE template cannot be filled in'),
  INCLUDE_REFUSED: bad('an $INCLUDE file may not be read, or not here'),
  INCLUDE_LIMIT: bad('$INCLUDE goes too deep, or takes in too much'),
  PROBLEMS_MORE: bad('there are more problems than are shown'),
  RECORD_CLASS: bad('a record of another class than IN'),
  RECORD_OWNER: bad('a record has no owner, or takes over a doubtful one'),
  RECORD_SHORT: bad('a record ends before its type or data'),
  TEXT_ENTRY_LONG: bad('one entry has more words than any record can hold'),
  TEXT_HIDDEN: bad('a text has a control character or a directional character in it'),
  TEXT_LIST: bad('the file is a list of records for people, not a zone file'),
  TEXT_NUL: bad('the file is not text: it has a NUL octet in it'),
  TEXT_UNQUOTED: bad('a mail record in a zone file is not in quotes, and is cut'),
  TTL_MISSING: bad('a record has no TTL, and nothing before it gives one'),
  TTL_RANGE: bad('a TTL is out of its range'),
  TYPE_META: bad('a type that only exists in messages cannot be stored'),
  TYPE_OBSOLETE: bad('a type that no server takes any more'),
  ZONE_FILE_DIRECTIVE: bad('a $ directive is unknown, in the wrong place or not complete'),
  ZONE_CHILD: { title: 'a zone below, served here, has no NS records in the new zone', status: 409, exit: 4 },
  ZONE_KEPT: bad('what is kept of a removed zone'),
  ZONE_NOT_KEPT: { title: 'nothing is kept of this zone that it could be made from again', status: 404, exit: 3 },
  ZONE_PARENT: { title: 'the zone above, served here, does not fit the new zone', status: 409, exit: 4 },
  ZONE_PARENT_DS: bad('the zone above, served here, has no DS record for the new zone'),
  ZONE_REMOVED_DS: bad('the parent may still have a DS record for a zone that was removed'),
  ZONE_TAKEN_BACK: bad('a zone that was removed is there again, with its key and a newer serial'),
  ZONE_RECORDS_LIMIT: { title: 'the zone has more records than one import may bring', status: 413, exit: 1 },
  ALIAS_CLASH: bad('addresses or a CNAME would stand beside an ALIAS'),
  ALIAS_LIMIT: bad('a zone has more ALIAS records than it may'),
  ALIAS_LOOP: bad('an ALIAS leads back to its own name'),
  ALIAS_MULTIPLE: bad('an ALIAS has more than one target'),
  ALIAS_NO_RESOLVER: bad('the target of an ALIAS cannot be looked up: no resolver is configured'),
  ALIAS_PLACE: bad('an ALIAS stands where the zone answers nothing'),
  ALIAS_PRIVATE: bad('an ALIAS leads to an address that no host outside can reach'),
  ALIAS_REMOVED: bad('an ALIAS is not in the zone file that was imported, and goes'),
  ALIAS_UNRESOLVED: bad('the target of an ALIAS has no address now, or cannot be looked up'),
  ALIAS_WITHDRAWN: bad('the addresses of an ALIAS could not be renewed, and were taken away'),
  ALIAS_ZONE: bad('an ALIAS in a zone that gets its records from elsewhere'),
  CNAME_MULTIPLE: bad('a name has more than one CNAME'),
  CNAME_OTHER_DATA: bad('a name has a CNAME and other data'),
  DATA_OCCLUDED: bad('data that is never served because a delegation or a DNAME is above it'),
  DNAME_MULTIPLE: bad('a name has more than one DNAME'),
  DNSSEC_DEPRECATED: bad('a DNSSEC algorithm or digest that validators may no longer trust'),
  DNSSEC_DROPPED: bad('DNSSEC records of the file are left out: the signer makes its own'),
  DS_APEX: bad('a DS record stands at the apex; it belongs to the parent'),
  DS_NO_NS: bad('a DS record stands where no delegation is'),
  GLUE_MISSING: bad('a name server inside a delegation has no glue'),
  HOST_NAME: bad('a name that must be a host name is none'),
  NAME_TYPES_LIMIT: bad('a name has more types than one name may have'),
  NS_MISSING: bad('the zone has no NS records at its apex'),
  OUT_OF_ZONE: bad('a name is not in the zone'),
  RESINFO_MULTIPLE: bad('a name has more than one RESINFO'),
  RRSET_RECORDS_LIMIT: bad('an RRset has more records than one may have'),
  RRSET_SIZE: bad('an RRset does not fit into any DNS message'),
  RRSET_TTLS_DIFFER: bad('records of one RRset have different TTLs'),
  SOA_MISSING: bad('the zone has no SOA record'),
  SOA_MULTIPLE: bad('the zone has more than one SOA record'),
  SOA_PLACE: bad('an SOA record stands elsewhere than at the apex'),
  SPF_TYPE: bad('SPF is published with the abandoned SPF type only'),
  SRV_NONE: bad('an SRV record says that there is no such service, beside others that name hosts'),
  TARGET_ALIAS: bad('a record names a host that is an alias'),
  TARGET_IS_ADDRESS: bad('a record names an address where a host name belongs'),
  TARGET_NO_ADDRESS: bad('a record names a host in the zone that has no address'),
  WILDCARD_DNAME: bad('a wildcard owns a DNAME'),
  WILDCARD_INSIDE: bad('an asterisk label that is not the first makes no wildcard'),
  WILDCARD_NS: bad('a wildcard owns NS records'),

  // zone: changesets
  CHANGESET_MISMATCH: { title: 'a changeset does not fit the zone it is applied to', status: 409, exit: 4 },
  ROLLBACK_LEFT_OUT: { title: 'a rollback leaves out what a life cycle keeps', status: 409, exit: 4 },
  VERSION_DISTANCE: bad('more lies between two versions of a zone than is compared at once'),
  VERSION_NOT_KEPT: { title: 'the journal does not reach to that version of the zone', status: 404, exit: 3 },
  CHANGESET_SUPERSEDED: { title: 'what a changeset did has been changed again since', status: 409, exit: 4 },

  // dnssec: what a check of signatures finds, and what keys are asked for
  ...DNSSEC_PROBLEMS,

  // mail: records, SPF, policy, reports
  ...MAIL_PROBLEMS,

  // lifecycle
  LIFECYCLE_OBJECT: { title: 'there is no such key, record or policy whose life is kept', status: 404, exit: 3 },
  LIFECYCLE_ORDER: { title: 'an order does not fit the stage that something is in', status: 409, exit: 4 },
  LIFECYCLE_REASON: bad('an order that goes against a wait has no reason'),
  LIFECYCLE_WAIT: { title: 'something does not wait for what was to be overridden', status: 409, exit: 4 },

  // certificates: what a CA and the operator give
  ...CERTIFICATE_PROBLEMS,
  ...TRANSFER_PROBLEMS,

  // control: what the zones and tokens are asked for
  IMPORT_FAILED: { title: 'the process of a large import has ended early; nothing was changed', status: 500, exit: 1 },
  IMPORT_OVERTAKEN: { title: 'the zone changed again and again while its import was read', status: 409, exit: 4 },
  IMPORT_UNDER_WAY: { title: 'an import of the zone is under way, and the change waited long', status: 409, exit: 4 },
  RECORDS_MISSING: bad('an operation on an RRset has no records'),
  RRSET_MANAGED: { title: 'the RRset is managed by a part of waxseal and cannot be changed by hand', status: 409, exit: 4 },
  SIGNING_SELF_CHECK: { title: 'freshly made signatures failed the independent check; nothing was published', status: 500, exit: 6 },
  ZONE_EXISTS: { title: 'the zone exists already', status: 409, exit: 4 },
  ZONE_SERIAL: bad('the serial of a given SOA is not newer than the one served'),
  ZONE_NOT_FOUND: { title: 'no such zone is served here', status: 404, exit: 3 },
  RECORD_NOT_FOUND: { title: 'an RRset has no such record', status: 404, exit: 3 },
  RRSET_NOT_FOUND: { title: 'the zone has no such RRset', status: 404, exit: 3 },
  PRECONDITION: { title: 'the resource is not the one that If-Match or If-None-Match names', status: 412, exit: 4 },

  // control: mail signers and how they get their keys
  SIGNER_ADDRESS: { title: 'a signer may not ask for keys from this address', status: 403, exit: 5 },
  SIGNER_COMMAND: { title: 'the command after an export of DKIM keys failed', status: 502, exit: 1 },
  SIGNER_DOMAIN: { title: 'the signer does not sign for this domain', status: 404, exit: 3 },
  SIGNER_EXISTS: { title: 'there is a signer of that name', status: 409, exit: 4 },
  SIGNER_EXPORT: { title: 'the DKIM keys of a signer could not be written to its folder', status: 502, exit: 1 },
  SIGNER_FOLDER: bad('the folder that DKIM keys are to be exported to cannot be used'),
  SIGNER_FOLDER_SLOW: { title: 'the folder for exported DKIM keys does not answer in time', status: 504, exit: 7 },
  SIGNER_FOLDER_TAKEN: { title: 'another signer has the folder, or one that holds it or lies in it', status: 409, exit: 4 },
  SIGNER_LOCAL: { title: 'where files go and which command runs can only be said on the machine itself', status: 403, exit: 5 },
  SIGNER_NAME: bad("a signer's name is not one"),
  SIGNER_NETWORK: bad('what a signer may ask from is not a network, or keys would cross a network in clear'),
  SIGNER_NOT_FOUND: { title: 'there is no such signer', status: 404, exit: 3 },
  SIGNER_OWN_KEY: { title: 'the signer keeps its own keys and is given none, or the other way round', status: 409, exit: 4 },
  SIGNER_SELECTOR: { title: 'a signer can acknowledge only an active key that it has', status: 409, exit: 4 },

  // store: what is kept on disk, and its secrets
  BACKUP_BAD: { title: 'a backup is not what was made', status: 500, exit: 6 },
  BACKUP_FAILED: { title: 'a backup could not be made', status: 500, exit: 1 },
  BACKUP_FOLDER: { title: 'the folder of backups cannot be used', status: 422, exit: 1 },
  BACKUP_NONE: { title: 'there is no such backup', status: 404, exit: 3 },
  BACKUP_OLD: { title: 'the newest backup is older than the schedule allows', status: 500, exit: 6 },
  BACKUP_RESTORED: { title: 'the store was restored; key rollovers and mail are held', status: 500, exit: 6 },
  BACKUP_RUNNING: { title: 'a backup is being made already', status: 409, exit: 4 },
  BACKUP_TARGET: { title: 'a backup cannot be restored there', status: 409, exit: 4 },
  HTTPS_KEY_FILE: { title: "the policy host's key cannot be read", status: 500, exit: 1 },
  HTTPS_KEY_PERMISSIONS: { title: "the file of the policy host's key can be read by others", status: 500, exit: 1 },
  KEK_CHANGE: { title: 'the key-encryption key cannot become another one in this way', status: 409, exit: 4 },
  KEK_FILE: { title: 'the key-encryption key cannot be read', status: 500, exit: 78 },
  KEK_MADE: { title: 'a key-encryption key was made; keep a copy, but not with the store', status: 500, exit: 1 },
  KEK_PERMISSIONS: { title: 'the file of the key-encryption key can be read by others', status: 500, exit: 78 },
  KEK_WRONG: { title: 'the key-encryption key is not the one that this store was made with', status: 500, exit: 78 },
  SECRET_SEALED: { title: 'a sealed secret does not open: another key-encryption key, or changed octets', status: 500, exit: 1 },
  STORE_BROKEN: {
    title: 'a write to the store failed in a way that leaves its state unknown; the process has to restart',
    status: 503,
    exit: 1,
  },
  STORE_DAMAGED: { title: 'the store holds something it cannot hold', status: 500, exit: 1 },
  STORE_FOLDER: { title: 'the data directory cannot be used', status: 500, exit: 78 },
  STORE_FORMAT: { title: 'the store has a format that this version does not read', status: 500, exit: 78 },
  STORE_FULL: { title: 'no space is left for the store', status: 507, exit: 1 },
  STORE_LIMIT: { title: 'a value is larger than the store takes', status: 422, exit: 1 },
  STORE_LOCKED: { title: 'another process has this data directory', status: 503, exit: 4 },
  STORE_MISSING: { title: 'there is no store yet', status: 503, exit: 1 },

  // admin: requests
  AUDIT_LARGE: { title: 'the audit log takes much of the store', status: 500, exit: 6 },
  AUDIT_BROKEN: { title: 'an entry of the audit log was changed, removed or put in', status: 500, exit: 6 },
  AUTH_MISSING: { title: 'the request carries no token', status: 401, exit: 5 },
  AUTH_INVALID: { title: 'the token is unknown, expired or revoked', status: 401, exit: 5 },
  AUTH_SCOPE: { title: 'the token may not do this', status: 403, exit: 5 },
  HOST_UNKNOWN: { title: 'the request is for a host that this server is not known as', status: 421, exit: 1 },
  AUTH_FAILURES: { title: 'too many failed log-ins from this address', status: 429, exit: 5 },
  BODY_JSON: { title: 'the body is not JSON', status: 400, exit: 1 },
  BODY_MISSING: bad('the request needs a body'),
  BODY_SIZE: { title: 'the body is too large', status: 413, exit: 1 },
  BODY_TYPE: { title: 'the body has a content type that this resource does not take', status: 415, exit: 1 },
  ALERT_NOT_FOUND: { title: 'there is no such alert', status: 404, exit: 3 },
  CHANGE_NOT_FOUND: { title: 'the journal has no such change', status: 404, exit: 3 },
  FIELD_MISSING: bad('a field that is needed is not there'),
  FIELD_UNKNOWN: bad('a field that does not exist here'),
  FIELD_VALUE: bad('a field has a value it cannot have'),
  IDEMPOTENCY_KEY_USED: bad('the Idempotency-Key came with another request before'),
  IDEMPOTENCY_UNDER_WAY: { title: 'the first request with this Idempotency-Key is under way', status: 409, exit: 4 },
  IDEMPOTENCY_UNKNOWN: { title: 'the first request with this Idempotency-Key has no answer', status: 409, exit: 4 },
  METHOD_NOT_ALLOWED: { title: 'the resource does not have this method', status: 405, exit: 1 },
  OVERLOADED: { title: 'the control process, or the share of this token in it, has no capacity for the request now', status: 503, exit: 1 },
  PARAMETER: { title: 'a parameter of the URL is unknown or has a wrong value', status: 400, exit: 2 },
  RATE_LIMIT: { title: 'too many requests from this address, or with this token', status: 429, exit: 1 },
  REQUEST: { title: 'the request is not well-formed HTTP', status: 400, exit: 1 },
  ROUTE_NOT_FOUND: { title: 'no such resource', status: 404, exit: 3 },
  SERVER_BUG: { title: 'an unexpected failure inside the server; its log has the details', status: 500, exit: 1 },
  TOKEN_NOT_FOUND: { title: 'no such token', status: 404, exit: 3 },

  // config
  CONFIG_FILE: { title: 'the configuration file cannot be read', status: 500, exit: 78 },
  CONFIG_KEY: { title: 'the configuration has no such key', status: 500, exit: 78 },
  CONFIG_SYNTAX: { title: 'the configuration file is not TOML', status: 500, exit: 78 },
  PROCESS_USER: { title: 'a process cannot run as the user that is named', status: 500, exit: 78 },
  SOCKET_TYPE: { title: 'what the service manager gave is no socket to listen at', status: 500, exit: 78 },
  SOCKET_UNWANTED: { title: 'a socket of the service manager is not in the configuration', status: 500, exit: 78 },
  CONFIG_VALUE: { title: 'a configuration value is not possible', status: 500, exit: 78 },
  COOKIE_SECRET_FILE: { title: 'a secret for DNS cookies cannot be read', status: 500, exit: 78 },

  // cli
  CLI_CHECK: { title: 'what was checked has errors', status: 422, exit: 6 },
  CLI_COMMAND: { title: 'a command that was to be run failed', status: 400, exit: 1 },
  CLI_CONFIRM: { title: 'a destructive command needs --yes when no operator can be asked', status: 400, exit: 2 },
  CLI_FILE: { title: 'a file cannot be read or written', status: 400, exit: 1 },
  CLI_NOT_BEFORE: { title: 'a key may not be used yet: try again later', status: 504, exit: 7 },
  CLI_SERVER: { title: 'no server answers', status: 503, exit: 1 },
  CLI_TIMEOUT: { title: 'the server did not answer or finish in time', status: 504, exit: 7 },
  CLI_USAGE: { title: 'the command line is not understood', status: 400, exit: 2 },

  // base and server: addresses to listen on
  ADDRESS_DENIED: { title: 'this user may not listen on an address', status: 403, exit: 5 },
  ADDRESS_IN_USE: { title: 'an address is taken by another program', status: 409, exit: 4 },
  ADDRESS_MISSING: { title: 'an address does not belong to this machine', status: 422, exit: 1 },
  ADDRESS_SYNTAX: { title: 'a socket address is not well formed', status: 422, exit: 78 },
  ADDRESS_UNUSABLE: { title: 'an address cannot be listened on', status: 422, exit: 1 },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEM_KINDS;

/** The catalogue's row for `code`. */
export function problemKind(code: ProblemCode): ProblemKind {
  return PROBLEM_KINDS[code];
}
