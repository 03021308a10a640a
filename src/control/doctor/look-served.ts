/**
 * What each address of each name server answers to a validator, and to who compares it with the zone here.
 * Not here: SOA, NS and TCP as registries ask for them (control/delegation-check/look.ts), what it means (dnssec.ts,
 * drift.ts).
 */
import { DNS_PORT, ipPort } from '#base/address.ts';
import { CHECK_SERVERS_MAX } from '#base/limits/outside.ts';
import { type Name, nameOf, formatName } from '#dns/name.ts';
import { readSections } from '#dns/reply-sections.ts';
import { TYPE } from '#dns/types.ts';
import { type ServerFacts, isFailed } from '#control/delegation-check/facts.ts';
import { type DirectReply } from '#control/outside/direct-question.ts';
import { type CheckClient } from './client.ts';
import { type MeantFacts, type ServedFacts, type ServedReply } from './facts.ts';

/** `servers`: those that were asked for their SOA; who did not answer is not asked again. `label`: by chance. */
export function lookAtServed(
  servers: readonly ServerFacts[],
  meant: MeantFacts,
  label: string,
  client: Pick<CheckClient, 'askUdp'>,
): Promise<readonly ServedFacts[]> {
  const answering = servers.filter(({ udp }) => !isFailed(udp)).slice(0, CHECK_SERVERS_MAX);
  return Promise.all(answering.map((server) => lookAt(server, meant, missingName(meant.zone, label), client)));
}

async function lookAt(
  { host, ip }: ServerFacts,
  { zone, rrsets }: MeantFacts,
  missing: Name,
  { askUdp }: Pick<CheckClient, 'askUdp'>,
): Promise<ServedFacts> {
  const ask = (name: Name, type: number) => askUdp(ipPort(ip, DNS_PORT), name, type).then(servedReply);
  const [keys, soa, none, ...compared] = await Promise.all([
    ask(zone, TYPE.DNSKEY),
    ask(zone, TYPE.SOA),
    ask(missing, TYPE.TXT),
    ...rrsets.map(({ owner, type }) => ask(owner, type)),
  ]);
  return { host, ip, keys, soa, missing: { name: missing, reply: none }, rrsets: compared };
}

function servedReply(reply: DirectReply): ServedReply {
  if ('failure' in reply) return reply;
  const { rcode, isAuthoritative } = reply.reply;
  const records = reply.octets === undefined ? [] : readSections(reply.octets);
  return records === undefined
    ? { failure: 'answers with octets that are no reply' }
    : { rcode, isAuthoritative, records };
}

/** The zone itself where its name leaves no space for a label: then nothing is denied. */
function missingName(zone: Name, label: string): Name {
  const text = formatName(zone);
  return zone.length + 1 + label.length > 255 ? zone : nameOf(`${label}.${text === '.' ? '' : text}`);
}
