/**
 * Looks at a zone as a stranger does: by the resolver and by each server of parent and zone, never by the store; the
 * store says only what is compared.
 * Not here: what is asked in each part (look-served.ts, look-mail.ts, control/delegation-check/look.ts), judging
 * (judge.ts).
 */
import { type Name, ROOT, formatName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { spfTree } from '#mail/spf/tree.ts';
import { type ZoneView } from '#zone/view.ts';
import { lookAtDelegation } from '#control/delegation-check/look.ts';
import { type ParentLook, ParentServers } from '#control/dnssec/parent.ts';
import { type CheckClient } from './client.ts';
import { type DoctorFacts, type MeantFacts } from './facts.ts';
import { lookAtCaa } from './look-caa.ts';
import { type DoctorProbes, askBelow, lookAtBimi, lookAtDkim, lookAtDmarc } from './look-mail.ts';
import { lookAtMailHosts, lookAtSts, lookAtWebHosts } from './look-mail.ts';
import { lookAtServed } from './look-served.ts';

export interface ZoneLook {
  readonly client: CheckClient;
  readonly probes: DoctorProbes;
  readonly signal: AbortSignal;
  /** Made by chance: a label of a name that does not exist. */
  readonly label: string;
}

/** What is seen, but for the time and what the zone here is when the look ends. Never rejects. */
export async function lookAtZone(
  view: ZoneView,
  meant: MeantFacts,
  look: ZoneLook,
): Promise<Omit<DoctorFacts, 'nowMs'>> {
  const { client, probes, label } = look;
  const { zone, isSigned } = meant;
  const { resolver } = client;
  // Addresses inside are not asked, although names lead to them.
  const mayAsk = probes.mayAsk;
  const parents = new ParentServers(resolver, (server, name, type) =>
    mayAsk(server.ip)
      ? client.askUdp(server, name, type)
      : Promise.resolve({ failure: 'no host outside can reach it' }),
  );
  const located = async () => (await parents.locate(zone)).places;
  const asked = { zone, view, isSigned };
  const servers = lookAtDelegation(asked, {
    resolver,
    askUdp: client.askUdp,
    askTcp: client.askTcp,
    parents: located,
    mayAsk,
  });
  const domain = formatName(zone).replace(/(?<=.)\.$/, '');
  const [delegation, parentDs, resolved, spf, dkim, dmarc, sts, tlsRpt, bimi, mail, web, caa] = await Promise.all([
    servers,
    isRoot(zone) ? ([] as readonly ParentLook[]) : parents.look(zone),
    resolver.lookup(zone, TYPE.SOA),
    spfTree(domain, resolver),
    lookAtDkim(meant, client),
    lookAtDmarc(zone, client),
    lookAtSts(zone, look),
    askBelow('_smtp._tls', zone, TYPE.TXT, resolver),
    lookAtBimi(zone, look),
    lookAtMailHosts(zone, look),
    lookAtWebHosts(zone, look),
    lookAtCaa(zone, resolver),
  ]);
  const served = await lookAtServed(delegation.servers, meant, label, client);
  return { meant, delegation, parentDs, served, resolved, spf, dkim, dmarc, sts, tlsRpt, bimi, mail, web, caa };
}

function isRoot(zone: Name): boolean {
  return zone.length === ROOT.length;
}
