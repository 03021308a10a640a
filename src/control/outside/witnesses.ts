/**
 * Who can be asked what the world sees of our zones, as the configuration has it: recursive servers, further name servers
 * of our zones, the MTA-STS probe, the look at mail hosts.
 * Not here: what is asked when (control/mail/upkeep.ts), the configuration's form (config/mail.ts).
 */
import { NetworkSet, parseNetwork } from '#base/network.ts';
import { type Result, ok } from '#base/problem.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type Config } from '#config/config.ts';
import { type OutsideWitnesses } from './evidence.ts';
import { HTTPS_PROBE } from './https-probe.ts';
import { bimiProbe, stsProbe } from './file-probes.ts';
import { reachableOrIn } from './probe-addresses.ts';
import { nameServerResolver, validatingResolver } from './outside-resolver.ts';
import { readRoots, resolverOf } from './resolver-of.ts';
import { STARTTLS_LOOK, starttlsLook, tlsLook } from './starttls-look.ts';
import { ZoneSecondaries, ownAddresses } from './zone-secondaries.ts';

export interface Outside {
  /** Answers what is in none of our zones. */
  readonly resolver: Resolver;
  readonly witnesses: OutsideWitnesses;
  /** Ends fetches that are under way. */
  stop(): void;
}

/** Reads the file of further roots; what is wrong with it is a Problem. */
export function outsideOf({ mail, dns }: Pick<Config, 'mail' | 'dns'>): Result<Outside> {
  const { nameServers, secondaries, isProbing, isLookingAtMailHosts, probeCaFile } = mail;
  const roots = probeCaFile === undefined ? ok(undefined) : readRoots(probeCaFile, 'mail.probe_ca_file');
  if (!roots.ok) return roots;
  const found = resolverOf(mail);
  if (!found.ok) return found;
  const { resolver, stop } = found.value;
  const validated = validatingResolver(mail.resolvers);
  const stopping = new AbortController();
  const networks = mail.probeNetworks.map((text) => parseNetwork(text)!);
  const shared = { resolver, networks, stopped: stopping.signal };
  const probing = { ...shared, extraRoots: roots.value };
  return ok({
    resolver,
    witnesses: {
      isAllowed: reachableOrIn(new NetworkSet(networks)),
      ...(validated && { validated }),
      nameServers: new Map(nameServers.map((server) => [server, nameServerResolver(server)])),
      probes: new Map(isProbing ? [[HTTPS_PROBE, stsProbe(probing)]] : []),
      bimiProbes: new Map(isProbing ? [[HTTPS_PROBE, bimiProbe(probing)]] : []),
      ...(isProbing ? { publicFiles: bimiProbe({ ...probing, networks: [] }) } : {}),
      liveChecks: new Map(isLookingAtMailHosts ? [[STARTTLS_LOOK, starttlsLook(shared)]] : []),
      ...(isLookingAtMailHosts ? { webHosts: tlsLook(shared) } : {}),
      ...(secondaries === 'listed'
        ? {}
        : { secondaries: new ZoneSecondaries({ isOurs: ownAddresses(dns.listen), serverAt: nameServerResolver }) }),
    },
    stop() {
      stopping.abort();
      stop();
    },
  });
}
