/**
 * Which problem codes the answers of a route may have, by what it takes and meets: its token, its parameters, its body,
 * the rules of zones, of mail, of keys, the store. It has every code that some request can meet: tests compare all
 * answers with it.
 * Not here: what the codes mean (base/problem-codes.ts), their place in the document (operations.ts).
 */
import { PROBLEM_KINDS, type ProblemCode } from '#base/problem-codes.ts';
import type { Route } from '#admin/http/route.ts';
import type { Tag } from '#admin/http/tags.ts';

const ALL = Object.keys(PROBLEM_KINDS) as ProblemCode[];

/** Codes that begin so. */
const like = (...beginnings: readonly string[]): readonly ProblemCode[] =>
  ALL.filter((code) => beginnings.some((each) => code.startsWith(each)));

/** Any request: its form, its host, limits, a server in trouble. */
const ANY: readonly ProblemCode[] = [
  'REQUEST',
  'TEXT_HIDDEN',
  'HOST_UNKNOWN',
  'RATE_LIMIT',
  'OVERLOADED',
  'SERVER_BUG',
  'STORE_DAMAGED',
  'STORE_BROKEN',
];
const TOKEN: readonly ProblemCode[] = ['AUTH_MISSING', 'AUTH_INVALID', 'AUTH_SCOPE', 'AUTH_FAILURES'];
const BODY: readonly ProblemCode[] = ['BODY_MISSING', 'BODY_SIZE', 'BODY_TYPE'];
const JSON_BODY: readonly ProblemCode[] = ['BODY_JSON', 'FIELD_MISSING', 'FIELD_UNKNOWN', 'FIELD_VALUE'];
const NAMES = like('NAME_', 'TYPE_UNKNOWN', 'OUT_OF_ZONE');
const WRITING: readonly ProblemCode[] = [
  ...like('IDEMPOTENCY_'),
  'STORE_FULL',
  'STORE_LIMIT',
  'SECRET_SEALED',
  'DELEGATION_BUSY',
  'ZONE_CHECK_BUSY',
  'IMPORT_UNDER_WAY',
];

/** What a zone may be given, by records or by a file. */
const ZONE_DATA = like(
  ...[
    'NAME_',
    'RDATA_',
    'TEXT_',
    'TYPE_',
    'GENERATE_',
    'IMPORT_',
    'INCLUDE_',
    'PROBLEMS_MORE',
    'RECORD',
    'TTL_',
    'ZONE_',
    'ZONEMD_',
  ],
  ...[
    'ALIAS_',
    'CNAME_',
    'DATA_',
    'DNAME_',
    'DNSSEC_',
    'DS_',
    'GLUE_',
    'HOST_NAME',
    'NS_',
    'OUT_OF_ZONE',
    'RESINFO_',
    'RRSET_',
    'SOA_',
  ],
  ...[
    'SPF_',
    'SRV_',
    'TARGET_',
    'WILDCARD_',
    'CHANGESET_',
    'SIGNING_',
    'CLOCK_',
    'TXT_',
    'MX_',
    'PRESIGNED_',
    'MAIL_CONFLICT',
  ],
);
const LIFE = like('LIFECYCLE_');

/** What routes of a subject may meet beside that. */
const SUBJECTS: Readonly<Record<Tag, readonly ProblemCode[]>> = {
  zones: like('PRIMAR', 'DELEGATION_'),
  rrsets: [],
  changes: ['CHANGE_NOT_FOUND', ...like('ROLLBACK_', 'VERSION_')],
  dnssec: [
    ...LIFE,
    ...like('DELEGATION_', 'DNSSEC_', 'CLOCK_', 'ZONE_PRESIGNED', 'PRESIGNED_', 'ADDRESS_SYNTAX', 'HOST_NAME'),
  ],
  mail: [
    ...LIFE,
    ...like(
      'BIMI_',
      'DANE_',
      'DKIM_',
      'DMARC_',
      'STS_',
      'TLSRPT_',
      'TXT_',
      'SPF_',
      'MAIL_',
      'MX_',
      'REPORT_',
      'SIGNER_',
      'CERTIFICATE_',
    ),
  ],
  certificates: [...LIFE, ...like('CERTIFICATE_', 'ACME_')],
  transfer: like(
    'ZONE_NOT_SECONDARY',
    'ZONE_SECONDARY',
    'ZONE_CATALOG',
    'CATALOG_',
    'PRIMAR',
    'SECONDAR',
    'TSIG_',
    'ADDRESS_SYNTAX',
  ),
  spf: like('SPF_'),
  signers: [...LIFE, ...like('SIGNER_', 'DKIM_', 'MAIL_')],
  events: [],
  query: [],
  server: like('ALERT_', 'BACKUP_', 'KEK_', 'HTTPS_KEY_'),
  tokens: ['TOKEN_NOT_FOUND'],
  audit: like('AUDIT_'),
};

/** Sorted. */
export function problemCodesOf(route: Route): readonly ProblemCode[] {
  const { access, url, body, octets, query, params, conditional, writes, tag } = route;
  const isZone = /:zone\b/.test(url) || url === '/v1/zones';
  const parts: readonly (readonly ProblemCode[])[] = [
    ANY,
    access === 'public' ? [] : TOKEN,
    query === undefined && params === undefined ? [] : ['PARAMETER'],
    // A parameter that is longer than any name has no route.
    params === undefined ? [] : ['ROUTE_NOT_FOUND'],
    // An empty body may come with any type; another one is read before the route says that it wants none.
    writes || body !== undefined || octets !== undefined ? BODY : [],
    writes && octets === undefined ? JSON_BODY : [],
    (query ?? params ?? body) === undefined ? [] : NAMES,
    /:(?:zone|catalog)\b/.test(url) ? ['ZONE_NOT_FOUND', 'ZONE_EXPIRED'] : [],
    url.includes('rrsets') ? ['RRSET_NOT_FOUND'] : [],
    // Conditions that are none, or too much together: no single parameter is wrong.
    url === '/v1/search' ? ['FIELD_VALUE'] : [],
    conditional === 'change' ? ['PRECONDITION'] : [],
    writes ? WRITING : [],
    writes && (isZone || tag === 'transfer' || tag === 'signers') ? ZONE_DATA : [],
    access === 'public' ? [] : SUBJECTS[tag],
  ];
  return [...new Set(parts.flat())].toSorted();
}
