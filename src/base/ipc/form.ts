/**
 * The form of a message between the supervisor and its children. A child that reads the network may have been taken
 * over, so a message from it is read field by field into a new one: what it has more is left out, what is missing, too
 * long or no number makes it none. Whether the child may say it at all is decided by `receiversOf` (messages.ts).
 * What only the supervisor and control say is passed through: it comes from where the keys are anyway.
 */
import { isIpPort } from '#base/address.ts';
import { LISTENERS_MAX, MESSAGE_SLOTS_MAX, MESSAGE_TEXT_MAX, SELECTOR_NAMES_MAX } from '#base/limits/process.ts';
import { WORKERS_MAX, XDP_INTERFACES_MAX } from '#base/limits/server.ts';
import { type IpcMessage, type WorkerCounters, type WorkerState } from './messages.ts';
import { isRole } from './calls.ts';

/** Threads for UDP, and fewer for TCP. */
const WORKER_IDS_MAX = 2 * WORKERS_MAX;

type Fields = Readonly<Record<string, unknown>>;
type Kind = IpcMessage['kind'];
/** Undefined: it has not this form. */
type Reader<K extends Kind> = (fields: Fields) => Omit<Extract<IpcMessage, { readonly kind: K }>, 'kind'> | undefined;

/** A copy of a message of ours, or undefined for whatever else `value` may be. */
export function readIpcMessage(value: unknown): IpcMessage | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  const { kind } = value;
  if (typeof kind !== 'string' || !Object.hasOwn(READERS, kind)) return undefined;
  const read = READERS[kind as Kind](value);
  return read === undefined ? undefined : ({ kind, ...read } as IpcMessage);
}

const READERS: { readonly [K in Kind]: Reader<K> } = {
  hello: ({ role, pid }) => (isRole(role) && isCount(pid) && pid > 0 ? { role, pid } : undefined),
  gone: ({ role }) => (isRole(role) ? { role } : undefined),
  ready: ({ role }) => (isRole(role) ? { role } : undefined),
  dropped: ({ role, count }) => (isRole(role) && isCount(count) ? { role, count } : undefined),
  alive: () => ({}),
  unable: ({ role, exitCode }) => (isRole(role) && isExitCode(exitCode) ? { role, exitCode } : undefined),
  generation: ({ generation }) => (isCount(generation) ? { generation } : undefined),
  listening: ({ addresses }) => ifDefined(readAddresses(addresses), (read) => ({ addresses: read })),
  served: ({ workers }) => ifDefined(readWorkers(workers, readState), (read) => ({ workers: read })),
  counters: ({ workers }) => ifDefined(readWorkers(workers, readCounters), (read) => ({ workers: read })),
  selectors: ({ run, isFull, counts }) =>
    isText(run) && typeof isFull === 'boolean'
      ? ifDefined(readNumbers(counts, SELECTOR_NAMES_MAX, isCount), (read) => ({ run, isFull, counts: read }))
      : undefined,
  'counters-wanted': () => ({}),
  'store-open': () => ({}),
  'store-held': () => ({}),
  reloaded: ({ isGood }) => (typeof isGood === 'boolean' ? { isGood } : undefined),
  'xdp-wanted': ({ interfaces }) => (isInterfaces(interfaces) ? { interfaces: [...interfaces] } : undefined),
  hosted: ({ generation, addresses, startedAtMs }) =>
    isCount(generation) && isTime(startedAtMs)
      ? ifDefined(readAddresses(addresses), (read) => ({ generation, addresses: read, startedAtMs }))
      : undefined,
  'hosted-counters': ({ values }) => ifDefined(readSlots(values), (read) => ({ values: read })),
  // From the supervisor, which reads the network no more than control does.
  start: (fields) => fields as unknown as Extract<IpcMessage, { readonly kind: 'start' }>,
  'cookie-secrets': (fields) => fields as unknown as Extract<IpcMessage, { readonly kind: 'cookie-secrets' }>,
  'start-policy-host': (fields) => fields as unknown as Extract<IpcMessage, { readonly kind: 'start-policy-host' }>,
};

function ifDefined<T, U>(value: T | undefined, use: (value: T) => U): U | undefined {
  return value === undefined ? undefined : use(value);
}

/** Milliseconds of which a date can be made: what is past it would be an error where it is shown. */
function isTime(value: unknown): value is number {
  return isCount(value) && !Number.isNaN(new Date(value).getTime());
}

/** 0 … 2⁵³ − 1. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Of a process that failed. */
function isExitCode(value: unknown): value is number {
  return isCount(value) && value > 0 && value < 256;
}

/** Sums of seconds have fractions. */
function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MESSAGE_TEXT_MAX;
}

function isInterfaces(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= XDP_INTERFACES_MAX && value.every((each) => isText(each));
}

function readAddresses(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > LISTENERS_MAX) return undefined;
  return value.every((each) => isText(each) && isIpPort(each)) ? [...(value as readonly string[])] : undefined;
}

/** One entry for each worker: two of the same would be counted twice. */
function readWorkers<T extends { readonly id: number }>(
  value: unknown,
  read: (id: number, fields: Fields) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > WORKER_IDS_MAX) return undefined;
  const workers = value.map((each: unknown) => {
    if (typeof each !== 'object' || each === null || !('id' in each)) return undefined;
    return isCount(each.id) && each.id < WORKER_IDS_MAX ? read(each.id, each) : undefined;
  });
  const known = workers.filter((each) => each !== undefined);
  const isWhole = known.length === value.length && new Set(known.map(({ id }) => id)).size === value.length;
  return isWhole ? known : undefined;
}

function readState(id: number, { alive, generation }: Fields): WorkerState | undefined {
  return typeof alive === 'boolean' && isCount(generation) ? { id, alive, generation } : undefined;
}

function readCounters(id: number, { values }: Fields): WorkerCounters | undefined {
  return ifDefined(readSlots(values), (read) => ({ id, values: read }));
}

function readSlots(value: unknown): Readonly<Record<string, number>> | undefined {
  return readNumbers(value, MESSAGE_SLOTS_MAX, isAmount);
}

function readNumbers(
  value: unknown,
  namesMax: number,
  isNumber: (value: unknown) => value is number,
): Readonly<Record<string, number>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length > namesMax) return undefined;
  // A name in presentation form has at most 4 characters for each of its octets.
  return entries.every(([name, each]) => name.length <= MESSAGE_TEXT_MAX && isNumber(each))
    ? (Object.fromEntries(entries) as Readonly<Record<string, number>>)
    : undefined;
}
