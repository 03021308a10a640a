/** A control room with two zones and a pretended CA, in which certificates live as fast as the test lets time go by. */
import { formatName, nameOf } from '#dns/name.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { txtText } from '#mail/text/txt.ts';
import { type AcmeSettings } from '#config/acme.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { readCertificatesState } from '#store/tls/certificates.ts';
import { readHostCertificate } from '#store/tls/host-certificate.ts';
import { rrsetOf } from '#zone/view.ts';
import { ownerKey } from '#dns/name.ts';
import { TEST_NOW_MS } from '../temporary-store.ts';
import { type TestControlOptions, good, temporaryControl } from '../temporary-control.ts';
import { DIRECTORY, MockCa, type MockCaOptions } from './mock-ca.ts';

export const ZONE = nameOf('post.example.');
export const HOST = 'mta-sts.post.example';

export const ZONE_TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
mx1 3600 A 192.0.2.25
`;

export interface HouseOptions extends Pick<TestControlOptions, 'in' | 'nowMs' | 'log' | 'bootId' | 'policyHost' | 'sources'> {
  readonly ca?: Partial<MockCaOptions>;
  readonly cas?: readonly MockCa[];
  /** A CA that was there before. */
  readonly given?: MockCa;
  readonly settings?: Partial<AcmeSettings>;
  readonly witnesses?: Partial<OutsideWitnesses>;
  readonly zones?: readonly string[];
  /** Host of DNS over TLS. */
  readonly dotHost?: string;
  /** What resolvers outside see; the zones as they are here unless given. */
  readonly outside?: Resolver;
}

const rdataOf = (type: number, text: string): Uint8Array => {
  const parsed = parseRecordData(type, text, nameOf('.'));
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
};

/** Resolvers that find each of the zones with its own name server. */
export const DELEGATED: Resolver = {
  lookup(name, type): Promise<ResolverAnswer> {
    const zone = formatName(name);
    if (type === TYPE.NS) return Promise.resolve({ kind: 'answer', rdatas: [rdataOf(TYPE.NS, `ns1.${zone}`)], ttlSeconds: 60 });
    if (type !== TYPE.SOA) return Promise.resolve({ kind: 'nodata' });
    const soa = rdataOf(TYPE.SOA, `ns1.${zone} host.${zone} 7 7200 900 1209600 900`);
    return Promise.resolve({ kind: 'answer', rdatas: [soa], ttlSeconds: 60 });
  },
};

export async function certificateHouse(options: HouseOptions = {}) {
  const texts = (name: string): readonly string[] => {
    const owner = nameOf(`${name}.`);
    const record = made.writer.zones().find((each) => name.endsWith(each.name.slice(0, -1)));
    const rrset = record && rrsetOf(made.writer.view(record).node(ownerKey(owner)), TYPE.TXT);
    return rrset?.rdatas.map(txtText) ?? [];
  };
  const ca = options.given ?? new MockCa({ nowMs: () => made.clock.nowMs(), texts, ...options.ca });
  ca.texts = texts;
  const cas = [ca, ...(options.cas ?? [])];
  const settings: AcmeSettings = {
    directories: [DIRECTORY],
    contacts: ['mailto:hostmaster@post.example'],
    isTermsAgreed: true,
    profile: undefined,
    externalAccount: undefined,
    caFile: undefined,
    ...options.settings,
  };
  const made = temporaryControl({
    ...options,
    sources: options.sources ?? ['certificate'],
    outside: options.outside ?? DELEGATED,
    witnesses: { nameServers: new Map(), probes: new Map(), ...options.witnesses },
    certificates: {
      ...(options.dotHost === undefined ? {} : { dotHost: options.dotHost }),
      acme: {
        settings,
        transport: (request) => (cas.find((each) => request.url.startsWith(each.base)) ?? ca).transport(request),
      },
      onEvents: (zone, all) => events.push(...all.map(({ event, object, text }) => `${zone} ${event} ${object} ${text}`)),
    },
  });
  const events: string[] = [];
  if (options.in === undefined)
    for (const zone of options.zones ?? ['post.example.']) await made.load(zone, ZONE_TEXT, { parent: 'ignore' });
  made.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const record = () => made.writer.zoneByName(ZONE)!;
  return {
    ...made,
    ca,
    events,
    texts,
    async want(host = HOST, zone = ZONE) {
      return good(await made.run({ kind: 'certificate.renew', zone, host }));
    },
    certificate: (host = HOST) => readHostCertificate(made.writer, record().id, host),
    state: () => readCertificatesState(made.writer, record().id),
    object: (host = HOST) => readCertificatesState(made.writer, record().id)?.lifecycle.objects.findLast(({ data }) => data.host === host),
    view: (host = HOST) => made.control.certificates.list(record()).find((each) => each.host === host),
    stages: () => events.filter((each) => / (step|started|finished) /.test(each)).map((each) => each.split(' ').slice(3).join(' ')),
  };
}

export { TEST_NOW_MS };
