/**
 * A zone and everything that strangers meet of it: a parent with two servers, two name servers, a resolver, a mail host,
 * web hosts. Servers are functions from octets to octets, so that a test can put each fault where it would be; the same
 * functions stand behind sockets in test/control/doctor/doctor-processes.test.ts.
 */
import { X509Certificate, createHash, generateKeyPairSync } from 'node:crypto';
import { type IpPort } from '#base/address.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { Doctor, type DoctorOptions } from '#control/doctor/doctor.ts';
import { isFinding } from '#control/doctor/results.ts';
import { type DirectReply } from '#control/outside/direct-question.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { HTTPS_PROBE } from '#control/outside/https-probe.ts';
import { ProbeFailure } from '#control/outside/probe-failure.ts';
import { STARTTLS_LOOK } from '#control/outside/starttls-look.ts';
import { storeResolver } from '#control/outside/store-resolver.ts';
import { selfSignedCertificate } from '#certificate/x509.ts';
import {
  type MessageContent,
  DROP,
  answerLimitBytes,
  bareContent,
  newQueryHead,
  parseQuery,
  questionOf,
  writeMessage,
} from '#dns/message.ts';
import { type Name, formatName, nameOf } from '#dns/name.ts';
import { formatRdata, parseRdataText, typeCode, typeName } from '#dns/registry.ts';
import { readReply, writeQuestion } from '#dns/reply.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { CLASS, RCODE, TYPE, type RrType } from '#dns/types.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { type HostSeen } from '#mail/dane/live.ts';
import { hostedFileName } from '#mail/bimi/hosted-file.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { lookup, zoneSet } from '#zone/lookup.ts';
import { type ZoneView } from '#zone/view.ts';
import { MemoryZone } from '#zone/zone.ts';
import { zoneOf } from './random-zone.ts';
import { good, temporaryControl } from './temporary-control.ts';

export const WORLD_ZONE = 'post.example.';
/** Name servers of the zone. */
export const NS1 = '193.0.14.1';
export const NS2 = '198.41.0.4';
/** Servers of the parent. */
export const PARENTS = ['199.7.83.42', '199.7.91.13'] as const;
/** A server of the root, for those who begin there. */
export const ROOT_IP = '192.36.148.17';
export const MX_IP = '193.0.14.25';
export const WEB_IP = '193.0.14.80';

export const LOGO = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 96 96">' +
    '<title>Post</title><rect width="96" height="96" fill="#000"/></svg>',
);
const POLICY = 'version: STSv1\nmode: enforce\nmx: mx1.post.example\nmax_age: 1209600\n';
const DAY_MS = 86_400_000;

const keyPair = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const nextPair = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
export const DKIM_KEY = rsa.export({ type: 'spki', format: 'der' }).toString('base64');

/** A certificate for the host, by the key that the TLSA records are of, or by another one. */
export function certificateFor(host: string, nowMs: number, { isNext = false, days = 60 } = {}): Uint8Array {
  const privateKey = isNext ? nextPair : keyPair;
  const times = { notBeforeMs: nowMs - 90 * DAY_MS, notAfterMs: nowMs + days * DAY_MS };
  return selfSignedCertificate({
    hosts: [host],
    privateKey,
    ...times,
    random: (bytes) => new Uint8Array(bytes).fill(7),
  });
}

/** The `3 1 1` record of one of the two keys. */
export function tlsaOf(nowMs: number, isNext = false): string {
  const spki = new X509Certificate(certificateFor('a.test', nowMs, { isNext })).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  return `3 1 1 ${createHash('sha256').update(spki).digest('hex')}`;
}

export const zoneText = (nowMs: number): string => `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 NS ns2.other.test.
@ 3600 MX 10 mx1
@ 3600 TXT "v=spf1 mx -all"
@ 3600 CAA 0 issue "ca.test"
ns1 3600 A ${NS1}
mx1 3600 A ${MX_IP}
www 3600 A ${WEB_IP}
_443._tcp.www 3600 TLSA ${tlsaOf(nowMs)}
_25._tcp.mx1 3600 TLSA ${tlsaOf(nowMs)}
_25._tcp.mx1 3600 TLSA ${tlsaOf(nowMs, true)}
s1._domainkey 3600 TXT "v=DKIM1; k=rsa; p=${DKIM_KEY.slice(0, 180)}" "${DKIM_KEY.slice(180)}"
_dmarc 3600 TXT "v=DMARC1; p=reject; rua=mailto:d@reports.test"
_mta-sts 3600 TXT "v=STSv1; id=1;"
mta-sts 3600 A ${WEB_IP}
_smtp._tls 3600 TXT "v=TLSRPTv1; rua=mailto:t@post.example"
default._bimi 3600 TXT "v=BIMI1; l=https://bimi.post.example/bimi/${hostedFileName(LOGO, 'svg')}; a=;"
`;

const PARENT = `
@ 3600 SOA a.nic.test. host.nic.test. 1 7200 900 1209600 900
@ 3600 NS a.nic.test.
@ 3600 NS b.nic.test.
post 3600 NS ns1.post
post 3600 NS ns2.other.test.
ns1.post 3600 A ${NS1}
`;
const TEST = `
@ 3600 SOA a.nic host.nic 1 7200 900 1209600 900
@ 3600 NS a.nic
a.nic 3600 A ${PARENTS[0]}
b.nic 3600 A ${PARENTS[1]}
ns2.other 3600 A ${NS2}
*.other 3600 A ${NS2}
*.other 3600 A 192.33.4.12
reports 3600 A 193.0.14.99
post.example._report._dmarc.reports 3600 TXT "v=DMARC1"
`;
const ROOT_TEXT = `
@ 3600 SOA a.root.test. host.nic.test. 1 7200 900 1209600 900
@ 3600 NS a.root.test.
a.root.test. 3600 A ${ROOT_IP}
example. 3600 NS a.nic.test.
example. 3600 NS b.nic.test.
test. 3600 NS a.nic.test.
test. 3600 NS b.nic.test.
a.nic.test. 3600 A ${PARENTS[0]}
b.nic.test. 3600 A ${PARENTS[1]}
in-addr.arpa. 3600 NS a.nic.test.
in-addr.arpa. 3600 NS b.nic.test.
`;
const REVERSE = `
@ 3600 SOA a.nic.test. host.nic.test. 1 7200 900 1209600 900
@ 3600 NS a.nic.test.
25.14.0.193 3600 PTR mx1.post.example.
`;

/** What is other than in the sound world. */
export interface Fault {
  /** Of the resolver, by `owner TYPE`: data of the records, or an outcome. */
  readonly resolver?: Readonly<Record<string, readonly string[] | Exclude<ResolverAnswer['kind'], 'answer'>>>;
  /** Of the server at an address; undefined: it does not answer. */
  readonly content?: (ip: string, content: MessageContent, name: string, type: RrType) => MessageContent | undefined;
  /** The message as it is sent. */
  readonly octets?: (ip: string, octets: Uint8Array, way: 'udp' | 'tcp') => Uint8Array | undefined;
  /** Lines of the parent's zone in place of those that begin with the same owner and type. */
  readonly parent?: (text: string) => string;
  /** What is served here and by the name servers. */
  readonly zone?: (text: string) => string;
  readonly isUnsigned?: boolean;
  /** The zone changes here, and the second name server does not follow. */
  readonly isBehind?: boolean;
  readonly witnesses?: Partial<OutsideWitnesses>;
  /** When the zone is signed; a fixed time unless given. */
  readonly nowMs?: number;
  /** Time that goes by after the zone was signed. */
  readonly laterMs?: number;
}

/** A resolver's answer by hand. */
function answerOf(type: RrType, given: readonly string[] | Exclude<ResolverAnswer['kind'], 'answer'>): ResolverAnswer {
  if (typeof given === 'string') return { kind: given };
  const rdatas = given.map((data) => {
    const parsed = parseRdataText(type, data, nameOf(WORLD_ZONE));
    if (!parsed.ok) throw new Error(`${data}: ${parsed.problems[0]!.message}`);
    return parsed.value;
  });
  return { kind: 'answer', rdatas, ttlSeconds: 60 };
}

export interface World {
  readonly record: () => ZoneRecord;
  /** Another one, in the same world but for these. */
  readonly doctorOf: (more: Partial<DoctorOptions>) => Doctor;
  readonly doctor: Doctor;
  readonly nowMs: () => number;
  /** What the server at an address answers to a message; undefined: nothing. */
  respond(ip: string, query: Uint8Array, way: 'udp' | 'tcp'): Uint8Array | undefined;
  readonly resolver: Resolver;
  check(): Promise<readonly CheckResult[]>;
}

export async function doctorWorld(fault: Fault = {}): Promise<World> {
  const made = temporaryControl(fault.nowMs === undefined ? {} : { nowMs: fault.nowMs });
  const { writer, clock } = made;
  const madeMs = clock.nowMs();
  await made.load(WORLD_ZONE, (fault.zone ?? String)(zoneText(madeMs)), { dnssec: fault.isUnsigned !== true });
  const find = () => writer.zoneByName(nameOf(WORLD_ZONE))!;
  const before = fault.isBehind === true ? copyOf(writer.view(find())) : undefined;
  const change = { op: 'set', name: 'ftp', type: 'A', ttl: 60, records: [WEB_IP] } as const;
  if (before !== undefined)
    good(await made.run({ kind: 'rrsets.change', zone: nameOf(WORLD_ZONE), operations: [change] }));
  const record = find();
  const view = writer.view(record);
  const ds = record.keys.map(({ dnskey }) => {
    const rdata = dsRdata(nameOf(WORLD_ZONE), new Uint8Array(Buffer.from(dnskey, 'base64')), 2);
    return `post 3600 DS ${formatRdata(TYPE.DS, rdata)}\n`;
  });
  const parent = zoneOf('example.', (fault.parent ?? String)(PARENT + ds.join('')));
  const of = (zone: typeof view) => ({ view: zone, signed: false, isExpired: false });
  const child = zoneSet([{ view, signed: record.dnssec === 'on', isExpired: false }]);
  const others = [zoneOf('test.', TEST), zoneOf('in-addr.arpa.', REVERSE)];
  const all = zoneSet([of(view), of(parent), ...others.map(of)]);
  const parents: readonly string[] = PARENTS;
  const zonesAt = (ip: string) => {
    if (ip === ROOT_IP) return zoneSet([of(zoneOf('.', ROOT_TEXT))]);
    if (parents.includes(ip)) return zoneSet([parent, ...others].map(of));
    return ip === NS2 && before !== undefined ? before : child;
  };
  const respond: World['respond'] = (ip, query, way) => {
    const head = newQueryHead();
    parseQuery(query, query.length, head);
    if (head.verdict === DROP) return undefined;
    const question = questionOf(query, head);
    const content =
      head.verdict === RCODE.NOERROR ? lookup(zonesAt(ip), question, head.dnssecOk) : bareContent(head.verdict);
    const given = (fault.content ?? ((_ip, same) => same))(ip, content, formatName(question.name), question.type);
    if (given === undefined) return undefined;
    const octets = writeMessage(query, head, given, answerLimitBytes(head, way));
    return (fault.octets ?? ((_ip, same) => same))(ip, octets, way);
  };
  const ask =
    (way: 'udp' | 'tcp') =>
    (server: IpPort, name: Name, type: RrType): Promise<DirectReply> => {
      const octets = respond(server.ip, writeQuestion(77, name, type), way);
      const reply = octets === undefined ? undefined : readReply(octets, 77, name, type);
      return Promise.resolve(
        octets === undefined || reply === undefined ? { failure: 'does not answer' } : { reply, octets },
      );
    };
  const found = storeResolver((name, type) => lookup(all, { name, type, class: CLASS.IN }, false), {
    lookup: () => Promise.resolve({ kind: 'nxdomain' }),
  });
  const resolver: Resolver = {
    lookup(name, type) {
      const given = fault.resolver?.[`${formatName(name).toLowerCase()} ${typeName(type)}`];
      return given === undefined ? found.lookup(name, type) : Promise.resolve(answerOf(type, given));
    },
  };
  clock.pass(fault.laterMs ?? 0);
  const nowMs = (): number => clock.nowMs();
  const options: DoctorOptions = {
    writer,
    outside: resolver,
    witnesses: { ...witnesses(nowMs), ...fault.witnesses },
    clock,
    random: (bytes) => new Uint8Array(bytes).fill(9),
    ask: { udp: ask('udp'), tcp: ask('tcp') },
  };
  const doctor = new Doctor(options);
  return {
    doctor,
    doctorOf: (more) => new Doctor({ ...options, ...more }),
    record: find,
    nowMs,
    respond,
    resolver,
    async check() {
      const report = await doctor.check(find());
      if (!report.ok) throw new Error(report.problems[0]!.message);
      return report.value.results;
    },
  };
}

/** The zone as it is now. */
function copyOf(view: ZoneView) {
  const nodes = new Map([...view.ascend(view.apexKey)].map((node) => [node.key, node]));
  return zoneSet([{ view: new MemoryZone(view.apex, nodes), signed: true, isExpired: false }]);
}

/** Hosts with a certificate; what they show is the same at every address. */
export const shows =
  (ip: string, ...chain: readonly Uint8Array[]) =>
  (): Promise<HostSeen> =>
    Promise.resolve({ addresses: [{ ip, chain, tlsVersion: 'TLSv1.3' }] });

export const fails = (step: 'connect' | 'STARTTLS' | 'TLS', why: string) => (): Promise<HostSeen> =>
  Promise.resolve({ addresses: [{ ip: MX_IP, failure: new ProbeFailure(step, why) }] });

/** An MTA-STS host with this policy, and a certificate for so many days. */
export const servesPolicy = (nowMs: () => number, body = POLICY, days = 60): Partial<OutsideWitnesses> => ({
  probes: new Map([
    [
      HTTPS_PROBE,
      (_url: string, ends?: (atMs: number) => void) => {
        ends?.(nowMs() + days * DAY_MS);
        return Promise.resolve(body);
      },
    ],
  ]),
});

function witnesses(nowMs: () => number): OutsideWitnesses {
  return {
    nameServers: new Map(),
    probes: new Map(),
    ...servesPolicy(nowMs),
    bimiProbes: new Map([[HTTPS_PROBE, () => Promise.resolve(new Uint8Array(LOGO))]]),
    publicFiles: () => Promise.resolve(new Uint8Array(LOGO)),
    liveChecks: new Map([[STARTTLS_LOOK, (host: string) => shows(MX_IP, certificateFor(host, nowMs()))()]]),
    webHosts: (host) => shows(WEB_IP, certificateFor(host, nowMs()))(),
  };
}

/** `check verdict`, each once, of what is no sound result. */
export function findingsOf(results: readonly CheckResult[]): string[] {
  return [...new Set(results.filter(isFinding).map(({ check, verdict }) => `${check} ${verdict}`))];
}

/** An RRset by hand, for contents. */
export function rrsetOfText(owner: string, type: string, ...datas: readonly string[]) {
  const code = typeCode(type)!;
  const given = answerOf(code, datas);
  return {
    owner: nameOf(owner),
    type: code,
    ttl: 3600,
    rdatas: given.kind === 'answer' ? given.rdatas : [],
    signatures: [],
  };
}
