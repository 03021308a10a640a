/**
 * What is kept of the reports about a zone's mail, in the store.
 * Not here: counts and what follows from them (mail/reports/), taking a report in (control/reports/reports.ts).
 */
import { type DmarcBook, type TlsBook, newBook } from '#mail/reports/book.ts';
import { type MailReports } from '#mail/reports/evidence.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

const REPORTS = 'mail-reports';
const DMARC = 'dmarc';
const TLS = 'tls';

const DMARC_BOOKS = new DocumentCache<DmarcBook>(REPORTS, DMARC);
const TLS_BOOKS = new DocumentCache<TlsBook>(REPORTS, TLS);

/** Throws STORE_DAMAGED. */
export function readReports(reader: StoreReader, zoneId: number): MailReports {
  const dmarc = DMARC_BOOKS.read(reader, zoneId, (value) => {
    if (!isDmarcBook(value)) throw formFailure(`what is known of DMARC reports about zone id ${zoneId}`);
    return value;
  });
  const tls = TLS_BOOKS.read(reader, zoneId, (value) => {
    if (!isTlsBook(value)) throw formFailure(`what is known of TLS reports about zone id ${zoneId}`);
    return value;
  });
  return { dmarc: dmarc ?? newBook(), tls: tls ?? newBook() };
}

export function dmarcReportsWrite(zoneId: number, value: DmarcBook | null): DocumentWrite {
  return { zoneId, kind: REPORTS, id: DMARC, value };
}

export function tlsReportsWrite(zoneId: number, value: TlsBook | null): DocumentWrite {
  return { zoneId, kind: REPORTS, id: TLS, value };
}

/** The reports go with the policy that they were evidence for. */
export function forgetReports(zoneId: number): DocumentWrite[] {
  return [dmarcReportsWrite(zoneId, null), tlsReportsWrite(zoneId, null)];
}

const isCounts = (value: unknown): boolean => typeof value === 'object' && value !== null;

function isDmarcBook(value: unknown): value is DmarcBook {
  return isBook(value, { day: 'number', sources: Array.isArray, selectors: isCounts });
}

function isTlsBook(value: unknown): value is TlsBook {
  return isBook(value, { day: 'number', succeeded: 'number', failed: 'number', types: isCounts });
}

function isBook(value: unknown, day: Parameters<typeof hasFields>[1]): boolean {
  return hasFields(value, {
    version: (version) => version === 1,
    known: Array.isArray,
    last: Array.isArray,
    days: (days) => Array.isArray(days) && days.every((each) => hasFields(each, day)),
  });
}
