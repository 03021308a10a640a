/** Rows of DMARC reports about post.example, as little of each as a test says. */
import { type DmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import { type DmarcRow } from '#mail/reports/dmarc-record.ts';

export const REPORT_DOMAIN = 'post.example';

/** One message that neither DKIM nor SPF aligned, unless `given` says otherwise. */
export function reportRow(address: string, given: Partial<DmarcRow> = {}): DmarcRow {
  return {
    address,
    messages: 1,
    isDkimAligned: false,
    isSpfAligned: false,
    isForwarded: false,
    author: REPORT_DOMAIN,
    signatures: [],
    failed: [],
    ...given,
  };
}

/** `aligned` of `messages`, by DKIM; `given` holds for all of them. */
export function shareOf(address: string, messages: number, aligned: number, given: Partial<DmarcRow> = {}): DmarcRow[] {
  const rows = [
    reportRow(address, { ...given, messages: aligned, isDkimAligned: true }),
    reportRow(address, { ...given, messages: messages - aligned, signatures: (given.signatures ?? []).filter(isOther) }),
  ];
  return rows.filter((row) => row.messages > 0);
}

function isOther({ domain }: DmarcRow['signatures'][number]): boolean {
  return domain !== REPORT_DOMAIN;
}

/** Signed by this domain, and verified. */
export function signedBy(domain: string, selector = 's1'): Pick<DmarcRow, 'signatures'> {
  return { signatures: [{ domain, selector }] };
}

/** A report about one day, which counts from 1970-01-01. */
export function dayReport(day: number, rows: readonly DmarcRow[], change: Partial<DmarcReport> = {}): DmarcReport {
  return {
    organization: 'receiver.example',
    id: `report-${day}`,
    domain: REPORT_DOMAIN,
    beginMs: day * 86_400_000,
    endMs: (day + 1) * 86_400_000 - 1000,
    rows,
    leftOut: [],
    ...change,
  };
}
