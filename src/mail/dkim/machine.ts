/**
 * The life of a DKIM key as data.
 * Implements: RFC 6376 §3.1 (old and new key side by side), §3.6.1 (revoked), §5.2 (publish before signing, keep for the validation
 * interval); RFC 2308 §5 (negative caching); RFC 5321 §4.5.4.1 (queue life).
 */
import { checkedMachine, condition, type Machine, type Wait } from '#lifecycle/machine.ts';

const VISIBLE: Wait = {
  kind: 'gate',
  id: 'visible',
  who: 'every name server to answer with the record',
  why: 'verifiers that ask a server without it fail the mail',
  rfc: 'RFC 6376 §5.2',
  observation: 'record',
  places: 'servers',
};
const NEGATIVE_TTL: Wait = {
  kind: 'time',
  id: 'negative-ttl',
  who: 'caches that remember that the selector did not exist',
  why: 'their users cannot find the key and fail the mail',
  rfc: 'RFC 2308 §5',
  terms: ['negativeTtl'],
};
const SWITCHED: Wait = {
  kind: 'gate',
  id: 'switched',
  who: 'every signer to acknowledge that it signs with another key',
  why: 'a signer that was forgotten continues to make signatures that fail',
  observation: 'switched',
  places: 'signers',
};
const QUEUE: Wait = {
  kind: 'time',
  id: 'queue-life',
  who: 'mail signed with this key that is still under way',
  why: 'it arrives and cannot be verified',
  rfc: 'RFC 5321 §4.5.4.1',
  since: 'switched',
  terms: ['signerLag', 'queueLife', 'recordTtl', 'slack'],
};
/**
 * Looked at last: what counts is who asks now, not a week ago. Any client can ask, and some ask for old selectors for
 * ever: after its patience the key continues, and by then its mail has had twice the time that it needs.
 */
const UNASKED: Wait = {
  kind: 'gate',
  id: 'unasked',
  who: 'queries for the selector to end',
  why: 'mail signed with it may still be verified somewhere',
  observation: 'queries',
  places: 'queryCounters',
  after: 'queue-life',
  patience: ['queueLife', 'slack'],
  checkEveryMs: 3_600_000,
};
/** Reports are taken note of when they come; by itself only the days that count move on. */
const UNREPORTED: Wait = {
  kind: 'gate',
  id: 'unreported',
  who: 'DMARC reports without the selector',
  why: 'a signer still signs with it',
  rfc: 'RFC 9990 §3.1.3',
  observation: 'report-rows',
  places: 'reportSources',
  checkEveryMs: 86_400_000,
};
const REVOCATION = condition('revocation', 'the policy to want old keys revoked', 'mail in archives cannot be verified any more');
const ROTATION_DUE = condition('rotation-due', 'the key before it to have served its time', 'keys change more often than they need to');
const UNWANTED = condition('unwanted', 'the policy to do without this kind of key', 'mail goes unsigned');
const COMPROMISED = condition('compromised', 'an operator to report the key as compromised', 'a good key is withdrawn');
const REVOKED_FOR: Wait = {
  kind: 'time',
  id: 'revoked-for',
  who: 'verifiers to see that the key is revoked',
  why: 'they cannot tell a revoked key from one that was never there',
  rfc: 'RFC 6376 §3.6.1',
  terms: ['recordTtl', 'revokedFor'],
};

export const DKIM_MACHINE: Machine = checkedMachine({
  kind: 'dkim',
  first: 'generated',
  last: ['removed'],
  checkEveryMs: 5 * 60_000,
  singular: { stage: 'active', displaced: 'retiring' },
  transitions: [
    { from: 'generated', to: 'removed', waits: [UNWANTED], isQuiet: true },
    { from: 'generated', to: 'published', waits: [] },
    // Nothing was signed with it: it may go at once.
    { from: 'published', to: 'removed', waits: [UNWANTED], isQuiet: true },
    { from: 'published', to: 'visible', waits: [VISIBLE] },
    { from: 'visible', to: 'removed', waits: [UNWANTED], isQuiet: true },
    { from: 'visible', to: 'active', waits: [NEGATIVE_TTL, ROTATION_DUE] },
    { from: 'active', to: 'retiring', waits: [UNWANTED], isQuiet: true },
    { from: 'retiring', to: 'compromised', waits: [COMPROMISED], isQuiet: true },
    { from: 'retiring', to: 'revoked', waits: [SWITCHED, QUEUE, UNASKED, UNREPORTED, REVOCATION] },
    { from: 'revoked', to: 'removed', waits: [REVOKED_FOR] },
    { from: 'compromised', to: 'removed', waits: [REVOKED_FOR] },
    ...['published', 'visible', 'active', 'retiring'].map((from) => ({ from, to: 'compromised', waits: [], by: 'order' as const })),
  ],
});
