/**
 * The life of a host's certificate as data. The one in use stays in use while the next one goes through its stages, so
 * whatever fails
 * on the way fails beside a certificate that works.
 * Implements: RFC 8555 §7.1.6 (what an order goes through), §8.4 (the record stands before the CA looks).
 */
import { CERTIFICATE_SERVED_FIRST_MS, CERTIFICATE_SERVED_LOOK_MS } from '#base/limits/acme.ts';
import { type Transition, checkedMachine, condition, type Machine, type Wait } from '#lifecycle/machine.ts';

const UNWANTED = condition('unwanted', 'no reason for a certificate of the host', 'clients lose it');
const LOST = condition('order-lost', 'the end of the order', 'the CA is asked in vain');
const ORDERED = condition('ordered', 'the CA to take the order', 'there is nothing to wait for', 'RFC 8555 §7.4');
const CHALLENGED = condition('challenged', 'the CA to say what it wants', 'nothing can be shown', 'RFC 8555 §7.5');
const VISIBLE: Wait = {
  kind: 'gate',
  id: 'visible',
  who: 'every name server of the zone to answer with the challenge',
  why: 'a CA that asks a server without it rejects the order',
  rfc: 'RFC 8555 §8.4',
  observation: 'record',
  places: 'challengeServers',
};
const ISSUED = condition('issued', 'the CA to look, and to issue', 'there is no certificate', 'RFC 8555 §7.4');
const DEPLOYABLE = condition('deployable', 'records about its key to be known', 'clients reject it', 'RFC 7671 §8.1');
const SERVED: Wait = {
  kind: 'gate',
  id: 'served',
  who: 'the policy host to be seen with it, the whole chain and its key',
  why: 'clients get another one, or none',
  observation: 'served',
  places: 'ownHosts',
  checkEveryMs: CERTIFICATE_SERVED_LOOK_MS,
  firstChecksMs: CERTIFICATE_SERVED_FIRST_MS,
};
const OUTDONE = condition('outdone', 'a newer one to be installed', 'it may be served soon');

/** On the way; no certificate yet. */
export const COMING: readonly string[] = ['wanted', 'ordered', 'visible', 'issued'];
/** Its certificate is the host's. */
export const INSTALLED: readonly string[] = ['installed', 'in-use'];

const aside = (from: string, to: string, wait: Wait): Transition => ({ from, to, waits: [wait], isQuiet: true });

export const CERTIFICATE_MACHINE: Machine = checkedMachine({
  kind: 'certificate',
  first: 'wanted',
  last: ['withdrawn', 'replaced'],
  checkEveryMs: 15_000,
  singular: { stage: 'in-use', displaced: 'replaced' },
  transitions: [
    ...[...COMING, ...INSTALLED].map((from) => aside(from, 'withdrawn', UNWANTED)),
    ...['ordered', 'visible'].map((from) => aside(from, 'wanted', LOST)),
    aside('installed', 'replaced', OUTDONE),
    { from: 'wanted', to: 'ordered', waits: [ORDERED] },
    { from: 'ordered', to: 'visible', waits: [CHALLENGED, VISIBLE] },
    { from: 'visible', to: 'issued', waits: [ISSUED] },
    { from: 'issued', to: 'installed', waits: [DEPLOYABLE] },
    { from: 'installed', to: 'in-use', waits: [SERVED] },
  ],
});
