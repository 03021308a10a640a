/** Questions to zones in memory, for tables of expected answers: asked of the oracle and of the responder, which must agree on every octet. */
import { expect } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { newQueryHead, parseQuery, questionOf } from '#dns/message.ts';
import { formatName } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { type SignedRrset } from '#dns/rrset.ts';
import { type Response, lookup } from '#zone/lookup.ts';
import { type ServedZone, zoneSet } from '#zone/served.ts';
import { MemorySource } from './memory-source.ts';
import { oracleAnswer } from './oracle.ts';
import { type WireMessage, buildQuery, nameOfRcode, parseMessage } from './wire.ts';

/** Sections as lines `owner TTL TYPE data`; a signature is `owner TTL RRSIG TYPE`. */
export interface Asked {
  readonly rcode: string;
  readonly aa: boolean;
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  /** Required glue, then the rest. */
  readonly additional: readonly string[];
  readonly response: Response;
  /** What went over the wire, read by the tests' own parser. */
  readonly message: WireMessage;
}

export interface AskOptions {
  readonly dnssecOk?: boolean;
  readonly size?: number;
  readonly transport?: 'udp' | 'tcp';
}

/** `ask('host3.example. MX')` of these zones. */
export function asker(...served: readonly ServedZone[]): (question: string, options?: AskOptions) => Asked {
  const zones = zoneSet(served);
  const responder = new Responder(new MemorySource(served));
  const out = Buffer.alloc(65_535);
  return (question, { dnssecOk = false, size = 1232, transport = 'udp' } = {}) => {
    const [name, type] = question.split(' ');
    const query = buildQuery({ name: name!, type: type!, id: 4711, edns: { size, dnssecOk } });
    const expected = Buffer.from(oracleAnswer(zones, query, transport));
    responder.beginBatch();
    const length = responder.respond(query, query.length, out, transport);
    expect(out.toString('hex', 0, length), `${question}: answer and oracle`).toBe(expected.toString('hex'));
    const head = newQueryHead();
    parseQuery(query, query.length, head);
    const response = lookup(zones, questionOf(query, head), dnssecOk);
    return {
      rcode: nameOfRcode(response.rcode),
      aa: response.authoritative,
      answer: sectionLines(response.answer),
      authority: sectionLines(response.authority),
      additional: sectionLines([...response.requiredGlue, ...response.additional]),
      response,
      message: parseMessage(expected),
    };
  };
}

function sectionLines(rrsets: readonly SignedRrset[]): string[] {
  return rrsets.flatMap(({ owner, type, ttl, rdatas, signatures }) => [
    ...rdatas.map((rdata) => `${formatName(owner)} ${ttl} ${typeName(type)} ${formatRdata(type, rdata)}`),
    ...signatures.map(() => `${formatName(owner)} ${ttl} RRSIG ${typeName(type)}`),
  ]);
}
