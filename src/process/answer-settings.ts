/** What the answer process gets of the configuration: nothing that leads to a key (ADR 0007). */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type AnswerSettings, type CookieSecretTexts } from '#base/ipc.ts';
import { type Config } from '#config/config.ts';

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
