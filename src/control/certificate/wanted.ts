/**
 * Which hosts of a zone are to have a certificate, and why: a list of sources, each of settled facts. A subject that
 * serves hosts adds one.
 * Not here: the life of a certificate (certificate/lives.ts).
 */
import { CERTIFICATE_HOST_CHARACTERS_MAX } from '#base/limits/acme.ts';
import { type WantedHost } from '#certificate/lives.ts';
import { isCertificateHost } from '#certificate/x509.ts';
import { type CertificatesState } from '#certificate/state.ts';
import { formatName, nameOf, parseName } from '#dns/name.ts';
import { isBimiHostHere } from '#mail/bimi/host.ts';
import { BIMI_HOST_LABEL } from '#mail/bimi/hosted-file.ts';
import { isPolicyHostHere } from '#mail/mta-sts/policy-host.ts';
import { stsHost } from '#mail/mta-sts/record.ts';
import { readMailState } from '#store/mail/state.ts';
import { type StoreReader } from '#store/reader.ts';
import { zoneOfHost } from '#store/tls/zone-of-host.ts';
import { type ServedZone } from '#control/commands/table.ts';

/** What a source knows of a zone. */
interface WantedInput extends ServedZone {
  readonly reader: StoreReader;
  readonly state: CertificatesState;
}

type WantedSource = (input: WantedInput) => readonly WantedHost[];

export type WantedHosts = (zone: ServedZone, state: CertificatesState) => readonly WantedHost[];

/** The MTA-STS host, while it leads to this server. */
const stsHosts: WantedSource = ({ reader, record }) => {
  const mail = readMailState(reader, record.id);
  const name = mail === undefined || !isPolicyHostHere(mail.mtaSts) ? undefined : stsHost(nameOf(record.name));
  return name?.ok === true ? [{ host: hostText(formatName(name.value)), reason: 'MTA-STS' }] : [];
};

/** The host of a BIMI logo, while it leads to this server. */
const bimiHosts: WantedSource = ({ reader, record }) => {
  const bimi = readMailState(reader, record.id)?.bimi;
  const name = bimi === undefined || !isBimiHostHere(bimi) ? undefined : parseName(BIMI_HOST_LABEL, nameOf(record.name));
  return name?.ok === true ? [{ host: hostText(formatName(name.value)), reason: 'BIMI' }] : [];
};

const wishes: WantedSource = ({ state }) =>
  state.wishes.map(({ host, isForced }) => ({ host, reason: 'ordered', ...(isForced === true ? { isForced } : {}) }));

/** The host of DNS over TLS, in the zone that it is in. */
function dotHosts(dotHost: string | undefined): WantedSource {
  return ({ reader, record }) => {
    const isHere = dotHost !== undefined && zoneOfHost(reader, dotHost)?.id === record.id;
    return isHere ? [{ host: dotHost, reason: 'DNS over TLS' }] : [];
  };
}

const SOURCES: readonly WantedSource[] = [wishes, stsHosts, bimiHosts];

/**
 * The hosts of all sources, each once, the first reason first. `isCovered`: a file of the operator has its certificate.
 * `dotHost`: that of DNS over TLS.
 */
export function wantedHosts(
  reader: StoreReader,
  isCovered: (zoneId: number, host: string) => boolean,
  dotHost: string | undefined,
): WantedHosts {
  const sources = [...SOURCES, dotHosts(dotHost)];
  return (zone, state) => {
    const found = new Map<string, WantedHost>();
    for (const source of sources)
      for (const each of source({ ...zone, reader, state })) {
        const before = found.get(each.host);
        found.set(each.host, before === undefined ? each : { ...before, reason: `${before.reason}, ${each.reason}` });
      }
    return [...found.values()].filter(({ host }) => isUsableHost(host) && !isCovered(zone.record.id, host));
  };
}

/** True for a host that can stand in a certificate, and be a key in the store. */
export function isUsableHost(host: string): boolean {
  return isCertificateHost(host) && !host.startsWith('*') && host.length <= CERTIFICATE_HOST_CHARACTERS_MAX;
}

function hostText(name: string): string {
  return name.slice(0, -1).toLowerCase();
}
