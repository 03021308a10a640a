/**
 * The world's DNS through the recursive servers of this machine or of the configuration, or one name server asked by itself. An edge:
 * everything that goes wrong out there becomes an outcome. c-ares (node:dns) does the asking: retries, TCP after truncation, several servers.
 */
import { type CaaRecord } from 'node:dns';
import { Resolver as Client } from 'node:dns/promises';
import { type IpPort, parseIpPort } from '#base/address.ts';
import { RESOLVER_TIMEOUT_MS, RESOLVER_TRIES, RESOLVER_UNKNOWN_TTL_SECONDS } from '#base/limits/outside.ts';
import { type Name, ROOT, formatName } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { rcodeName } from '#dns/reply.ts';
import { RCODE, TYPE, type RrType } from '#dns/types.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { askDirectly } from './direct-question.ts';
import { txtRdata } from '#mail/text/txt.ts';

/**
 * A resolver on `servers` (`ADDR` or `ADDR:PORT`), or on the system's when there are none. Types: A, AAAA, MX, NS, PTR,
 * TXT, TLSA, CAA, SOA, CNAME.
 */
export function outsideResolver(servers: readonly string[]): Resolver {
  const client = new Client({ timeout: RESOLVER_TIMEOUT_MS, tries: RESOLVER_TRIES });
  if (servers.length > 0) client.setServers(servers);
  return {
    async lookup(name, type) {
      try {
        return await ask(client, name, type);
      } catch (error) {
        return outcomeOf(error);
      }
    },
  };
}

/** One name server, asked by itself. c-ares has no DNSKEY: that is asked for without it. */
export function nameServerResolver(endpoint: string): Resolver {
  const resolver = outsideResolver([endpoint]);
  const server = parseIpPort(endpoint, undefined, DNS_PORT);
  return {
    lookup(name, type) {
      const isDirect = type === TYPE.DNSKEY && server.ok;
      return isDirect ? askServer(server.value, name, type) : resolver.lookup(name, type);
    },
  };
}

const DNS_PORT = 53;

async function askServer(server: IpPort, name: Name, type: RrType): Promise<ResolverAnswer> {
  const answer = await askDirectly(server, name, type);
  if ('failure' in answer) return { kind: 'timeout', reason: `the name server ${answer.failure}` };
  const { rcode, records } = answer.reply;
  if (rcode === RCODE.NXDOMAIN) return { kind: 'nxdomain' };
  if (rcode !== RCODE.NOERROR) return { kind: 'servfail', reason: `the name server says ${rcodeName(rcode)}` };
  if (records.length === 0) return { kind: 'nodata' };
  const ttlSeconds = Math.min(...records.map(({ ttl }) => ttl));
  return { kind: 'answer', rdatas: records.map(({ rdata }) => rdata), ttlSeconds };
}

async function ask(client: Client, name: Name, type: RrType): Promise<ResolverAnswer> {
  // c-ares takes presentation form with its escapes; the root it calls '.'.
  const text = name.length === 1 ? '.' : formatName(name).slice(0, -1);
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA: {
      const found = type === TYPE.A ? await client.resolve4(text, { ttl: true }) : await client.resolve6(text, { ttl: true });
      return answerOf(
        type,
        found.map(({ address }) => address),
        Math.min(...found.map(({ ttl }) => ttl)),
      );
    }
    case TYPE.MX:
      return answerOf(
        type,
        (await client.resolveMx(text)).map(({ priority, exchange }) => `${priority} ${absolute(exchange)}`),
      );
    case TYPE.NS:
      return answerOf(type, (await client.resolveNs(text)).map(absolute));
    case TYPE.PTR:
      return answerOf(type, (await client.resolvePtr(text)).map(absolute));
    case TYPE.CNAME:
      return answerOf(type, (await client.resolveCname(text)).map(absolute));
    case TYPE.TXT:
      return {
        kind: 'answer',
        // Node gives one character per octet, as txtRdata takes it.
        rdatas: (await client.resolveTxt(text)).map((strings) => txtRdata(strings.join(''))),
        ttlSeconds: RESOLVER_UNKNOWN_TTL_SECONDS,
      };
    case TYPE.TLSA:
      return answerOf(
        type,
        (await client.resolveTlsa(text)).map(
          ({ certUsage, selector, match, data }) => `${certUsage} ${selector} ${match} ${Buffer.from(data).toString('hex')}`,
        ),
      );
    case TYPE.CAA:
      return answerOf(type, (await client.resolveCaa(text)).flatMap(caaTexts));
    case TYPE.SOA: {
      const { nsname, hostmaster, serial, refresh, retry, expire, minttl } = await client.resolveSoa(text);
      return answerOf(type, [`${absolute(nsname)} ${absolute(hostmaster)} ${serial} ${refresh} ${retry} ${expire} ${minttl}`]);
    }
    default:
      return { kind: 'servfail', reason: `type ${type} is not asked for outside` };
  }
}

/** One property with its value, as node:dns has it: `{ critical: 0, issue: 'ca.example' }`. */
function caaTexts({ critical, ...properties }: CaaRecord): string[] {
  return Object.entries(properties).map(([tag, value]) => `${critical} ${tag} ${JSON.stringify(value)}`);
}

function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}

function answerOf(type: RrType, texts: readonly string[], ttlSeconds = RESOLVER_UNKNOWN_TTL_SECONDS): ResolverAnswer {
  const rdatas: Uint8Array[] = [];
  for (const text of texts) {
    const parsed = parseRecordData(type, text, ROOT);
    if (!parsed.ok) return { kind: 'servfail', reason: `the answer holds ${JSON.stringify(text)}, which is malformed` };
    rdatas.push(parsed.value);
  }
  return rdatas.length === 0 ? { kind: 'nodata' } : { kind: 'answer', rdatas, ttlSeconds };
}

function outcomeOf(error: unknown): ResolverAnswer {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  switch (code) {
    case 'ENOTFOUND':
      return { kind: 'nxdomain' };
    case 'ENODATA':
      return { kind: 'nodata' };
    case 'ETIMEOUT':
    case 'ECONNREFUSED':
      return { kind: 'timeout', reason: `the name server does not answer (${code})` };
    default:
      return { kind: 'servfail', reason: `the name server says ${code}` };
  }
}
