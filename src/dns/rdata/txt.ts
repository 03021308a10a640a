/**
 * Types whose data is one character-string or more.
 * Implements: RFC 1035 §3.3.14 (TXT), RFC 7208 §3.1 (SPF, type 99), RFC 9606 §4 (RESINFO); AVC, NINFO, WALLET by their IANA templates.
 */
import { type RdataForm } from './field.ts';
import { characterStrings } from './field-text.ts';

export const TXT: RdataForm = { fields: [characterStrings('text')] };
