/** What the answer process gets of the configuration: nothing that leads to a key (ADR 0007). */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type AnswerSettings } from '#base/ipc.ts';
import { type Config } from '#config/config.ts';

/** `listen`: the addresses of the configuration with their ports settled. */
export function answerSettings(config: Config, listen: readonly IpPort[]): AnswerSettings {
  const { data, dns, cookies, rrl, log } = config;
  return {
    storeDir: join(data, 'store'),
    listen: listen.map(formatIpPort),
    udp: dns.udp,
    cookies,
    rateLimit: rrl,
    queryLogEvery: log.queries,
    workers: dns.workers === 0 ? availableParallelism() : dns.workers,
  };
}
