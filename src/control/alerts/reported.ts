/**
 * Alerts that are reported by the part that finds them: what a code means to the operator, beside what its text says.
 * Not here: conditions on metrics (rules.ts), whether a report still stands (book.ts).
 */

export interface ReportMeaning {
  /** What happens if nothing is done. */
  readonly consequence: string;
  /** What to run first; `ZONE` stands for the zone. */
  readonly command: string;
}

const MEANINGS: Readonly<Record<string, ReportMeaning>> = {
  DNSSEC_SERVED: {
    consequence: 'validating resolvers may take the zone for forged: a significant incident under NIS2 when it is so',
    command: 'waxseal dnssec status ZONE',
  },
  ZONE_EXPIRED: {
    consequence: 'this server answers SERVFAIL for the zone until a primary confirms it (RFC 1034 §4.3.5)',
    command: 'waxseal zone show ZONE',
  },
  PRIMARY_FAILED: {
    consequence: 'the zone is served as it was, until it expires',
    command: 'waxseal zone show ZONE',
  },
  CERTIFICATE_EXPIRING: {
    consequence: 'senders in mode enforce do not deliver mail once it has ended (RFC 8461 §5)',
    command: 'waxseal cert list ZONE',
  },
  CERTIFICATE_UNSERVED: {
    consequence: 'clients get the old certificate until it ends',
    command: 'waxseal cert list ZONE',
  },
  CHECK_CHANGED: {
    consequence: 'strangers get records, or name servers, that the zone here does not have: it may be taken over',
    command: 'waxseal check ZONE',
  },
  CHECK_BOGUS: {
    consequence: 'validating resolvers answer SERVFAIL for the zone',
    command: 'waxseal check ZONE',
  },
  CHECK_DS: {
    consequence: 'validating resolvers answer SERVFAIL for the zone as soon as no DS is of a key of it',
    command: 'waxseal check ZONE',
  },
  CHECK_EXPIRY: {
    consequence: 'the zone becomes bogus, or mail is not delivered, when it ends',
    command: 'waxseal check ZONE',
  },
  CHECK_BEHIND: {
    consequence: 'resolvers get old records from this name server, or none',
    command: 'waxseal check ZONE',
  },
  CHECK_FAILED: {
    consequence: 'it does not work for strangers as it did at the first check',
    command: 'waxseal check ZONE',
  },
  CLOCK_SUSPENDED: {
    consequence: 'what was due meanwhile is done now; signatures may have ended while the machine slept',
    command: 'waxseal status',
  },
};

const OF_ZONE: ReportMeaning = {
  consequence: 'what is served stays as it is; the step that found this waits',
  command: 'waxseal zone show ZONE',
};
const OF_SERVER: ReportMeaning = {
  consequence: 'what is served stays as it is',
  command: 'waxseal status',
};

export function meaningOf(code: string, zone: string | undefined): ReportMeaning {
  return MEANINGS[code] ?? (zone === undefined ? OF_SERVER : OF_ZONE);
}
