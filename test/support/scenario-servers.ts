/**
 * The servers that scenarios run against: the oracle, the responder over memory, the whole path (control room, LMDB, sockets), and peers.
 */
import { toSeconds, systemClock } from '#base/clock.ts';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { Responder } from '#answer/respond.ts';
import { engineKey } from '#dnssec/key.ts';
import { type SigningSettings, planChange } from '#dnssec/plan.ts';
import { SERVER_SLOT_COUNT } from '#server/counters.ts';
import { settleAddresses, startWorkerListeners } from '#server/listen.ts';
import { type OpenUdp } from '#server/listener.ts';
import { sharedEpollCarrier } from '#server/tcp/epoll.ts';
import { netCarrier } from '#server/tcp/tcp.ts';
import { openUdp as openDgram } from '#server/udp/dgram.ts';
import { openUdp as openMmsg } from '#server/udp/mmsg.ts';
import { ipPort } from '#base/address.ts';
import { openReader } from '#store/reader.ts';
import { loadZone } from '#zone/assemble.ts';
import { type ServedZone, zoneSet } from '#zone/served.ts';
import { memoryZone } from '#zone/zone.ts';
import { onTestFinished } from 'vitest';
import { type Endpoint, exchangeTcp, exchangeUdp } from './exchange.ts';
import { MemorySource } from './memory-source.ts';
import { oracleAnswer } from './oracle.ts';
import { type PeerKind } from './peer-kinds.ts';
import { type PeerZone } from './peers.ts';
import { type ScenarioServer } from './scenario-check.ts';
import { type Scenario, type ScenarioZone } from './scenario.ts';
import { good, temporaryControl } from './temporary-control.ts';
import { tcpQuery, udpQuery } from './dns-client.ts';
import { type MakeCarrier } from '../server/fixtures/carriers.ts';

const KEY = engineKey(new Uint8Array(32).fill(9));
const SIGNING: SigningSettings = { keys: [KEY], published: [KEY], nowSeconds: toSeconds(systemClock.nowMs()) };

/** A scenario's zone in memory, signed if it says so. */
export function servedZone(zone: ScenarioZone): ServedZone {
  const apex = nameOf(zone.name);
  const empty = memoryZone(apex, []);
  const rrsets = good(loadZone(zone.text, { file: zone.name, origin: apex, signed: zone.signed }));
  const changes = rrsets.map(({ owner, type, ttl, rdatas }) => ({ owner, type, rrset: { ttl, rdatas, manager: 'manual' as const } }));
  const plan = planChange(empty, changes, zone.signed ? SIGNING : undefined);
  return { view: empty.edited(new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null]))), signed: zone.signed };
}

/** The zone as peers load it: a signed one with our signatures. */
export function peerZone(zone: ScenarioZone): PeerZone {
  if (!zone.signed) return zone;
  const { view } = servedZone(zone);
  return { name: zone.name, text: [...formatZoneFile(view.ascend(view.apexKey), { signed: true })].join('') };
}

/** `lookup` and `writeMessage`; the responder over zones in memory. */
export function inProcessServers(scenario: Scenario): ScenarioServer[] {
  const served = scenario.zones.map((zone) => servedZone(zone));
  const zones = zoneSet(served);
  const responder = new Responder(new MemorySource(served));
  const out = new Uint8Array(65_535);
  return [
    { name: 'lookup', ask: (query, transport) => Promise.resolve(oracleAnswer(zones, query, transport)) },
    {
      name: 'answer',
      ask(query, transport) {
        responder.beginBatch();
        return Promise.resolve(out.slice(0, responder.respond(query, query.length, out, transport)));
      },
    },
  ];
}

/** Zones through the control room into a store, answered from it over real sockets of both kinds. All of it goes when the test ends. */
export async function socketServers(scenario: Scenario): Promise<ScenarioServer[]> {
  const server = temporaryControl({ nowMs: systemClock.nowMs() });
  for (const zone of scenario.zones) await server.load(zone.name, zone.text, { dnssec: zone.signed, parent: 'ignore' });
  const reader = openReader(server.writer.dir);
  const responder = new Responder(reader);
  const serve = async (name: string, openUdp: OpenUdp, carrierFor: MakeCarrier) => {
    const addresses = good(await settleAddresses([ipPort('127.0.0.1', 0)]));
    return {
      name,
      listeners: await startWorkerListeners({
        responder,
        addresses,
        openUdp,
        tcp: carrierFor(addresses),
        counters: new Float64Array(SERVER_SLOT_COUNT),
      }),
    };
  };
  const servers = [
    await serve('dgram and net', openDgram, () => netCarrier()),
    await serve('mmsg and epoll', openMmsg, (at) => sharedEpollCarrier(at)),
  ];
  onTestFinished(async () => {
    for (const { listeners } of servers) await listeners.close(0);
    await reader.close();
  });
  return servers.map(({ name, listeners }) => ({
    name,
    ask: (query, transport, waitMs) => (transport === 'udp' ? udpQuery : tcpQuery)(listeners.addresses[0]!, query, waitMs),
  }));
}

/** A running peer, asked for one question at a time. */
export function peerServer(peer: Endpoint): ScenarioServer {
  return {
    name: peer.name,
    ask: async (query, transport, timeoutMs) => (await (transport === 'udp' ? exchangeUdp : exchangeTcp)(peer, [query], { timeoutMs }))[0],
  };
}

/** Scenarios that one server can have at once: no two with a zone of the same name, or with one inside the other's. */
export function groupScenarios(scenarios: readonly Scenario[]): Scenario[][] {
  const groups: Scenario[][] = [];
  const collide = (a: Scenario, b: Scenario) => a.zones.some((mine) => b.zones.some((yours) => areNested(mine.name, yours.name)));
  for (const scenario of scenarios) {
    const group = groups.find((each) => !each.some((other) => collide(scenario, other)));
    if (group === undefined) groups.push([scenario]);
    else group.push(scenario);
  }
  return groups;
}

function areNested(a: string, b: string): boolean {
  return a === b || a === '.' || b === '.' || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
}

/** Zones of a group that this peer takes. */
export function zonesFor(kind: PeerKind, group: readonly Scenario[]): PeerZone[] {
  return group.filter(({ cannotLoad }) => !cannotLoad.has(kind)).flatMap(({ zones }) => zones.map((zone) => peerZone(zone)));
}
