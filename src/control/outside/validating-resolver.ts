/**
 * The word of a resolver that it has validated an answer: of one on this machine, where the way to it is safe.
 * Implements: RFC 4035 §4.9.3 (the AD bit counts on a safe way), RFC 6840 §5.7 (AD in the question asks for it).
 */
import { parseIpPort } from '#base/address.ts';
import { type Name } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';
import { type DirectReply, askDirectly } from './direct-question.ts';

type AskValidated = (name: Name, type: RrType) => Promise<DirectReply>;

const DNS_PORT = 53;
const LOOPBACK = /^(?:127\.|::1$)/;

/** Asks the first of `resolvers` (`ADDR` or `ADDR:PORT`) that is on this machine; undefined: none is. */
export function validatingResolver(resolvers: readonly string[]): AskValidated | undefined {
  const parsed = resolvers.map((text) => parseIpPort(text, undefined, DNS_PORT));
  const local = parsed.flatMap((each) => (each.ok && LOOPBACK.test(each.value.ip) ? [each.value] : []))[0];
  return local === undefined ? undefined : (name, type) => askDirectly(local, name, type, true);
}
