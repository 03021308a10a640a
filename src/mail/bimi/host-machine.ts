/**
 * The life of `bimi.<domain>`, as data.
 * Not here: the stages (mail/hosting/host-machine.ts), what the conditions say (host.ts), the logos (files-machine.ts).
 */
import { type Machine } from '#lifecycle/machine.ts';
import { hostMachine } from '#mail/hosting/host-machine.ts';

export const BIMI_HOST_MACHINE: Machine = hostMachine({
  kind: 'bimi-host',
  label: 'bimi',
  whyLeadsHere: 'receivers ask a server that does not have the logo',
  whyElsewhere: 'two servers are taken for the host of the logo',
  whoUnneeded: 'the last logo to be gone',
  whyUnneeded: 'receivers and mail programs look for a logo that is gone',
  whoLeaving: 'the logo to be withdrawn',
  whoBack: 'a logo to be wanted again',
  whyCertificate: 'no receiver fetches a logo from a host without one',
  whyVisible: 'receivers learn of a logo whose host does not exist',
  whyNegative: 'receivers learn of a logo whose host does not exist for them',
  rfc: { host: 'draft-brand-indicators-for-message-identification-12 §4.3' },
});
