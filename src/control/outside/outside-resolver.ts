/**
 * The world's DNS through the recursive servers of this machine or of the configuration, or one name server asked by
 * itself: every type, with the TTLs that it gives. An edge: everything that goes wrong out there becomes an outcome.
 * Implements: RFC 1034 §5.3.3 (the next server where one does not answer, or fails), RFC 4035 §4.9.3 and RFC 6840 §5.7
 * (AD).
 * Not here: one question (direct-question.ts), what an answer says (recursive-answer.ts), servers that are asked over
 * TLS (dot-resolver.ts).
 */
import { getServers } from 'node:dns';
import { DNS_PORT, type IpPort, parseIpPort } from '#base/address.ts';
import { type Name } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { txtRdata, txtText } from '#mail/text/txt.ts';
import { type DirectReply, askDirectly } from './direct-question.ts';
import { readAnswer } from './recursive-answer.ts';

function endpointOf(text: string): IpPort[] {
  const parsed = parseIpPort(text, undefined, DNS_PORT);
  return parsed.ok ? [parsed.value] : [];
}

/** A resolver on `servers` (`ADDR` or `ADDR:PORT`), or on the system's when there are none. */
export function outsideResolver(servers: readonly string[]): Resolver {
  const endpoints = (servers.length > 0 ? servers : getServers()).flatMap(endpointOf);
  return {
    async lookup(name, type) {
      let last: ResolverAnswer = { kind: 'timeout', reason: 'there is no server to ask' };
      for (const server of endpoints) {
        const reply = await askDirectly(server, name, type, true);
        last =
          'failure' in reply || reply.octets === undefined
            ? { kind: 'timeout', reason: `the name server ${'failure' in reply ? reply.failure : 'does not answer'}` }
            : readAnswer(reply.octets, name, type);
        if (last.kind !== 'servfail' && last.kind !== 'timeout') break;
      }
      // RFC 7208 §3.3: the strings of a TXT record are one text, however they are cut.
      if (type !== TYPE.TXT || last.kind !== 'answer') return last;
      return { ...last, rdatas: last.rdatas.map((rdata) => txtRdata(txtText(rdata))) };
    },
  };
}

const LOOPBACK = /^(?:127\.|::1$)/;

type AskValidated = (name: Name, type: RrType) => Promise<DirectReply>;

/**
 * RFC 4035 §4.9.3: the AD bit counts on a safe way: of the first of `resolvers` that is on this machine; RFC 6840 §5.7:
 * AD in the question asks for it. Undefined: none is.
 */
export function validatingResolver(resolvers: readonly string[]): AskValidated | undefined {
  const local = resolvers.flatMap(endpointOf).find(({ ip }) => LOOPBACK.test(ip));
  return local === undefined ? undefined : (name, type) => askDirectly(local, name, type, true);
}

/** One name server, asked by itself. */
export function nameServerResolver(endpoint: string): Resolver {
  return outsideResolver([endpoint]);
}
