/**
 * Looks at what life cycles wait to see: a record at every name server, an MTA-STS body from outside. An edge: whatever goes wrong out
 * there is an observation that is not good.
 * Not here: what follows from it (mail/mail-step.ts), when to look (mail-scheduler.ts).
 */
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type Observation } from '#lifecycle/state.ts';
import { type MailCheck, type MailObservation } from '#mail/mail-step.ts';
import { type MailFacts } from '#mail/mail-world.ts';
import { policyId } from '#mail/mta-sts.ts';
import { type Resolver, type ResolverAnswer } from '#mail/resolver.ts';
import { txtText } from '#mail/txt.ts';

/** Asks a place: other name servers of our zones, and those who fetch MTA-STS bodies from outside. */
export interface OutsideWitnesses {
  readonly nameServers: ReadonlyMap<string, Resolver>;
  readonly probes: ReadonlyMap<string, (url: string) => Promise<string>>;
}

/** How the places are asked. */
export interface Witnesses {
  /** A name server by its name in the evidence; undefined when there is none of that name. */
  nameServer(place: string): Resolver | undefined;
  /** Fetches a URL as a sender of mail would, from the place of that name; rejects when that fails. */
  fetchBody(place: string, url: string): Promise<string>;
}

/** True for checks that somebody can make by looking; acknowledgements and reports come by themselves. */
export function isLookable({ what, place, expect }: MailCheck, { servers, probes }: Pick<MailFacts, 'servers' | 'probes'>): boolean {
  if (expect === undefined) return false;
  return 'url' in expect ? what === 'body' && probes.includes(place) : what === 'record' && servers.includes(place);
}

/** Longest text of an observation: it is kept with the state. */
const TEXT_CHARACTERS_MAX = 200;

/** Makes one check. `atMs` is counted time. */
export async function lookAt(check: MailCheck, witnesses: Witnesses, atMs: number): Promise<MailObservation> {
  const { object, what, place, expect } = check;
  const seen = (isGood: boolean, text: string): MailObservation => ({
    object,
    ...({ what, place, isGood, text: text.slice(0, TEXT_CHARACTERS_MAX), atMs } satisfies Observation),
  });
  if (expect === undefined) return seen(false, 'cannot be looked at');
  if ('url' in expect) {
    try {
      const body = await witnesses.fetchBody(place, expect.url);
      const id = policyId(body);
      return id === expect.id ? seen(true, `body with id ${id}`) : seen(false, `another body, which would have id ${id}`);
    } catch (error) {
      return seen(false, error instanceof Error ? error.message : String(error));
    }
  }
  const server = witnesses.nameServer(place);
  if (server === undefined) return seen(false, 'there is no such name server');
  const answer = await server.lookup(expect.owner, expect.type);
  return judgeAnswer(answer, expect, seen);
}

function judgeAnswer(
  answer: ResolverAnswer,
  { type, text }: { readonly type: number; readonly text: string },
  seen: (isGood: boolean, text: string) => MailObservation,
): MailObservation {
  if (answer.kind !== 'answer')
    return seen(false, 'reason' in answer && answer.reason !== undefined ? answer.reason : answer.kind.toUpperCase());
  const texts = answer.rdatas.map((rdata) => (type === TYPE.TXT ? txtText(rdata) : formatRdata(type, rdata).toLowerCase()));
  const wanted = type === TYPE.TXT ? text : text.toLowerCase();
  return texts.includes(wanted) ? seen(true, wanted) : seen(false, texts.join(' | '));
}
