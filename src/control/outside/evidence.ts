/**
 * Looks at what life cycles wait to see: a record at every name server, an MTA-STS body from outside. An edge: whatever goes wrong out
 * there is an observation that is not good.
 * Not here: fetching the body (mta-sts-probe.ts), what should be seen (mail/expectation.ts), what follows from it (mail/step.ts), when to look (control/lifecycle/scheduler.ts).
 */
import { formatPlace } from '#base/place.ts';
import { type Name } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { type RecordExpectation, judgeAnswer } from '#mail/expectation.ts';
import { type MailCheck, type MailObservation } from '#mail/step.ts';
import { type MailFacts } from '#lifecycle/world.ts';
import { parseStsPolicy, policyId } from '#mail/mta-sts/record.ts';
import { type Resolver } from '#dns/resolver.ts';
import { soaSerial } from '#zone/changeset.ts';
import { type ZoneView } from '#zone/view.ts';
import { type ZoneSecondaries } from './zone-secondaries.ts';

/** Asks a place: other name servers of our zones, and those who fetch MTA-STS bodies from outside. */
export interface OutsideWitnesses {
  readonly nameServers: ReadonlyMap<string, Resolver>;
  readonly probes: ReadonlyMap<string, (url: string) => Promise<string>>;
  /** The name servers that a zone's own NS records name; absent: they are not asked. */
  readonly secondaries?: ZoneSecondaries;
}

/** The name servers beside this one that must show a record of the zone, as they are called in evidence. */
export function otherServers({ nameServers, secondaries }: OutsideWitnesses, view: ZoneView): string[] {
  return [...nameServers.keys(), ...(secondaries?.places(view) ?? [])];
}

/** How the places are asked. */
export interface Witnesses {
  /** A name server by its name in the evidence; undefined when there is none of that name. */
  nameServer(place: string): Resolver | undefined;
  /** Fetches a URL as a sender of mail would, from the place of that name; rejects when that fails. */
  fetchBody(place: string, url: string): Promise<string>;
}

/** True for checks that somebody can make by looking; acknowledgements and reports come by themselves. */
export function isLookable({ place, expect }: MailCheck, { servers, probes }: Pick<MailFacts, 'servers' | 'probes'>): boolean {
  if (expect === undefined) return false;
  return expect.kind === 'body' ? probes.includes(place) : servers.includes(place);
}

/** Longest text of an observation: it is kept with the state. */
const TEXT_CHARACTERS_MAX = 200;

/** Makes one check of `zone`. `atMs` is counted time. */
export async function lookAt(check: MailCheck, zone: Name, witnesses: Witnesses, atMs: number): Promise<MailObservation> {
  const { object, what, place, expect } = check;
  const { isGood, text } =
    expect === undefined
      ? { isGood: false, text: 'cannot be looked at' }
      : expect.kind === 'body'
        ? await lookAtBody(place, expect.url, expect.id, witnesses)
        : await lookAtRecord(witnesses.nameServer(place), zone, expect);
  return { object, what, place, isGood, text: text.slice(0, TEXT_CHARACTERS_MAX), atMs };
}

interface Look {
  readonly isGood: boolean;
  readonly text: string;
}

async function lookAtBody(place: string, url: string, id: string, witnesses: Witnesses): Promise<Look> {
  try {
    const body = await witnesses.fetchBody(place, url);
    return policyId(body) === id ? { isGood: true, text: `the body ${id}` } : { isGood: false, text: otherBody(body) };
  } catch (error) {
    return { isGood: false, text: error instanceof Error ? error.message : String(error) };
  }
}

/** What a body is that was not waited for. */
function otherBody(body: string): string {
  const policy = parseStsPolicy(body);
  if (!policy.ok) return `syntax: ${policy.problems.map(({ at, message }) => `${formatPlace(at)} ${message}`).join('; ')}`;
  const { mode, maxAgeSeconds, mxPatterns } = policy.value;
  return `another body: mode ${mode}, max_age ${maxAgeSeconds}, mx ${mxPatterns.length === 0 ? 'none' : mxPatterns.join(', ')}`;
}

async function lookAtRecord(server: Resolver | undefined, zone: Name, expect: RecordExpectation): Promise<Look> {
  if (server === undefined) return { isGood: false, text: 'there is no such name server' };
  // Before the record: what the server says after it is at least as new.
  const serial = expect.serial === undefined ? undefined : await serialAt(server, zone);
  return judgeAnswer(expect, await server.lookup(expect.owner, expect.type), serial);
}

async function serialAt(server: Resolver, zone: Name): Promise<Serial | undefined> {
  const answer = await server.lookup(zone, TYPE.SOA);
  return answer.kind === 'answer' ? soaSerial(answer.rdatas[0]!) : undefined;
}
