/**
 * The form that the state of a zone's mail has in the store. RRsets are `owner TYPE` there and keys taken from the policy
 * `host:port slot record`, as the first version wrote them; keys of hosts had their slot in the name of their group only.
 * Not here: when the state is read and written (state.ts).
 */
import { typeCode, typeName } from '#dns/registry.ts';
import { type LifecycleState } from '#lifecycle/state.ts';
import { type TlsaData, type TlsaKey, type TlsaState } from '#mail/dane/lifecycle.ts';
import { isHostedFileName } from '#mail/bimi/hosted-file.ts';
import { MAIL_LIVES } from '#mail/lives.ts';
import { type MailState, type ManagedRrset } from '#mail/state.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';

export type StoredState = Omit<MailState, 'managed' | 'tlsa'> & { readonly managed: readonly string[]; readonly tlsa: StoredTlsa };

interface StoredTlsa extends Omit<TlsaState, 'lifecycle' | 'taken'> {
  readonly lifecycle: LifecycleState<Omit<TlsaData, 'slot'> & { readonly slot?: number }>;
  readonly taken: readonly string[];
}

export function storedState(state: MailState): StoredState {
  return {
    ...state,
    managed: state.managed.map(({ owner, type }) => `${owner} ${typeName(type)}`),
    tlsa: { ...state.tlsa, taken: state.tlsa.taken.map(({ host, port, slot, record }) => `${host}:${port} ${slot} ${record}`) },
  };
}

export function readState(stored: StoredState): MailState {
  return { ...stored, managed: stored.managed.flatMap(readManaged), tlsa: readTlsa(stored.tlsa) };
}

/** Nothing for a text that is no RRset: the zone has none there to take out. */
function readManaged(text: string): readonly ManagedRrset[] {
  const [, owner, mnemonic = ''] = /^(.+) ([^ ]+)$/.exec(text) ?? [];
  const type = typeCode(mnemonic);
  return owner === undefined || type === undefined ? [] : [{ owner, type }];
}

function readTlsa({ lifecycle, taken, count }: StoredTlsa): TlsaState {
  const objects = lifecycle.objects.map((each) => ({ ...each, data: { ...each.data, slot: each.data.slot ?? slotOf(each.group) } }));
  return { lifecycle: { ...lifecycle, objects }, taken: taken.flatMap(readTaken), count };
}

/** The slot in a group `host:port slot`. */
function slotOf(group: string): number {
  return Number(/ ([0-9]+)$/.exec(group)?.[1] ?? 0);
}

function readTaken(text: string): readonly TlsaKey[] {
  const [, host, port, slot, record] = /^(.+):([0-9]+) ([0-9]+) (.+)$/.exec(text) ?? [];
  return host === undefined || record === undefined ? [] : [{ host, port: Number(port), slot: Number(slot), record }];
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isLifecycle = (value: unknown): boolean => hasFields(value, { version: (version) => version === 1, objects: Array.isArray });

export function isStoredState(value: unknown): value is StoredState {
  return hasStateFields(value) && MAIL_LIVES.every((life) => isLifecycle(life.get(value)));
}

/** What the state has beside its life cycles. Those stand where they stand in a `MailState`. */
function hasStateFields(value: unknown): value is MailState {
  return hasFields(value, {
    version: (version) => version === 1,
    dkim: (dkim) => hasFields(dkim, { names: isObject, rotations: isObject }),
    mtaSts: (sts) => hasFields(sts, { lastVersion: 'number', policyHost: isPolicyHost }),
    tlsa: (tlsa) => hasFields(tlsa, { lifecycle: isTlsaLifecycle, taken: isArrayOf(isString), count: 'number' }),
    spf: (spf) => spf === undefined || hasFields(spf, { sources: Array.isArray, parts: Array.isArray, record: 'string?' }),
    bimi: isBimi,
    ttls: isObject,
    managed: isArrayOf(isString),
    consents: (consents) => consents === undefined || Array.isArray(consents),
  });
}

/** Absent where this server never was a policy host of the domain. */
function isPolicyHost(value: unknown): boolean {
  const fields = { kind: 'string', records: isArrayOf(isString), text: 'string', fix: 'string?' } as const;
  const isHost = (each: unknown) => hasFields(each, { data: (data) => hasFields(data, fields) });
  if (value === undefined) return true;
  return hasFields(value, { objects: (objects) => Array.isArray(objects) && objects.every(isHost) });
}

/** Absent where no logo was ever hosted. */
function isBimi(value: unknown): boolean {
  if (value === undefined) return true;
  return hasFields(value, { lastVersion: 'number', host: isPolicyHost, files: isBimiFiles });
}

function isBimiFiles(value: unknown): boolean {
  const isName = (text: unknown) => isString(text) && isHostedFileName(text);
  const isOptional = (text: unknown) => text === undefined || isName(text);
  const fields = { selector: 'string', logo: isName, evidence: isOptional } as const;
  const isPair = (each: unknown) => hasFields(each, { data: (data) => hasFields(data, fields) });
  return hasFields(value, { objects: (objects) => Array.isArray(objects) && objects.every(isPair) });
}

function isTlsaLifecycle(value: unknown): boolean {
  const isKey = (each: unknown) =>
    hasFields(each, {
      group: 'string',
      data: (data) => hasFields(data, { host: 'string', port: 'number', record: 'string', slot: 'number?' }),
    });
  return hasFields(value, { objects: (objects) => Array.isArray(objects) && objects.every(isKey) });
}
