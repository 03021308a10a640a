/**
 * How senders find this server's policy host, as the configuration said when zones were last told of it: a start with
 * another configuration wakes every zone with a mail policy.
 * Not here: what zones publish of it (mail/hosting/host-record.ts), waking them (control/mail/upkeep.ts).
 */
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

const KIND = 'policy-host';
const NO_ZONE = 0;

/** As `policyHostMarkWrite` wrote it; undefined: zones were never told of any. Throws STORE_DAMAGED. */
export function readPolicyHostMark(reader: StoreReader): string | undefined {
  const value = reader.document(NO_ZONE, KIND, KIND);
  if (value !== undefined && !isString(value)) throw formFailure('the mark of the policy host');
  return value;
}

export function policyHostMarkWrite(mark: string): DocumentWrite {
  return { zoneId: NO_ZONE, kind: KIND, id: KIND, value: mark };
}
