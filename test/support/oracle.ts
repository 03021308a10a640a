/** The answer by the oracle, as octets: what every responder must give too. */
import { type Transport, answerLimitBytes, bareContent, DROP, newQueryHead, parseQuery, questionOf, writeMessage } from '#dns/message.ts';
import { RCODE } from '#dns/types.ts';
import { type ZoneSet, lookup } from '#zone/lookup.ts';

/** Empty when the query gets no answer. */
export function oracleAnswer(zones: ZoneSet, query: Uint8Array, transport: Transport): Uint8Array {
  const head = newQueryHead();
  parseQuery(query, query.length, head);
  if (head.verdict === DROP) return new Uint8Array(0);
  const content = head.verdict === RCODE.NOERROR ? lookup(zones, questionOf(query, head), head.dnssecOk) : bareContent(head.verdict);
  return writeMessage(query, head, content, answerLimitBytes(head, transport));
}
