/**
 * What is remembered of a zone's key rollovers, in the store: with the time that it is due next. Checked when it is
 * read: what is on a disk may have been changed there.
 * Not here: how it changes (dnssec/rollover/step.ts), the keys themselves (store/schema.ts).
 */
import { ROLLOVER_KINDS } from '#dnssec/rollover/machine.ts';
import { NO_ROLLOVERS, type RolloverState } from '#dnssec/rollover/state.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf, isNumber, isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

/** Kind of the document; its time is when the zone's keys are due. */
export const DNSSEC_KIND = 'dnssec';
const STATE = 'state';

const STATES = new DocumentCache<RolloverState>(DNSSEC_KIND, STATE);

/** Undefined when nothing was ever asked of the zone's keys. Throws STORE_DAMAGED. */
export function readRolloverState(reader: StoreReader, zoneId: number): RolloverState | undefined {
  return STATES.read(reader, zoneId, (value) => {
    if (!isRolloverState(value)) throw formFailure(`the key rollovers of zone id ${zoneId}`);
    // A store that is older than a kind of rollover has none of it.
    return { ...value, rollovers: { ...NO_ROLLOVERS.rollovers, ...value.rollovers } };
  });
}

/** `dueAtMs` is counted time. */
export function rolloverWrite(zoneId: number, value: RolloverState | null, dueAtMs?: number): DocumentWrite {
  return { zoneId, kind: DNSSEC_KIND, id: STATE, value, ...(dueAtMs === undefined ? {} : { dueAtMs }) };
}

function isRolloverState(value: unknown): value is RolloverState {
  return hasFields(value, {
    version: (version) => version === 1,
    rollovers: (rollovers) =>
      hasFields(rollovers, Object.fromEntries(ROLLOVER_KINDS.map((kind) => [kind, isAbsentOrLifecycle]))),
    serials: isObject,
    ttls: isObject,
    activeSinceMs: (since) => isObject(since) && Object.values(since).every((each) => isNumber(each)),
    pastTags: isArrayOf(isNumber),
    parentKeys: (ids) => ids === undefined || isArrayOf(isString)(ids),
  });
}

function isAbsentOrLifecycle(value: unknown): boolean {
  return value === undefined || isLifecycle(value);
}

function isLifecycle(value: unknown): boolean {
  return hasFields(value, { version: (version) => version === 1, objects: isArrayOf(isRollover) });
}

function isRollover(value: unknown): value is object {
  return hasFields(value, {
    id: 'string',
    group: 'string',
    stage: 'string',
    createdAtMs: 'number',
    enteredAtMs: 'number',
    data: (data) => hasFields(data, { out: isArrayOf(isString), in: isArrayOf(isString) }),
    seen: Array.isArray,
    confirmed: isObject,
    overrides: Array.isArray,
    history: Array.isArray,
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
