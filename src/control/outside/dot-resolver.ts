/**
 * The world's DNS through recursive servers that are asked over TLS, and never otherwise: the first that gives an
 * answer, with the TTLs that it gives. Of every type.
 * Implements: RFC 8310 §5 (strict).
 * Not here: connections (dot-connection.ts), servers that are asked in the clear (outside-resolver.ts), what an answer
 * says (recursive-answer.ts).
 */
import { type DotServer } from '#config/dot-server.ts';
import { lowerName } from '#dns/name.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { DotConnection } from './dot-connection.ts';
import { readAnswer } from './recursive-answer.ts';

export interface DotResolver extends Resolver {
  /** Ends its connections. */
  stop(): void;
}

/** `extraRoots`: PEM of roots that are trusted beside the usual ones. */
export function dotResolver(servers: readonly DotServer[], extraRoots?: string): DotResolver {
  const connections = servers.map((server) => new DotConnection(server, extraRoots));
  return {
    async lookup(name, type) {
      const wanted = lowerName(name);
      let last: ResolverAnswer = { kind: 'timeout', reason: 'there is no server to ask' };
      for (const connection of connections) {
        let reply = await connection.ask(wanted, type);
        // RFC 7766 §6.2.4: it may have been closed while the question was on its way.
        if ('failure' in reply && reply.isClosed === true) reply = await connection.ask(wanted, type);
        if ('octets' in reply) {
          last = readAnswer(reply.octets, wanted, type);
          if (last.kind !== 'servfail') return last;
        } else last = { kind: 'timeout', reason: `${connection.text} ${reply.failure}` };
      }
      return last;
    },
    stop: () => connections.forEach((each) => each.close()),
  };
}
