/**
 * A zone's mail policy in the store: as it was given, and complete. Checked when it is read: what is on a disk may have
 * been changed there.
 * Not here: what a policy may say (mail/policy/schema.ts, mail/settle.ts), what follows from it (mail/step.ts).
 */
import { type Result } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type MailPolicyDocument, checkPolicyDocument } from '#mail/policy/schema.ts';
import { settlePolicy } from '#mail/settle.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';

const MAIL = 'mail';
const POLICY = 'policy';

interface StoredPolicy {
  readonly document: MailPolicyDocument;
  /** Problems where a newer version takes less than the one that stored it. */
  readonly settled: Result<MailPolicy>;
}

type ZonePlace = Pick<ZoneRecord, 'id' | 'name'>;

const POLICIES = new DocumentCache<StoredPolicy>(MAIL, POLICY);

/** The policy as it was given; undefined when the zone has none. Throws STORE_DAMAGED. */
export function readMailDocument(reader: StoreReader, zone: ZonePlace): MailPolicyDocument | undefined {
  return readStored(reader, zone)?.document;
}

/** The same, complete. */
export function readMailPolicy(reader: StoreReader, zone: ZonePlace): MailPolicy | undefined {
  const settled = readStored(reader, zone)?.settled;
  if (settled?.ok === false) throw policyFailure(zone);
  return settled?.value;
}

function readStored(reader: StoreReader, zone: ZonePlace): StoredPolicy | undefined {
  return POLICIES.read(reader, zone.id, (value) => {
    const document = checkPolicyDocument(value);
    if (!document.ok) throw policyFailure(zone);
    return { document: document.value, settled: settlePolicy(document.value, nameOf(zone.name)) };
  });
}

export function policyWrite(zoneId: number, value: MailPolicyDocument | null): DocumentWrite {
  return { zoneId, kind: MAIL, id: POLICY, value };
}

function policyFailure({ name }: ZonePlace): Error {
  return formFailure(`the mail policy of ${name}`);
}
