/**
 * One check over sockets: name servers and a resolver on UDP and TCP, a mail host with STARTTLS, an HTTPS host with the
 * certificate of a CA of the test. All listen on 127.0.0.1; which address of the zone is which port, the test says.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type IpPort, ipPort } from '#base/address.ts';
import { NetworkSet, parseNetwork } from '#base/network.ts';
import { type Doctor } from '#control/doctor/doctor.ts';
import { askDirectly, askTcp } from '#control/outside/direct-question.ts';
import { bimiProbe, stsProbe } from '#control/outside/file-probes.ts';
import { HTTPS_PROBE } from '#control/outside/https-probe.ts';
import { outsideResolver } from '#control/outside/outside-resolver.ts';
import { reachableOrIn } from '#control/outside/probe-addresses.ts';
import { STARTTLS_LOOK, starttlsLook, tlsLook } from '#control/outside/starttls-look.ts';
import {
  type Fault,
  LOGO,
  MX_IP,
  NS1,
  NS2,
  PARENTS,
  WEB_IP,
  type World,
  doctorWorld,
  findingsOf,
} from '../../support/doctor-world.ts';
import { listenDns, resolving } from '../../support/dns-sockets.ts';
import { recordFor } from '../../support/mail/dane-house.ts';
import { type StarttlsServer, starttlsServer } from '../../support/mail/starttls-server.ts';
import { type Pair, type ThrowawayCa, httpsServer, throwawayCa } from '../../support/throwaway-ca.ts';

const LOOPBACK = parseNetwork('127.0.0.0/8')!;
const BODY = 'version: STSv1\nmode: enforce\nmx: mx1.post.example\nmax_age: 1209600\n';

let ca: ThrowawayCa;
let mailPair: Pair;
let webPair: Pair;
let mail: StarttlsServer;
let web: Awaited<ReturnType<typeof httpsServer>>;
const ends: (() => Promise<void>)[] = [];
const served = { body: BODY };

beforeAll(async () => {
  ca = throwawayCa();
  mailPair = ca.leaf(['mx1.post.example']);
  webPair = ca.leaf(['mta-sts.post.example', 'bimi.post.example', 'www.post.example']);
  mail = await starttlsServer(mailPair);
  web = await httpsServer({ ...webPair }, ({ url = '' }, response) => {
    if (url.startsWith('/bimi/')) response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(LOGO);
    else response.writeHead(200, { 'content-type': 'text/plain' }).end(served.body);
  });
}, 60_000);
afterAll(async () => {
  await Promise.all([mail.stop(), web.stop(), ...ends.map((end) => end())]);
  ca.remove();
});

/** Its address; it ends with the tests. */
async function listen(respond: Parameters<typeof listenDns>[0]): Promise<IpPort> {
  const { at, stop } = await listenDns(respond);
  ends.push(stop);
  return at;
}

async function overSockets(fault: Fault = {}): Promise<World & { readonly socketDoctor: Doctor }> {
  const zone = (text: string): string => {
    const [www, mx] = [recordFor(webPair.cert), recordFor(mailPair.cert)];
    const lines = text.replaceAll(MX_IP, '127.0.0.1').replaceAll(WEB_IP, '127.0.0.1').split('\n');
    const put = (owner: string, record: string): void => {
      lines[lines.findIndex((line) => line.startsWith(`${owner} 3600 TLSA`))] = `${owner} 3600 TLSA ${record}`;
    };
    put('_443._tcp.www', www);
    put('_25._tcp.mx1', mx);
    return `${lines.join('\n')}bimi 3600 A 127.0.0.1\n`;
  };
  const world = await doctorWorld({
    zone,
    ...fault,
    resolver: { '1.0.0.127.in-addr.arpa. PTR': ['mx1'], ...fault.resolver },
  });
  const ips = [NS1, NS2, ...PARENTS];
  const ports = new Map(
    await Promise.all(
      ips.map(async (ip) => [ip, await listen((query, way) => world.respond(ip, query, way))] as const),
    ),
  );
  const resolver = await listen(resolving(world.resolver));
  const at = (server: IpPort): IpPort => ports.get(server.ip) ?? ipPort('127.0.0.1', 1);
  const outside = outsideResolver([`127.0.0.1:${resolver.port}`]);
  const shared = { resolver: outside, networks: [LOOPBACK] };
  const files = { ...shared, extraRoots: ca.root, port: web.port };
  const socketDoctor = world.doctorOf({
    outside,
    ask: {
      udp: (server, name, type) => askDirectly(at(server), name, type),
      tcp: (server, name, type) => askTcp(at(server), name, type),
    },
    witnesses: {
      nameServers: new Map(),
      isAllowed: reachableOrIn(new NetworkSet([LOOPBACK])),
      probes: new Map([[HTTPS_PROBE, stsProbe(files)]]),
      bimiProbes: new Map([[HTTPS_PROBE, bimiProbe(files)]]),
      liveChecks: new Map([[STARTTLS_LOOK, starttlsLook({ ...shared, port: mail.port })]]),
      webHosts: tlsLook({ ...shared, port: web.port }),
    },
  });
  return { ...world, socketDoctor };
}

async function findings(fault: Fault = {}): Promise<string[]> {
  const { socketDoctor, record } = await overSockets(fault);
  const report = await socketDoctor.check(record());
  expect(report.ok).toBe(true);
  return report.ok ? findingsOf(report.value.results) : [];
}

describe('over sockets', () => {
  test('the sound world has no finding', async () => {
    expect(await findings()).toEqual([]);
    expect(mail.names).toContain('mx1.post.example');
  });

  test('a mail host with another key, and one without a certificate for its name', async () => {
    mail.present(ca.leaf(['mx9.post.example']));
    expect((await findings()).toSorted()).toEqual(['mta-sts-mx-certificate failed', 'tlsa-mismatch failed']);
    mail.present(mailPair);
  });

  test('a policy that leaves out the mail host', async () => {
    served.body = BODY.replace('mx1', 'mx2');
    expect(await findings()).toEqual(['mta-sts-mx failed']);
    served.body = BODY;
  });

  test('a name server without TCP', async () => {
    expect(await findings({ octets: (ip, octets, way) => (ip === NS2 && way === 'tcp' ? undefined : octets) })).toEqual(
      ['no-tcp failed'],
    );
  });
});
