/** Schemas of RRsets in requests and answers. */
import { Type } from 'typebox';
import { RECORDS_PER_RRSET_MAX, TTL_SECONDS_MAX } from '#base/limits/dns.ts';

export const Ttl = Type.Integer({ minimum: 0, maximum: TTL_SECONDS_MAX, description: 'seconds', examples: [3600] });

export const Records = Type.Array(Type.String(), {
  minItems: 1,
  maxItems: RECORDS_PER_RRSET_MAX,
  description:
    'Each string is the data of one record, never a line of a zone file: nothing in it is a comment, nothing is cut. TXT and SPF: a string ' +
    'that does not begin with a quote is one text; quoted strings are taken as written (`\\"`, `\\\\`, `\\DDD`); what is longer than 255 octets ' +
    'is split. Other types: fields with blanks between, a text with a blank or semicolon in quotes. `\\# LENGTH HEX` (RFC 3597) for every ' +
    "type. Names: with a last dot absolute; without, `@` or one label is relative to the zone, a name that ends in the zone's name is " +
    'absolute, any other is rejected. Answers can be given back as they are.',
  examples: [['192.0.2.1'], ['v=DMARC1; p=reject'], ['0 issue "ca.example; validationmethods=dns-01"']],
});

export const RrsetForm = Type.Object(
  {
    name: Type.String({ description: 'absolute' }),
    type: Type.String(),
    ttl: Type.Integer(),
    records: Type.Array(Type.String()),
    manager: Type.String({
      description: 'the part that may change it: manual, dnssec, mail, acme, delegation, catalog or alias',
    }),
    signatures: Type.Optional(Type.Array(Type.String({ description: 'RRSIG RDATA' }))),
  },
  { title: 'Rrset' },
);
