/** A preference and a name. Implements: RFC 1035 §3.3.9 (MX), RFC 1183 §1 (AFSDB), §3.3 (RT), RFC 2230 §3.1 (KX), RFC 6742 §2.4 (LP). */
import { type RdataForm } from './field.ts';
import { name, NAME_1035, NAME_LEGACY, NAME_PLAIN } from './field-name.ts';
import { u16 } from './field-number.ts';

export const MX: RdataForm = { fields: [u16('preference'), name('exchange', NAME_1035)] };
export const AFSDB: RdataForm = { fields: [u16('subtype'), name('hostname', NAME_LEGACY)] };
export const RT: RdataForm = { fields: [u16('preference'), name('intermediate host', NAME_LEGACY)] };
export const KX: RdataForm = { fields: [u16('preference'), name('exchanger', NAME_LEGACY)] };
export const LP: RdataForm = { fields: [u16('preference'), name('FQDN', NAME_PLAIN)] };
