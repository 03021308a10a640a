/**
 * Looks at the mail hosts of a zone on request, and says which of their TLSA records match what they present.
 * Not here: looks that life cycles wait for (control/outside/evidence.ts).
 */
import { TLSA_LIVE_AT_ONCE, TLSA_LIVE_HOSTS_MAX } from '#base/limits/outside.ts';
import { WHOLE, atObject, inQuery } from '#base/place.ts';
import { type Result, fail, ok, placeAt, problem } from '#base/problem.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { parseRequestName } from '#dns/request-name.ts';
import { type HostSeen, judgeHost } from '#mail/dane/live.ts';
import { type TlsaHost, mailNames, publishedTlsa } from '#mail/dane/lifecycle.ts';
import { SMTP_PORT } from '#mail/dane/record.ts';
import { type MailState } from '#mail/state.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type LiveTlsaHost, type LiveTlsaQuestion } from '#control/api/mail.ts';
import { type StarttlsLook } from '#control/outside/starttls-look.ts';

export const LOOK_IS_OFF = problem('DANE_LOOK_OFF', WHOLE, 'this server does not look at mail hosts', {
  fix: 'the configuration has mail.starttls_probe = false',
});

/** Hosts with published records, each once. */
export function tlsaHosts(state: MailState): TlsaHost[] {
  const hosts = new Map(publishedTlsa(state.tlsa).map(({ data }) => [`${data.host} ${data.port}`, data]));
  return [...hosts.values()].map(({ host, port }) => ({ host, port }));
}

/** The host as it is now, `seen` just before. */
export function judgeSeen(state: MailState, host: TlsaHost, seen: HostSeen, zone: string, nowMs: number): LiveTlsaHost {
  const records = publishedTlsa(state.tlsa)
    .filter(({ data }) => data.host === host.host && data.port === host.port)
    .map(({ id, stage, data }) => ({ object: id, stage, record: data.record }));
  return { ...host, ...judgeHost(records, seen, { names: mailNames(host.host, nameOf(zone)), nowMs }) };
}

/** Looks at the zone's hosts, or at the one that is asked for. `nowMs` is wall time. */
export async function lookAtTlsa(
  { name }: ZoneRecord,
  state: MailState,
  { host: wanted, gone }: LiveTlsaQuestion,
  look: StarttlsLook,
  nowMs: () => number,
): Promise<Result<readonly LiveTlsaHost[]>> {
  const all = tlsaHosts(state);
  const chosen = wanted === undefined ? ok(all) : chooseHost(all, wanted, name);
  if (!chosen.ok) return chosen;
  const hosts = chosen.value;
  const first = hosts.slice(0, TLSA_LIVE_HOSTS_MAX);
  const live: LiveTlsaHost[] = [];
  for (let at = 0; at < first.length; at += TLSA_LIVE_AT_ONCE) {
    const some = first.slice(at, at + TLSA_LIVE_AT_ONCE);
    const seen = some.map(async (host) => {
      const why = unlooked(host);
      const found = why ?? (await look(host.host.replace(/\.$/, ''), gone));
      return judgeSeen(state, host, found, name, nowMs());
    });
    live.push(...(await Promise.all(seen)));
  }
  const rest = hosts.slice(TLSA_LIVE_HOSTS_MAX).map((host): LiveTlsaHost => {
    const text = `not looked at: one request looks at ${TLSA_LIVE_HOSTS_MAX} hosts; name it with ?host=`;
    return { ...host, verdict: 'unseen', text, addresses: [] };
  });
  return ok([...live, ...rest]);
}

function unlooked({ port }: TlsaHost): HostSeen | undefined {
  if (port === SMTP_PORT) return undefined;
  const message = `not looked at: port ${port} is not the port of SMTP, and only that one is connected to`;
  return { failure: { step: 'connect', message } };
}

function chooseHost(hosts: readonly TlsaHost[], text: string, zone: string): Result<readonly TlsaHost[]> {
  const name = parseRequestName(text, nameOf(zone));
  if (!name.ok) return fail(...placeAt(name.problems, inQuery('host')));
  const wanted = formatName(name.value).toLowerCase();
  const found = hosts.filter(({ host }) => host === wanted);
  if (found.length > 0) return ok(found);
  const fix = `see: waxseal tlsa list ${zone}`;
  return fail(problem('LIFECYCLE_OBJECT', atObject(wanted), 'the host has no TLSA record here', { fix }));
}
