/** Two names. Implements: RFC 1183 §2.2 (RP), RFC 1035 §3.3.7 (MINFO); TALINK by its IANA template. */
import { type RdataForm } from './field.ts';
import { name, NAME_1035, NAME_LEGACY, NAME_PLAIN } from './field-name.ts';

export const RP: RdataForm = { fields: [name('mbox-dname', NAME_LEGACY), name('txt-dname', NAME_LEGACY)] };
export const MINFO: RdataForm = { fields: [name('RMAILBX', NAME_1035), name('EMAILBX', NAME_1035)] };
export const TALINK: RdataForm = { fields: [name('start or previous', NAME_PLAIN), name('end or next', NAME_PLAIN)] };
