/** A and AAAA. Implements: RFC 1035 §3.4.1, RFC 3596 §2.2. */
import { type RdataForm } from './field.ts';
import { ipv4, ipv6 } from './field-address.ts';

export const A: RdataForm = { fields: [ipv4('address')] };
export const AAAA: RdataForm = { fields: [ipv6('address')] };
