/**
 * The record of a zone as a part of a decision leaves it: its keys, their policy, its kind of denial, its digest.
 * Not here: its serial and times (prepare.ts).
 */
import { type DenialKind } from '#dnssec/denial.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type KeySet, type ZonePart } from '#control/commands/decision.ts';

/** A zone that is made now. */
export function newRecord(id: number, name: string, nowMs: number): ZoneRecord {
  return {
    id,
    name,
    dnssec: 'off',
    serial: 0,
    revision: 0,
    nodeCount: 0,
    createdAtMs: nowMs,
    changedAtMs: nowMs,
    keys: [],
  };
}

/** The record with these keys. */
export function withKeys(whole: ZoneRecord, keySet: KeySet): ZoneRecord {
  const { isDeletingDs: _isDeletingDs, foreignKeys: before, presigned: _presigned, ...record } = whole;
  const { keys, isDeletingDs, policy, foreign = before ?? [] } = keySet;
  const foreignKeys = keys.length === 0 || foreign.length === 0 ? {} : { foreignKeys: foreign };
  const deleting = isDeletingDs ? { isDeletingDs: true as const } : {};
  return { ...withPolicy(record, policy, keySet.policyName), keys, ...foreignKeys, ...deleting };
}

function withPolicy(before: ZoneRecord, policy: KeyPolicy | undefined, name: string | undefined): ZoneRecord {
  if (policy === undefined) return before;
  const { keyPolicyName: _name, ...record } = before;
  return { ...record, keyPolicy: policy, ...(name === undefined ? {} : { keyPolicyName: name }) };
}

/** The record with this kind of denial, or as it was. */
export function withDenial(record: ZoneRecord, denial: DenialKind | undefined): ZoneRecord {
  if (denial === undefined) return record;
  const { denial: _denial, ...rest } = record;
  return denial === 'nsec3' ? { ...rest, denial } : rest;
}

/** The record with this digest, or as it was. */
export function withZonemd(record: ZoneRecord, zonemd: ZonePart['zonemd']): ZoneRecord {
  if (zonemd === undefined) return record;
  const { zonemd: _zonemd, ...rest } = record;
  return zonemd === 'off' ? rest : { ...rest, zonemd };
}
