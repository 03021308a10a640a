/**
 * What clients of the PowerDNS-compatible API wrote on a zone and want to read back: words that change nothing here.
 * Without them Terraform plans the same change for ever.
 * Not here: what the words may be (admin/powerdns/zone-body.ts).
 */
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export interface ZoneLabels {
  /** `Native` or `Master`; absent: as the zone is, `Master` with secondaries. */
  readonly kind?: string;
  /** Absent: empty. */
  readonly account?: string;
  /** Absent: `DEFAULT`. */
  readonly soaEditApi?: string;
}

const KIND = 'powerdns';
const ID = 'labels';

/** Empty for a zone without labels. Throws STORE_DAMAGED. */
export function readLabels(reader: StoreReader, zoneId: number): ZoneLabels {
  const value = reader.document(zoneId, KIND, ID);
  if (value === undefined) return {};
  if (!isLabels(value)) throw formFailure(`the labels of zone id ${zoneId}`);
  return value;
}

export function labelsWrite(zoneId: number, labels: ZoneLabels): DocumentWrite {
  return { zoneId, kind: KIND, id: ID, value: labels };
}

function isLabels(value: unknown): value is ZoneLabels {
  return hasFields(value, { kind: 'string?', account: 'string?', soaEditApi: 'string?' });
}
