/**
 * The life of a hosted logo with its evidence, as data: served, seen from outside, named by the record, replaced, and
 * kept for those who read the old record.
 * Not here: what the conditions say (files.ts), the host (host-machine.ts), whether DMARC lets the record be published
 * (hold.ts).
 */
import { LIFECYCLE_FIRST_CHECKS_MS } from '#base/limits/lifecycle.ts';
import { checkedMachine, condition, type Machine } from '#lifecycle/machine.ts';

const DRAFT = 'draft-brand-indicators-for-message-identification-12';
const NO_LOGO = 'receivers read a record whose logo they cannot fetch, and show none';

export const BIMI_FILES_MACHINE: Machine = checkedMachine({
  kind: 'bimi-logo',
  first: 'served',
  last: ['gone'],
  checkEveryMs: 5 * 60_000,
  singular: { stage: 'confirmed', displaced: 'superseded' },
  transitions: [
    {
      from: 'served',
      to: 'confirmed',
      waits: [
        condition('probed', 'a probe outside that fetches the logo', NO_LOGO),
        condition('host', 'the host of the logo to be known everywhere, with a certificate', NO_LOGO, `${DRAFT} §4.3`),
        {
          kind: 'gate',
          id: 'seen-outside',
          who: 'logo and evidence to be seen from outside',
          why: NO_LOGO,
          rfc: `${DRAFT} §4.3`,
          observation: 'files',
          places: 'probes',
          after: 'host',
          firstChecksMs: LIFECYCLE_FIRST_CHECKS_MS,
        },
      ],
    },
    // No record ever named it.
    { from: 'served', to: 'gone', waits: [], by: 'order' },
    { from: 'confirmed', to: 'superseded', waits: [], by: 'order' },
    // The same logo again, while it is still served: it is looked at anew.
    { from: 'superseded', to: 'served', waits: [], by: 'order' },
    {
      from: 'superseded',
      to: 'gone',
      waits: [
        {
          kind: 'gate',
          id: 'record-gone',
          who: 'every name server to answer without the old record',
          why: NO_LOGO,
          rfc: `${DRAFT} §4.3`,
          observation: 'record-gone',
          places: 'servers',
          firstChecksMs: LIFECYCLE_FIRST_CHECKS_MS,
        },
        {
          kind: 'time',
          id: 'ttl',
          who: 'caches that hold the old record',
          why: NO_LOGO,
          rfc: `${DRAFT} §4.3`,
          since: 'record-gone',
          terms: ['bimiTtl'],
        },
        {
          kind: 'time',
          id: 'kept',
          who: 'mail programs that fetch the logo of mail received before',
          why: 'mail of before loses its logo',
          terms: ['keepOld'],
        },
      ],
    },
  ],
});
