/** SOA. Implements: RFC 1035 §3.3.13. */
import { type RdataForm } from './field.ts';
import { name, NAME_1035 } from './field-name.ts';
import { duration, u32 } from './field-number.ts';

export const SOA: RdataForm = {
  fields: [
    name('MNAME', NAME_1035),
    name('RNAME', NAME_1035),
    u32('SERIAL'),
    duration('REFRESH'),
    duration('RETRY'),
    duration('EXPIRE'),
    duration('MINIMUM'),
  ],
};
