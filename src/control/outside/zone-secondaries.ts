/**
 * The other name servers of a zone, as its NS records name them: each address of each target that is not ours is a place where a record
 * must be seen before it counts as published. What is not known yet, or has no address, is a place where nothing is seen: it holds up,
 * and says why.
 * Not here: servers that the configuration lists (witnesses.ts), what is looked at (evidence.ts).
 */
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { DNS_PORT, type IpPort, ipPort } from '#base/address.ts';
import { NAME_SERVER_ADDRESSES_MAX, NAME_SERVER_HOSTS_MAX } from '#base/limits/outside.ts';
import { type Name, formatName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { hostAddresses } from './host-addresses.ts';
import { type SecondaryPlace } from './name-server-place.ts';

export interface SecondariesOptions {
  /** True for an address that this server answers at. */
  readonly isOurs: (ip: string) => boolean;
  /** The name server at `ADDR:PORT`. */
  readonly serverAt: (endpoint: string) => Resolver;
}

interface Host {
  readonly addresses: readonly string[];
  /** Why there are none. */
  readonly why?: string;
}

export class ZoneSecondaries {
  readonly #options: SecondariesOptions;
  /** By name, as text. */
  readonly #hosts = new Map<string, Host>();

  constructor(options: SecondariesOptions) {
    this.#options = options;
  }

  /** The zone's other name servers, one place for each address; one without address where none is known. */
  places(view: ZoneView): readonly SecondaryPlace[] {
    return targetsOf(view).flatMap((target): SecondaryPlace[] => {
      const host = hostText(target);
      const addresses = this.#hosts.get(host)?.addresses ?? [];
      if (addresses.length === 0) return [{ kind: 'secondary', host }];
      return addresses.filter((ip) => !this.#options.isOurs(ip)).map((ip) => ({ kind: 'secondary', host, ip }));
    });
  }

  /** Looks up where the zone's name servers are. A look-up that fails leaves what was known. */
  async refresh(view: ZoneView, resolver: Resolver): Promise<void> {
    const targets = targetsOf(view);
    if (this.#hosts.size + targets.length > NAME_SERVER_HOSTS_MAX) this.#hosts.clear();
    await Promise.all(
      targets.map(async (target) => {
        const found = await hostOf(target, resolver, this.#hosts.get(hostText(target)));
        this.#hosts.set(hostText(target), found);
      }),
    );
  }

  /** The server at a place; without an address one that says why nothing can be asked. */
  server({ host, ip }: SecondaryPlace): Resolver {
    if (ip !== undefined) return this.#options.serverAt(isIPv6(ip) ? `[${ip}]:${DNS_PORT}` : `${ip}:${DNS_PORT}`);
    const reason = this.#hosts.get(host)?.why ?? 'where this name server is has not been looked up yet';
    return { lookup: () => Promise.resolve<ResolverAnswer>({ kind: 'timeout', reason }) };
  }
}

/** Ours are the addresses that we listen at; with `0.0.0.0` and `[::]` all of this machine's. */
export function ownAddresses(listeners: readonly IpPort[]): (ip: string) => boolean {
  return (ip) => {
    const canonical = (text: string) => ipPort(text, 0).ip;
    if (listeners.some((each) => each.ip === canonical(ip))) return true;
    // `[::]` takes IPv4 too, except for IPv6-only sockets. To ask ourselves is harmless, to miss another is not.
    const isAll = listeners.some((each) => each.ip === (isIPv6(ip) ? '::' : '0.0.0.0'));
    const ofMachine = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    return isAll && ofMachine.some(({ address }) => canonical(address) === canonical(ip));
  };
}

function targetsOf(view: ZoneView): readonly Name[] {
  return rrsetOf(view.node(view.apexKey), TYPE.NS)?.rdatas ?? [];
}

function hostText(target: Name): string {
  return formatName(target).slice(0, -1).toLowerCase();
}

async function hostOf(target: Name, resolver: Resolver, before: Host | undefined): Promise<Host> {
  const { addresses, failure } = await hostAddresses(target, resolver);
  const isKnown = before !== undefined && before.addresses.length > 0;
  if (failure !== undefined) return isKnown ? before : { addresses: [], why: failure };
  return addresses.length === 0
    ? { addresses, why: 'this name server has no address' }
    : { addresses: addresses.slice(0, NAME_SERVER_ADDRESSES_MAX) };
}
