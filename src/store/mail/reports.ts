/**
 * What is kept of the reports about a zone's mail, in the store.
 * Not here: counts and what follows from them (mail/reports/), taking a report in (control/reports/reports.ts).
 */
import { type TlsBook, newBook } from '#mail/reports/book.ts';
import { type DmarcBook, type OldDmarcBook, newDmarcBook, upgradeDmarcBook } from '#mail/reports/dmarc-book.ts';
import { type MailReports } from '#mail/reports/evidence.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

const REPORTS = 'mail-reports';
const DMARC = 'dmarc';
const TLS = 'tls';
const POSTED = 'tls-posted';
const SUBDOMAINS = 'subdomains';

const DMARC_BOOKS = new DocumentCache<DmarcBook>(REPORTS, DMARC);
const SUBDOMAIN_BOOKS = new DocumentCache<MailReports['subdomains']>(REPORTS, SUBDOMAINS);
const TLS_BOOKS = new DocumentCache<TlsBook>(REPORTS, TLS);
const POSTED_BOOKS = new DocumentCache<TlsBook>(REPORTS, POSTED);

/** Throws STORE_DAMAGED. */
export function readReports(reader: StoreReader, zoneId: number): MailReports {
  const dmarc = DMARC_BOOKS.read(reader, zoneId, (value) => {
    if (isDmarcBook(value)) return value;
    if (isOldDmarcBook(value)) return upgradeDmarcBook(value);
    throw formFailure(`what is known of DMARC reports about zone id ${zoneId}`);
  });
  const readTls = (value: unknown): TlsBook => {
    if (!isTlsBook(value)) throw formFailure(`what is known of TLS reports about zone id ${zoneId}`);
    return value;
  };
  const tls = TLS_BOOKS.read(reader, zoneId, readTls);
  const posted = POSTED_BOOKS.read(reader, zoneId, readTls);
  const subdomains = SUBDOMAIN_BOOKS.read(reader, zoneId, (value) => {
    if (!isSubdomains(value)) throw formFailure(`what is known of DMARC reports about names of zone id ${zoneId}`);
    return value.books;
  });
  return {
    dmarc: dmarc ?? newDmarcBook(),
    tls: tls ?? newBook(),
    posted: posted ?? newBook(),
    subdomains: subdomains ?? {},
  };
}

export function dmarcReportsWrite(zoneId: number, value: DmarcBook | null): DocumentWrite {
  return { zoneId, kind: REPORTS, id: DMARC, value };
}

export function tlsReportsWrite(zoneId: number, value: TlsBook | null): DocumentWrite {
  return { zoneId, kind: REPORTS, id: TLS, value };
}

export function postedReportsWrite(zoneId: number, value: TlsBook | null): DocumentWrite {
  return { zoneId, kind: REPORTS, id: POSTED, value };
}

export function subdomainReportsWrite(zoneId: number, books: MailReports['subdomains'] | null): DocumentWrite {
  return { zoneId, kind: REPORTS, id: SUBDOMAINS, value: books === null ? null : ({ version: 1, books } satisfies Subdomains) };
}

/** The reports go with the policy that they were evidence for. */
export function forgetReports(zoneId: number): DocumentWrite[] {
  const books = [dmarcReportsWrite, tlsReportsWrite, postedReportsWrite, subdomainReportsWrite];
  return books.map((write) => write(zoneId, null));
}

interface Subdomains {
  readonly version: 1;
  readonly books: MailReports['subdomains'];
}

function isSubdomains(value: unknown): value is Subdomains {
  return hasFields(value, {
    version: (version) => version === 1,
    books: (books) => typeof books === 'object' && books !== null && Object.values(books).every(isDmarcBook),
  });
}

const isCounts = (value: unknown): boolean => typeof value === 'object' && value !== null;

function isDmarcBook(value: unknown): value is DmarcBook {
  const isRest = (rest: unknown) => hasFields(rest, { known: isCounts, unknown: isCounts });
  const day = { day: 'number', sources: Array.isArray, rest: isRest, selectors: isCounts } as const;
  return isBook(value, 2, day) && hasFields(value, { declared: Array.isArray });
}

function isOldDmarcBook(value: unknown): value is OldDmarcBook {
  return isBook(value, 1, { day: 'number', sources: Array.isArray, selectors: isCounts });
}

function isTlsBook(value: unknown): value is TlsBook {
  return isBook(value, 1, { day: 'number', succeeded: 'number', failed: 'number', types: isCounts });
}

function isBook(value: unknown, version: number, day: Parameters<typeof hasFields>[1]): boolean {
  return hasFields(value, {
    version: (stored) => stored === version,
    known: Array.isArray,
    last: Array.isArray,
    days: (days) => Array.isArray(days) && days.every((each) => hasFields(each, day)),
  });
}
