/**
 * What the store keeps of a zone's mail: the policy as it was given, the state of everything that it set going, and the counted time
 * that the state is measured in. Checked when read: what is on a disk may have been changed there.
 * Not here: how state changes (mail/step.ts), transactions (control/mail/decide.ts).
 */
import { type Timeline } from '#lifecycle/timeline.ts';
import { nameOf } from '#dns/name.ts';
import { type DkimState } from '#mail/dkim/lifecycle.ts';
import { type MailState } from '#mail/state.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type MailPolicyDocument, checkPolicyDocument } from '#mail/policy/schema.ts';
import { settlePolicy } from '#mail/settle.ts';
import { type SpfWatch } from '#mail/spf/upkeep.ts';
import { StoreFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite } from '#store/writer.ts';

const MAIL = 'mail';
const POLICY = 'policy';
const STATE = 'state';
const SPF = 'spf';
const WATCH = 'watch';
const TIMELINE = 'timeline';
const NO_ZONE = 0;

/** The zone's mail policy as it was given; undefined when it has none. */
export function readMailDocument(reader: StoreReader, zoneId: number): MailPolicyDocument | undefined {
  const value = reader.document(zoneId, MAIL, POLICY);
  if (value === undefined) return undefined;
  const document = checkPolicyDocument(value);
  if (!document.ok) throw damaged(`the mail policy of zone id ${zoneId}`);
  return document.value;
}

/** The same, complete. */
export function readMailPolicy(reader: StoreReader, record: ZoneRecord): MailPolicy | undefined {
  const document = readMailDocument(reader, record.id);
  if (document === undefined) return undefined;
  const policy = settlePolicy(document, nameOf(record.name));
  if (!policy.ok) throw damaged(`the mail policy of ${record.name}`);
  return policy.value;
}

export function readMailState(reader: StoreReader, zoneId: number): MailState | undefined {
  const value = reader.document(zoneId, MAIL, STATE);
  if (value === undefined) return undefined;
  if (!isMailState(value)) throw damaged(`the mail state of zone id ${zoneId}`);
  return value;
}

export function readDkimState(reader: StoreReader, zoneId: number): DkimState | undefined {
  return readMailState(reader, zoneId)?.dkim;
}

export function readTimeline(reader: StoreReader): Timeline | undefined {
  const value = reader.document(NO_ZONE, TIMELINE, TIMELINE);
  if (value === undefined) return undefined;
  if (!isTimeline(value)) throw damaged('the counted time');
  return value;
}

export function policyWrite(zoneId: number, value: MailPolicyDocument | null): DocumentWrite {
  return { zoneId, kind: MAIL, id: POLICY, value };
}

/** `dueAtMs` is counted time. */
export function stateWrite(zoneId: number, value: MailState | null, dueAtMs?: number): DocumentWrite {
  return { zoneId, kind: MAIL, id: STATE, value, ...(dueAtMs === undefined ? {} : { dueAtMs }) };
}

export function timelineWrite(value: Timeline): DocumentWrite {
  return { zoneId: NO_ZONE, kind: TIMELINE, id: TIMELINE, value };
}

/** What was seen at the looks at a zone's SPF; undefined while nobody is to look. */
export function readSpfWatch(reader: StoreReader, zoneId: number): SpfWatch | undefined {
  const value = reader.document(zoneId, SPF, WATCH);
  if (value === undefined) return undefined;
  if (!isSpfWatch(value)) throw damaged(`what is known of the SPF of zone id ${zoneId}`);
  return value;
}

/** Due when it says itself. */
export function spfWatchWrite(zoneId: number, value: SpfWatch | null): DocumentWrite {
  return { zoneId, kind: SPF, id: WATCH, value, ...(value === null ? {} : { dueAtMs: value.nextMs }) };
}

/** Ids of zones whose SPF is to be looked at, soonest first. */
export function dueSpfZones(reader: StoreReader, untilMs: number, limit: number): number[] {
  return reader.due(untilMs, limit, SPF).map(({ zoneId }) => zoneId);
}

export function nextSpfDueMs(reader: StoreReader): number | undefined {
  return reader.due(Number.MAX_SAFE_INTEGER - 1, 1, SPF)[0]?.dueAtMs;
}

/** Ids of zones whose mail is due, soonest first. */
export function dueMailZones(reader: StoreReader, untilMs: number, limit: number): number[] {
  return reader.due(untilMs, limit, MAIL).map(({ zoneId }) => zoneId);
}

/** When the next mail of any zone is due. */
export function nextMailDueMs(reader: StoreReader): number | undefined {
  return reader.due(Number.MAX_SAFE_INTEGER - 1, 1, MAIL)[0]?.dueAtMs;
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isLifecycle = (value: unknown): boolean => hasFields(value, { version: (version) => version === 1, objects: Array.isArray });

function isMailState(value: unknown): value is MailState {
  return hasFields(value, {
    version: (version) => version === 1,
    dkim: (dkim) => hasFields(dkim, { lifecycle: isLifecycle, names: isObject, rotations: isObject }),
    dmarc: isLifecycle,
    mtaSts: (sts) => hasFields(sts, { mode: isLifecycle, bodies: isLifecycle, hosts: isLifecycle, lastVersion: 'number' }),
    tlsa: (tlsa) => hasFields(tlsa, { lifecycle: isLifecycle, taken: Array.isArray, count: 'number' }),
    spf: (spf) => spf === undefined || hasFields(spf, { sources: Array.isArray, parts: Array.isArray, record: 'string?' }),
    ttls: isObject,
    managed: Array.isArray,
    consents: (consents) => consents === undefined || Array.isArray(consents),
  });
}

function isSpfWatch(value: unknown): value is SpfWatch {
  return hasFields(value, {
    version: (version) => version === 1,
    lookedAtMs: 'number?',
    nextMs: 'number',
    failures: 'number',
    tree: (tree) => tree === undefined || hasFields(tree, { domain: 'string', lookups: 'number', branches: Array.isArray }),
    problems: Array.isArray,
    failing: Array.isArray,
    alerts: Array.isArray,
  });
}

function isTimeline(value: unknown): value is Timeline {
  return hasFields(value, {
    version: (version) => version === 1,
    nowMs: 'number',
    uptimeMs: 'number',
    bootId: 'string',
    wallOffsetMs: 'number',
  });
}

function damaged(what: string): StoreFailure {
  return new StoreFailure('STORE_DAMAGED', what, `${what} does not have its form`, 'restore the last backup');
}
