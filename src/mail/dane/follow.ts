/**
 * How the TLSA records of a host follow a certificate that this server has for it: which record the next one needs,
 * how far it is, and which one to call used. Pure. A port follows when a record there is of the certificate that is
 * served now: the others are of keys of other servers, and are left alone.
 * Implements: RFC 7671 §8.1 (the record of the next key first), §5 (which record is of which certificate).
 * Not here: the life of a record (lifecycle.ts, machine.ts), certificates and when they are installed (certificate/).
 */
import { type Name } from '#dns/name.ts';
import { type TlsaObject, type TlsaState, mailNames, publishedTlsa } from './lifecycle.ts';
import { type MatchContext, judgeTlsa } from './match.ts';
import { type TlsaRecord, formatTlsa, parseTlsa, tlsaFor } from './record.ts';

/** A certificate with its issuers: PEM, and the same as DER. */
export interface Chain {
  readonly pem: string;
  readonly ders: readonly Uint8Array[];
}

export interface FollowedHost {
  /** Without the last dot, lower case. */
  readonly host: string;
  /** Of the zone. */
  readonly domain: Name;
  /** Served now; absent: nothing is, and no record follows it. */
  readonly served: Chain | undefined;
  /** Wall time. */
  readonly nowMs: number;
}

/** A record to be published for the next certificate. */
export interface WantedRecord {
  readonly port: number;
  /** Presentation form. */
  readonly record: string;
  /** The object whose key it replaces. */
  readonly replaces: string;
}

/** How the records stand to the next certificate. */
export interface ChainStanding {
  /** Not published yet. */
  readonly wanted: readonly WantedRecord[];
  /** Published, and not known everywhere yet. */
  readonly pending: readonly TlsaObject[];
  /** Known everywhere. */
  readonly ready: readonly TlsaObject[];
}

const ON_ITS_WAY: readonly string[] = ['published', 'visible'];
const KNOWN: readonly string[] = ['deployable', 'current'];

/** What the records of the host need before `next` may be served in the place of what is. */
export function standingOf(state: TlsaState, next: Chain, followed: FollowedHost): ChainStanding {
  const standing = { wanted: [] as WantedRecord[], pending: [] as TlsaObject[], ready: [] as TlsaObject[] };
  for (const [port, objects] of followedPorts(state, followed)) {
    const ofNext = objects.filter((each) => isOf(each, next, followed));
    const ready = ofNext.find(({ stage }) => KNOWN.includes(stage));
    const coming = ofNext.find(({ stage }) => ON_ITS_WAY.includes(stage));
    if (ready !== undefined) standing.ready.push(ready);
    else if (coming !== undefined) standing.pending.push(coming);
    else standing.wanted.push(...wantedRecord(port, objects, next, followed));
  }
  return standing;
}

/** Records of the certificate that is served, which nothing has called used yet and may be. */
export function unusedOf(state: TlsaState, followed: FollowedHost): TlsaObject[] {
  const { served } = followed;
  const isUnused = ({ stage, data }: TlsaObject) => stage === 'deployable' && data.activatedAtMs === undefined;
  if (served === undefined) return [];
  return ofHost(state, followed).filter((each) => isUnused(each) && isOf(each, served, followed));
}

/** Records on their way that are of `chain` and of nothing that is served. */
export function abandonedOf(state: TlsaState, chain: Chain, followed: FollowedHost): TlsaObject[] {
  const { served } = followed;
  const isComing = ({ stage, data }: TlsaObject) =>
    (ON_ITS_WAY.includes(stage) || stage === 'deployable') && data.activatedAtMs === undefined;
  return ofHost(state, followed).filter(
    (each) => isComing(each) && isOf(each, chain, followed) && !(served !== undefined && isOf(each, served, followed)),
  );
}

/** True when records of the host follow its certificate. */
export function isFollowed(state: TlsaState, followed: FollowedHost): boolean {
  return followedPorts(state, followed).size > 0;
}

function ofHost(state: TlsaState, { host }: FollowedHost): TlsaObject[] {
  return publishedTlsa(state).filter(({ data }) => data.host === `${host}.`);
}

function followedPorts(state: TlsaState, followed: FollowedHost): Map<number, TlsaObject[]> {
  const { served } = followed;
  if (served === undefined) return new Map();
  const byPort = Map.groupBy(ofHost(state, followed), ({ data }) => data.port);
  return new Map([...byPort].filter(([, objects]) => objects.some((each) => isOf(each, served, followed))));
}

type Objects = readonly TlsaObject[];

function wantedRecord(port: number, objects: Objects, next: Chain, followed: FollowedHost): WantedRecord[] {
  const { served } = followed;
  const ofServed = objects.filter((each) => isOf(each, served!, followed));
  const slots = ofServed.map(({ data }) => data.slot);
  const isReplaceable = ({ stage, data }: TlsaObject) => stage === 'current' && slots.includes(data.slot);
  const replaced = ofServed.find(isReplaceable) ?? objects.find(isReplaceable);
  const model = readRecord(replaced ?? ofServed[0]);
  if (replaced === undefined || model === undefined) return [];
  const { usage, selector, matching } = model;
  const made = tlsaFor({ pem: next.pem }, { usage, selector, matching });
  return made.ok ? [{ port, record: formatTlsa(made.value), replaces: replaced.id }] : [];
}

function isOf(object: TlsaObject, { ders }: Chain, { host, domain, nowMs }: FollowedHost): boolean {
  const record = readRecord(object);
  const context: MatchContext = { names: mailNames(`${host}.`, domain), nowMs };
  return record !== undefined && judgeTlsa(record, ders, context).matches;
}

function readRecord(object: TlsaObject | undefined): TlsaRecord | undefined {
  const read = object === undefined ? undefined : parseTlsa(object.data.record);
  return read?.ok === true ? read.value : undefined;
}
