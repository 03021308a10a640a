/** Types whose data is one name. Implements: RFC 1035 §3.3 (NS CNAME PTR MB MD MF MG MR), RFC 6672 §2.1 (DNAME), RFC 1706 §6 (NSAP-PTR). */
import { type RdataForm } from './field.ts';
import { name, NAME_1035, NAME_LOWERED, NAME_PLAIN } from './field-name.ts';

/** NS, CNAME, PTR, MB, MD, MF, MG, MR. */
export const SINGLE_NAME: RdataForm = { fields: [name('name', NAME_1035)] };
/** RFC 6672 §2.5: never compressed; RFC 4034 §6.2: lower-cased. */
export const DNAME: RdataForm = { fields: [name('target', NAME_LOWERED)] };
export const NSAP_PTR: RdataForm = { fields: [name('name', NAME_PLAIN)] };
/** Not of any RFC: PowerDNS's. */
export const ALIAS: RdataForm = { fields: [name('target', NAME_PLAIN)] };
