/**
 * The one catalogue of problem codes: code → meaning, HTTP status of the API, exit code of the command line.
 * docs/errors.md is made from it; a code, once released, keeps its meaning.
 */

export interface ProblemKind {
  /** What the code stands for, one line. */
  readonly title: string;
  /** HTTP status of an answer whose first error has this code. */
  readonly status: number;
  /** Exit code of a command that fails with it (interface.md: 1 failed, 2 usage, 3 not found, 4 conflict, 5 denied, 6 check failed, 7 timeout, 78 configuration). */
  readonly exit: number;
}

const bad = (title: string): ProblemKind => ({ title, status: 422, exit: 1 });

/** Keep sorted by room, then by name. */
export const PROBLEM_KINDS = {
  // dns: names, rdata, lexing
  NAME_EMPTY_LABEL: bad('a domain name has an empty label'),
  NAME_ESCAPE: bad('a domain name has a bad escape'),
  NAME_LABEL_LONG: bad('a label is longer than 63 octets'),
  NAME_LONG: bad('a domain name is longer than 255 octets'),
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
  TEXT_NUL: bad('the file is not text: it has a NUL octet in it'),
  TTL_MISSING: bad('a record has no TTL, and nothing before it gives one'),
  TTL_RANGE: bad('a TTL is out of its range'),
  TYPE_META: bad('a type that only exists in messages cannot be stored'),
  TYPE_OBSOLETE: bad('a type that no server takes any more'),
  ZONE_FILE_DIRECTIVE: bad('a $ directive is unknown, in the wrong place or not complete'),
  ZONE_RECORDS_LIMIT: bad('the zone has more records than one import may bring'),
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
  RRSET_TTLS_DIFFER: bad('records of one RRset have different TTLs'),
  SOA_MISSING: bad('the zone has no SOA record'),
  SOA_MULTIPLE: bad('the zone has more than one SOA record'),
  SOA_PLACE: bad('an SOA record stands elsewhere than at the apex'),
  SPF_TYPE: bad('SPF is published with the abandoned SPF type only'),
  TARGET_ALIAS: bad('a record names a host that is an alias'),
  TARGET_IS_ADDRESS: bad('a record names an address where a host name belongs'),
  TARGET_NO_ADDRESS: bad('a record names a host in the zone that has no address'),
  WILDCARD_DNAME: bad('a wildcard owns a DNAME'),
  WILDCARD_INSIDE: bad('an asterisk label that is not the first makes no wildcard'),
  WILDCARD_NS: bad('a wildcard owns NS records'),

  // zone: changesets
  CHANGESET_MISMATCH: { title: 'a changeset does not fit the zone it is applied to', status: 409, exit: 4 },
  CHANGESET_SUPERSEDED: { title: 'what a changeset did has been changed again since', status: 409, exit: 4 },

  // dnssec: what a check of signatures finds
  DNSSEC_BITMAP: { title: 'an NSEC record lists other types than the name has', status: 500, exit: 6 },
  DNSSEC_CHAIN: { title: 'the NSEC chain has a gap or a name that does not belong in it', status: 500, exit: 6 },
  DNSSEC_KEY: { title: 'no key of the zone fits a signature', status: 500, exit: 6 },
  DNSSEC_SIGNATURE: { title: 'a signature does not match what it signs', status: 500, exit: 6 },
  DNSSEC_TIME: { title: 'a signature is not valid now', status: 500, exit: 6 },
  DNSSEC_UNSIGNED: { title: 'an RRset that must be signed is not', status: 500, exit: 6 },

  // control: what the zones and tokens are asked for
  DNSSEC_DS_PRESENT: { title: 'signing cannot be turned off while the parent may have a DS record', status: 409, exit: 4 },
  RECORDS_MISSING: bad('an operation on an RRset has no records'),
  RRSET_MANAGED: { title: 'the RRset is managed by a part of waxseal and cannot be changed by hand', status: 409, exit: 4 },
  SIGNING_SELF_CHECK: { title: 'freshly made signatures failed the independent check; nothing was published', status: 500, exit: 6 },
  ZONE_EXISTS: { title: 'the zone exists already', status: 409, exit: 4 },
  ZONE_SERIAL: bad('the serial of an imported SOA is not newer than the one served'),
  ZONE_NOT_FOUND: { title: 'no such zone is served here', status: 404, exit: 3 },
  RRSET_NOT_FOUND: { title: 'the zone has no such RRset', status: 404, exit: 3 },
  PRECONDITION: { title: 'the resource is not the one that If-Match or If-None-Match names', status: 412, exit: 4 },

  // store: what is kept on disk, and its secrets
  KEK_FILE: { title: 'the key-encryption key cannot be read', status: 500, exit: 78 },
  KEK_PERMISSIONS: { title: 'the file of the key-encryption key can be read by others', status: 500, exit: 78 },
  KEK_WRONG: { title: 'the key-encryption key is not the one that this store was made with', status: 500, exit: 78 },
  SECRET_SEALED: { title: 'a sealed secret does not open: another key-encryption key, or changed octets', status: 500, exit: 1 },
  STORE_BROKEN: { title: 'a write to the store failed in a way that leaves its state unknown; the process has to restart', status: 503, exit: 1 },
  STORE_DAMAGED: { title: 'the store holds something it cannot hold', status: 500, exit: 1 },
  STORE_FORMAT: { title: 'the store has a format that this version does not read', status: 500, exit: 78 },
  STORE_FULL: { title: 'no space is left for the store', status: 507, exit: 1 },
  STORE_LIMIT: { title: 'a value is larger than the store takes', status: 422, exit: 1 },
  STORE_LOCKED: { title: 'another process writes to this store', status: 503, exit: 4 },
  STORE_MISSING: { title: 'there is no store yet', status: 503, exit: 1 },

  // admin: requests
  AUDIT_BROKEN: { title: 'an entry of the audit log was changed, removed or put in', status: 500, exit: 6 },
  AUTH_MISSING: { title: 'the request carries no token', status: 401, exit: 5 },
  AUTH_INVALID: { title: 'the token is unknown, expired or revoked', status: 401, exit: 5 },
  AUTH_SCOPE: { title: 'the token may not do this', status: 403, exit: 5 },
  AUTH_FAILURES: { title: 'too many failed log-ins from this address', status: 429, exit: 5 },
  BODY_JSON: { title: 'the body is not JSON', status: 400, exit: 1 },
  BODY_MISSING: bad('the request needs a body'),
  BODY_SIZE: { title: 'the body is too large', status: 413, exit: 1 },
  BODY_TYPE: { title: 'the body has a content type that this resource does not take', status: 415, exit: 1 },
  CHANGE_NOT_FOUND: { title: 'the journal has no such change', status: 404, exit: 3 },
  FIELD_MISSING: bad('a field that is needed is not there'),
  FIELD_UNKNOWN: bad('a field that does not exist here'),
  FIELD_VALUE: bad('a field has a value it cannot have'),
  METHOD_NOT_ALLOWED: { title: 'the resource does not have this method', status: 405, exit: 1 },
  OVERLOADED: { title: 'the control process is short of memory', status: 503, exit: 1 },
  PARAMETER: { title: 'a parameter of the URL is unknown or has a wrong value', status: 400, exit: 2 },
  RATE_LIMIT: { title: 'too many requests from this address', status: 429, exit: 1 },
  REQUEST: { title: 'the request is not well-formed HTTP', status: 400, exit: 1 },
  ROUTE_NOT_FOUND: { title: 'no such resource', status: 404, exit: 3 },
  SERVER_BUG: { title: 'an unexpected failure inside the server; its log has the details', status: 500, exit: 1 },
  TOKEN_NOT_FOUND: { title: 'no such token', status: 404, exit: 3 },

  // config
  CONFIG_FILE: { title: 'the configuration file cannot be read', status: 500, exit: 78 },
  CONFIG_KEY: { title: 'the configuration has no such key', status: 500, exit: 78 },
  CONFIG_SYNTAX: { title: 'the configuration file is not TOML', status: 500, exit: 78 },
  CONFIG_VALUE: { title: 'a configuration value is not possible', status: 500, exit: 78 },

  // cli
  CLI_CONFIRM: { title: 'a destructive command needs --yes when nobody can be asked', status: 400, exit: 2 },
  CLI_FILE: { title: 'a file cannot be read or written', status: 400, exit: 1 },
  CLI_SERVER: { title: 'no server answers', status: 503, exit: 1 },
  CLI_TIMEOUT: { title: 'the server did not answer or finish in time', status: 504, exit: 7 },
  CLI_USAGE: { title: 'the command line is not understood', status: 400, exit: 2 },

  // base and server: addresses to listen on
  ADDRESS_DENIED: { title: 'this user may not listen on an address', status: 403, exit: 5 },
  ADDRESS_IN_USE: { title: 'an address is taken by another program', status: 409, exit: 4 },
  ADDRESS_MISSING: { title: 'an address does not belong to this machine', status: 422, exit: 78 },
  ADDRESS_SYNTAX: { title: 'a socket address is not well formed', status: 422, exit: 78 },
  ADDRESS_UNUSABLE: { title: 'an address cannot be listened on', status: 422, exit: 1 },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEM_KINDS;

/** The catalogue's row for `code`. */
export function problemKind(code: ProblemCode): ProblemKind {
  return PROBLEM_KINDS[code];
}
