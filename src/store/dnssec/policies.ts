/**
 * What all zones' keys have in common, in the store: policies with names, and the order that no rollover moves. Checked
 * when it is read.
 * Not here: what a policy asks for (dnssec/key-policy.ts), who changes it (control/dnssec/policies.ts).
 */
import { DEFAULT_POLICY_NAME, KEY_POLICY, type KeyPolicy, isKeyPolicy } from '#dnssec/key-policy.ts';
import { type Hold } from '#lifecycle/state.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';

const NO_ZONE = 0;
const POLICY_KIND = 'dnssec-policy';
const FREEZE = 'dnssec-freeze';

/** Names of the policies that are stored, in order. */
export function policyNames(reader: StoreReader): readonly string[] {
  return reader.documentIds(NO_ZONE, POLICY_KIND);
}

/** The policy of that name; undefined when there is none. That of the name `default` is always there. */
export function readPolicy(reader: StoreReader, name: string): KeyPolicy | undefined {
  const value = reader.document(NO_ZONE, POLICY_KIND, name);
  if (value === undefined) return name === DEFAULT_POLICY_NAME ? KEY_POLICY : undefined;
  if (!isKeyPolicy(value)) throw formFailure(`the key policy ${name}`);
  return value;
}

/** Null removes it. */
export function policyWrite(name: string, value: KeyPolicy | null): DocumentWrite {
  return { zoneId: NO_ZONE, kind: POLICY_KIND, id: name, value };
}

/** The name of the zone's policy; undefined: it has one of its own. */
export function policyNameOf({
  keyPolicy,
  keyPolicyName,
}: Pick<ZoneRecord, 'keyPolicy' | 'keyPolicyName'>): string | undefined {
  return keyPolicyName ?? (keyPolicy === undefined ? DEFAULT_POLICY_NAME : undefined);
}

/** What keys the zone shall have: by its policy's name as that policy is now, or its own. */
export function keyPolicyOf(reader: StoreReader, record: Pick<ZoneRecord, 'keyPolicy' | 'keyPolicyName'>): KeyPolicy {
  const name = policyNameOf(record);
  return (name === undefined ? undefined : readPolicy(reader, name)) ?? record.keyPolicy ?? KEY_POLICY;
}

const FREEZES = new DocumentCache<Hold>(FREEZE, FREEZE);

/** Who holds all rollovers of all zones, and why; undefined: they move. */
export function readFreeze(reader: StoreReader): Hold | undefined {
  return FREEZES.read(reader, NO_ZONE, (value) => {
    if (!hasFields(value, { reason: 'string', by: 'string', atMs: 'number' }))
      throw formFailure('the hold of all rollovers');
    return value as Hold;
  });
}

const CLOCK = 'signing-clock';

/** An operator's word that the clock is right; undefined: none was given. */
export function readAcceptedClock(
  reader: StoreReader,
): { readonly floorMs: number; readonly atMs: number } | undefined {
  const value = reader.document(NO_ZONE, CLOCK, CLOCK);
  if (value === undefined) return undefined;
  if (!hasFields(value, { floorMs: 'number', atMs: 'number' })) throw formFailure('the word about the clock');
  return value as { floorMs: number; atMs: number };
}

export function acceptedClockWrite(value: { readonly floorMs: number; readonly atMs: number }): DocumentWrite {
  return { zoneId: NO_ZONE, kind: CLOCK, id: CLOCK, value };
}

export function freezeWrite(value: Hold | null): DocumentWrite {
  return { zoneId: NO_ZONE, kind: FREEZE, id: FREEZE, value };
}
