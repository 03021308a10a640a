/**
 * What the answer process and the policy host get of the configuration: nothing that leads to a key but, for the
 * latter, its own (ADR 0007).
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type AnswerSettings, type CookieSecretTexts } from '#base/ipc/messages.ts';
import { type InheritedFds, type PolicyHostSettings } from '#base/ipc/messages.ts';
import { WORKERS_MAX } from '#base/limits/server.ts';
import { type Config } from '#config/config.ts';
import { settleTcpPort } from '#server/listen.ts';
import { descriptorsOf, renumber } from '#process/sockets/assign.ts';
import { FIRST_CHILD_FD } from '#process/children/supervised-child.ts';

/**
 * `listen`: the addresses of the configuration with their ports settled, those of DNS over TLS by themselves.
 * `cookieSecrets`: what is in the files, when
 * there are any. `cores`: a worker for each, WORKERS_MAX at most, unless the configuration says how many.
 */
export function answerSettings(
  { data, dns, cookies, rrl, log }: Config,
  listen: { readonly plain: readonly IpPort[]; readonly tls?: readonly IpPort[] },
  cookieSecrets?: CookieSecretTexts,
  inherited: InheritedFds = {},
  cores: number = availableParallelism(),
): AnswerSettings {
  return {
    storeDir: join(data, 'store'),
    listen: listen.plain.map(formatIpPort),
    ...(listen.tls === undefined || listen.tls.length === 0 ? {} : { tlsListen: listen.tls.map(formatIpPort) }),
    udp: dns.udp,
    tcp: dns.tcp,
    cookies: cookies === undefined ? undefined : { secrets: cookieSecrets },
    rateLimit: rrl,
    queryLogEvery: log.queries,
    nsid: dns.nsid,
    reportAgent: dns.reportAgent,
    inherited: ownFds(inherited),
    workers: dns.workers === 0 ? Math.min(cores, WORKERS_MAX) : dns.workers,
  };
}

/** Undefined when the configuration has no policy host. Ports are settled here: a restarted one binds the same. */
export async function policyHostSettings(config: Config, inherited: InheritedFds = {}) {
  const { data, https } = config;
  if (https.listen.length === 0) return undefined;
  const listen: string[] = [];
  for (const each of https.listen) listen.push(formatIpPort(await settleTcpPort(each)));
  const { keyFile, isSelfSigned, isAccessLogged } = https;
  const own = { storeDir: join(data, 'store'), keyFile, isSelfSigned, isAccessLogged };
  const settings: PolicyHostSettings = { ...own, listen: [...new Set(listen)], inherited: ownFds(inherited) };
  return settings;
}

/** As the child numbers them. */
function ownFds(inherited: InheritedFds): InheritedFds {
  return renumber(inherited, descriptorsOf(inherited), FIRST_CHILD_FD);
}
