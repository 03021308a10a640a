/** Schemas of RRsets in requests and answers. */
import { Type } from 'typebox';
import { RECORDS_PER_RRSET_MAX, TTL_SECONDS_MAX } from '#base/limits/limits.ts';

export const Ttl = Type.Integer({ minimum: 0, maximum: TTL_SECONDS_MAX, description: 'seconds', examples: [3600] });

export const Records = Type.Array(Type.String(), {
  minItems: 1,
  maxItems: RECORDS_PER_RRSET_MAX,
  description: 'RDATA in presentation form, any RFC 3597 form included; names in it are relative to the zone unless they end in a dot',
  examples: [['192.0.2.1']],
});

export const RrsetForm = Type.Object({
  name: Type.String({ description: 'absolute' }),
  type: Type.String(),
  ttl: Type.Integer(),
  records: Type.Array(Type.String()),
  manager: Type.String({ description: 'who may change it: manual, dnssec, mail or acme' }),
  signatures: Type.Optional(Type.Array(Type.String({ description: 'RRSIG RDATA' }))),
});
