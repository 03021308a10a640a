/**
 * Looks at what life cycles wait to see: a record at every name server, an MTA-STS body from outside, a mail host
 * without its old key. An edge: whatever goes wrong out there is an observation that is not good.
 * Not here: fetching the body (file-probes.ts), what should be seen (lifecycle/expectation.ts), what follows from it
 * (lifecycle/lives.ts), when to look (control/lifecycle/scheduler.ts).
 */
import { unreachable } from '#base/assert.ts';
import { LIFECYCLE_CHECKS_AT_ONCE, LIFECYCLE_SERVED_MS_MAX } from '#base/limits/lifecycle.ts';
import { OBSERVATION_CHARACTERS_MAX } from '#base/limits/outside.ts';
import { formatPlace } from '#base/place.ts';
import { type Name, formatName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { type Resolver, type ResolverAnswer, isTransient } from '#dns/resolver.ts';
import { type Serial, isNewer } from '#dns/serial.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type CertificateExpectation, type FilesExpectation } from '#lifecycle/expectation.ts';
import { type NotServedExpectation, type RecordExpectation } from '#lifecycle/expectation.ts';
import { type LifecycleCheck } from '#lifecycle/lives.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { hasItsName } from '#mail/bimi/hosted-file.ts';
import { judgeNotServed } from '#mail/dane/live.ts';
import { parseStsPolicy, policyId } from '#mail/mta-sts/record.ts';
import { txtText } from '#mail/text/txt.ts';
import { soaSerial } from '#zone/changeset.ts';
import { type ZoneView } from '#zone/view.ts';
import { type DirectReply } from './direct-question.ts';
import { type NameServerPlace, OWN_SERVER, formatNameServerPlace, parseNameServerPlace } from './name-server-place.ts';
import { type OwnHostLook, judgeServed } from './own-host-look.ts';
import { type BimiProbe, type StsProbe } from './file-probes.ts';
import { type StarttlsLook } from './starttls-look.ts';
import { type ZoneSecondaries } from './zone-secondaries.ts';

/** Asks a place: other name servers of our zones, and those who fetch MTA-STS bodies from outside. */
export interface OutsideWitnesses {
  readonly nameServers: ReadonlyMap<string, Resolver>;
  readonly probes: ReadonlyMap<string, StsProbe>;
  /** Those who fetch hosted logos from outside, at the same places; absent: no place does. */
  readonly bimiProbes?: ReadonlyMap<string, BimiProbe>;
  /** Those who look at the certificates of mail hosts; absent: no place does. */
  readonly liveChecks?: ReadonlyMap<string, StarttlsLook>;
  /** The same on port 443, with TLS from the beginning; absent: web hosts are not looked at. */
  readonly webHosts?: StarttlsLook;
  /** Fetches files of any host at public addresses; absent: none are. */
  readonly publicFiles?: BimiProbe;
  /** The name servers that a zone's own NS records name; absent: they are not asked. */
  readonly secondaries?: ZoneSecondaries;
  /** Those who look at this server's own policy host; absent: it has none. */
  readonly ownHosts?: ReadonlyMap<string, OwnHostLook>;
  /** True for an address that may be asked though a stranger has named it; absent: those that hosts outside reach. */
  readonly isAllowed?: (ip: string) => boolean;
  /** A resolver on this machine, whose word that it has validated counts; absent: there is none. */
  readonly validated?: (name: Name, type: RrType) => Promise<DirectReply>;
}

export const NO_WITNESSES: OutsideWitnesses = { nameServers: new Map(), probes: new Map() };

/** Places that can be looked at. */
export interface LookPlaces {
  readonly servers: readonly string[];
  readonly probes: readonly string[];
  readonly liveChecks: readonly string[];
  readonly ownHosts: readonly string[];
}

/** Of subjects that the policy host is nothing to. */
type SomePlaces = Omit<LookPlaces, 'ownHosts'> & Partial<LookPlaces>;

/** The places of a zone, as they are called in evidence: its name servers, this one first, and the probes. */
export function lookPlaces(witnesses: OutsideWitnesses, view: ZoneView): LookPlaces {
  const { nameServers, probes, liveChecks, secondaries, ownHosts } = witnesses;
  const others = [...nameServers.keys(), ...(secondaries?.places(view) ?? []).map(formatNameServerPlace)];
  return {
    servers: [OWN_SERVER, ...others],
    probes: [...probes.keys()],
    liveChecks: [...(liveChecks?.keys() ?? [])],
    ownHosts: [...(ownHosts?.keys() ?? [])],
  };
}

/** All that can be asked about a zone. */
export interface Witnesses extends OutsideWitnesses {
  /** This server's own workers. */
  readonly own: Resolver;
  /** Wall time, for the dates of certificates. */
  readonly wallMs: () => number;
}

/** This server's own workers: the store answers for them when they serve what is to be seen. */
export function ownServer(store: Resolver, waitServed: (timeoutMs: number) => Promise<boolean>): Resolver {
  return {
    async lookup(name, type) {
      if (await waitServed(LIFECYCLE_SERVED_MS_MAX)) return store.lookup(name, type);
      return { kind: 'timeout', reason: 'not every worker serves the newest records yet' };
    },
  };
}

/** True for checks that a server or probe can make by looking; acknowledgements and reports come by themselves. */
export function isLookable({ place, expect }: LifecycleCheck, places: SomePlaces): boolean {
  const { servers, probes, liveChecks, ownHosts = [] } = places;
  if (expect === undefined) return false;
  if (expect.kind === 'certificate') return ownHosts.includes(place);
  if (expect.kind === 'not-served') return liveChecks.includes(place);
  return expect.kind === 'body' || expect.kind === 'files' ? probes.includes(place) : servers.includes(place);
}

/** Makes checks of `zone`, some at the same time. `nowMs` is counted time. */
export async function lookAtAll(
  checks: readonly LifecycleCheck[],
  zone: Name,
  witnesses: Witnesses,
  nowMs: () => number,
): Promise<readonly LifecycleObservation[]> {
  const observations: LifecycleObservation[] = [];
  for (let at = 0; at < checks.length; at += LIFECYCLE_CHECKS_AT_ONCE) {
    const some = checks.slice(at, at + LIFECYCLE_CHECKS_AT_ONCE);
    observations.push(...(await Promise.all(some.map((each) => lookAt(each, zone, witnesses, nowMs())))));
  }
  return observations;
}

async function lookAt(check: LifecycleCheck, zone: Name, witnesses: Witnesses, atMs: number) {
  const { object, what, place } = check;
  const { text, ...seen } = await lookFor(check, zone, witnesses);
  return { object, what, place, ...seen, text: text.slice(0, OBSERVATION_CHARACTERS_MAX), atMs };
}

interface Look {
  readonly isGood: boolean;
  readonly isUnseen?: true;
  readonly text: string;
}

async function lookFor(check: LifecycleCheck, zone: Name, witnesses: Witnesses): Promise<Look> {
  const { expect, place } = check;
  switch (expect?.kind) {
    case undefined:
      return { isGood: false, text: 'cannot be looked at' };
    case 'body':
      return lookAtBody(place, expect.url, expect.id, witnesses);
    case 'files':
      return lookAtFiles(place, expect, witnesses);
    case 'not-served':
      return lookAtHost(place, expect, witnesses);
    case 'certificate':
      return lookAtOwnHost(place, expect, witnesses);
    case 'record':
    case 'no-record':
      return lookAtRecord(nameServer(parseNameServerPlace(place), witnesses), zone, expect);
    default:
      return unreachable(expect);
  }
}

async function lookAtHost(place: string, expect: NotServedExpectation, witnesses: Witnesses): Promise<Look> {
  const look = witnesses.liveChecks?.get(place);
  if (look === undefined) return { isGood: false, isUnseen: true, text: 'there is no such place' };
  return judgeNotServed(expect, await look(expect.host), witnesses.wallMs());
}

async function lookAtOwnHost(place: string, expect: CertificateExpectation, { ownHosts }: Witnesses): Promise<Look> {
  const look = ownHosts?.get(place);
  if (look === undefined) return { isGood: false, isUnseen: true, text: 'there is no such place' };
  try {
    return judgeServed(expect, await look(expect.host));
  } catch (error) {
    return { isGood: false, isUnseen: true, text: error instanceof Error ? error.message : String(error) };
  }
}

async function lookAtBody(place: string, url: string, id: string, { probes }: Witnesses): Promise<Look> {
  const probe = probes.get(place);
  if (probe === undefined) return { isGood: false, text: 'there is no such probe' };
  try {
    const body = await probe(url);
    return policyId(body) === id ? { isGood: true, text: `the body ${id}` } : { isGood: false, text: otherBody(body) };
  } catch (error) {
    return { isGood: false, text: error instanceof Error ? error.message : String(error) };
  }
}

/** Each file is its name: what comes from outside needs no other proof of being the one that was uploaded. */
async function lookAtFiles(place: string, { files }: FilesExpectation, { bimiProbes }: Witnesses): Promise<Look> {
  const probe = bimiProbes?.get(place);
  if (probe === undefined) return { isGood: false, text: 'there is no such probe' };
  for (const { name, url } of files) {
    try {
      if (!hasItsName(await probe(url, name), name))
        return { isGood: false, text: `${name}: other octets than those that were uploaded` };
    } catch (error) {
      return { isGood: false, text: `${name}: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
  return { isGood: true, text: files.map(({ name }) => name).join(', ') };
}

/** What a body is that was not waited for. */
function otherBody(body: string): string {
  const policy = parseStsPolicy(body);
  if (!policy.ok)
    return `syntax: ${policy.problems.map(({ at, message }) => `${formatPlace(at)} ${message}`).join('; ')}`;
  const { mode, maxAgeSeconds, mxPatterns } = policy.value;
  return `another body: mode ${mode}, max_age ${maxAgeSeconds}, mx ${mxPatterns.length === 0 ? 'none' : mxPatterns.join(', ')}`;
}

/** Undefined when there is no name server at the place any more. */
function nameServer(place: NameServerPlace, { own, nameServers, secondaries }: Witnesses): Resolver | undefined {
  switch (place.kind) {
    case 'own':
      return own;
    case 'listed':
      return nameServers.get(place.endpoint);
    case 'secondary':
      return secondaries?.server(place);
    default:
      return unreachable(place);
  }
}

async function lookAtRecord(server: Resolver | undefined, zone: Name, expect: RecordExpectation): Promise<Look> {
  if (server === undefined) return { isGood: false, text: 'there is no such name server' };
  // Before the record: what the server says after it is at least as new.
  const serial = expect.serial === undefined ? undefined : await serialAt(server, zone);
  return judgeAnswer(expect, await server.lookup(expect.owner, expect.type), serial);
}

/**
 * Whether the answer of one name server is what a record's expectation asks for, and what it looked like. `zoneSerial`
 * is what the same server said just before of its SOA, undefined when it did not: the answer is at least as new.
 */
export function judgeAnswer(
  { kind, type, text, serial }: RecordExpectation,
  answer: ResolverAnswer,
  zoneSerial: Serial | undefined,
): Look {
  if (serial !== undefined && zoneSerial === undefined) return { isGood: false, text: 'no SOA' };
  if (serial !== undefined && isNewer(serial, zoneSerial!))
    return { isGood: false, text: `serial ${zoneSerial}, which is before ${serial}` };
  // Who does not answer shows nothing, neither that it is there nor that it is gone.
  if (isTransient(answer)) return { isGood: false, text: answer.reason ?? answer.kind.toUpperCase() };
  if (answer.kind !== 'answer') return { isGood: kind === 'no-record', text: answer.kind.toUpperCase() };
  const texts = answer.rdatas.map((rdata) => recordText(type, rdata));
  const isThere = texts.includes(type === TYPE.TXT ? text : text.toLowerCase());
  return { isGood: isThere === (kind === 'record'), text: texts.join(' | ') };
}

function recordText(type: number, rdata: Uint8Array): string {
  if (type === TYPE.TXT) return txtText(rdata);
  return (type === TYPE.MX ? formatName(rdata.subarray(2)) : formatRdata(type, rdata)).toLowerCase();
}

async function serialAt(server: Resolver, zone: Name): Promise<Serial | undefined> {
  const answer = await server.lookup(zone, TYPE.SOA);
  return answer.kind === 'answer' ? soaSerial(answer.rdatas[0]!) : undefined;
}
