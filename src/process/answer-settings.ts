/**
 * What the answer process and the policy host get of the configuration: nothing that leads to a key but, for the
 * latter, its own (ADR 0007).
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type AnswerSettings, type CookieSecretTexts, type PolicyHostSettings } from '#base/ipc/messages.ts';
import { type Config } from '#config/config.ts';
import { settleTcpPort } from '#server/listen.ts';

/**
 * `listen`: the addresses of the configuration with their ports settled. `cookieSecrets`: what is in the files, when
 * there are any.
 */
export function answerSettings(
  { data, dns, cookies, rrl, log }: Config,
  listen: readonly IpPort[],
  cookieSecrets?: CookieSecretTexts,
): AnswerSettings {
  return {
    storeDir: join(data, 'store'),
    listen: listen.map(formatIpPort),
    udp: dns.udp,
    cookies: cookies === undefined ? undefined : { secrets: cookieSecrets },
    rateLimit: rrl,
    queryLogEvery: log.queries,
    nsid: dns.nsid,
    workers: dns.workers === 0 ? availableParallelism() : dns.workers,
  };
}

/** Undefined when the configuration has no policy host. Ports are settled here: a restarted one binds the same. */
export async function policyHostSettings({ data, https }: Config): Promise<PolicyHostSettings | undefined> {
  if (https.listen.length === 0) return undefined;
  const listen: string[] = [];
  for (const each of https.listen) listen.push(formatIpPort(await settleTcpPort(each)));
  const { keyFile, isSelfSigned, isAccessLogged } = https;
  return { storeDir: join(data, 'store'), listen: [...new Set(listen)], keyFile, isSelfSigned, isAccessLogged };
}
