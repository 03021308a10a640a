/** `/v1/dnssec/…`: key policies with names, and the hold of all rollovers of all zones. */
import { Type } from 'typebox';
import {
  PARENT_ADDRESSES_MAX,
  POLICY_SECONDS_MAX,
  POLICY_SECONDS_MIN,
  POLICY_SIGNATURE_SECONDS_MAX,
  POLICY_WAIT_SECONDS_MAX,
} from '#base/limits/dnssec.ts';
import { ok } from '#base/problem.ts';
import type { Freeze, NamedPolicy, PolicyOutcome } from '#control/api/dnssec.ts';
import { given, isoTime } from '#admin/http/form.ts';
import { problemForm } from '#admin/http/problems.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { ProblemList, Reason, Time, closed } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

const Seconds = (maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum: POLICY_SECONDS_MIN, maximum, description }));
const Lifetime = (description: string) =>
  Type.Optional(
    Type.Union([Type.Integer({ minimum: POLICY_SECONDS_MIN, maximum: POLICY_SECONDS_MAX }), Type.Null()], {
      description,
    }),
  );

const Interval = (description: string, minimum = POLICY_SECONDS_MIN) =>
  Type.Optional(
    Type.Union([Type.Integer({ minimum, maximum: POLICY_SIGNATURE_SECONDS_MAX }), Type.Null()], { description }),
  );

export const PolicyChange = closed(
  {
    keys: Type.Optional(
      Type.Enum(['csk', 'ksk+zsk'], {
        description: 'one key for all, or one for the DNSKEY RRset and one for the rest',
      }),
    ),
    algorithm: Type.Optional(Type.Enum([13, 14, 15, 16])),
    kskLifetimeSeconds: Lifetime('of a KSK or CSK; null: until it is rolled by an order'),
    zskLifetimeSeconds: Lifetime('of a ZSK; null: until it is rolled by an order'),
    propagationSeconds: Seconds(POLICY_WAIT_SECONDS_MAX, 'by then every name server of the zone has a change'),
    keyTtlSeconds: Seconds(POLICY_WAIT_SECONDS_MAX, 'TTL of DNSKEY, CDS and CDNSKEY'),
    parentPropagationSeconds: Seconds(POLICY_WAIT_SECONDS_MAX, 'by then every name server of the parent has a change'),
    parentDsTtlSeconds: Interval('TTL of the DS records, where the parent cannot be asked for it; null: a day'),
    signatureValiditySeconds: Interval('from signing to the latest end of a signature; null: 14 days'),
    signatureRefreshSeconds: Interval('a signature with less left is made anew; null: 7 days'),
    signatureJitterSeconds: Interval('ends of signatures are spread over this time; null: 2 days', 0),
    inceptionOffsetSeconds: Interval('signatures begin so long before they are made; null: an hour', 0),
    parentServers: Type.Optional(
      Type.Union([Type.Array(Type.String(), { minItems: 1, maxItems: PARENT_ADDRESSES_MAX }), Type.Null()], {
        description:
          'addresses of the parent, ADDR or ADDR:PORT, where they cannot be looked up; null: they are looked up',
      }),
    ),
  },
  'what is not given stays as it is',
);

export const PolicyForm = Type.Object({
  keys: Type.String(),
  algorithm: Type.Integer(),
  kskLifetimeSeconds: Type.Optional(Type.Integer()),
  zskLifetimeSeconds: Type.Optional(Type.Integer()),
  propagationSeconds: Type.Integer(),
  keyTtlSeconds: Type.Integer(),
  parentPropagationSeconds: Type.Integer(),
  parentDsTtlSeconds: Type.Optional(Type.Integer()),
  signatureValiditySeconds: Type.Optional(Type.Integer()),
  signatureRefreshSeconds: Type.Optional(Type.Integer()),
  signatureJitterSeconds: Type.Optional(Type.Integer()),
  inceptionOffsetSeconds: Type.Optional(Type.Integer()),
  parentServers: Type.Optional(Type.Array(Type.String())),
});

const params = { name: Type.String({ maxLength: 63, description: 'name of the policy', examples: ['default'] }) };
const Named = { name: Type.String(), policy: PolicyForm, zones: Type.Integer({ description: 'zones that have it' }) };
const Changed = Type.Object({
  ...Named,
  changed: Type.Boolean(),
  dryRun: Type.Boolean(),
  plan: Type.Array(Type.String({ description: 'what follows in the zones that have it, and when at the earliest' })),
  warnings: ProblemList,
});
const held = Type.Optional(Type.Object({ by: Type.String(), reason: Type.String(), since: Type.Optional(Time) }));
const Held = Type.Object({ held });
const HeldOrder = Type.Object({ held, dryRun: Type.Boolean() });

export const dnssecPolicyRoutes = [
  readRoute({
    url: '/v1/dnssec/policies',
    access: 'read',
    tag: 'dnssec',
    summary: 'List the key policies that zones can have by name',
    answers: { 200: Type.Object({ policies: Type.Array(Type.Object(Named)) }) },
    show: ({ control }) => ok({ body: () => ({ policies: control.dnssec.policies().map(namedForm) }) }),
  }),

  writeRoute({
    method: 'PATCH',
    url: '/v1/dnssec/policies/:name',
    access: 'admin',
    tag: 'dnssec',
    summary: 'Make a key policy, or change it',
    description:
      'What is not given stays; a new one begins as the built-in one. The zones that have it take it over one after ' +
      'the other within an hour, by rollovers where it asks for other keys. The one called default is that of every ' +
      'zone without another.',
    params,
    body: PolicyChange,
    example: { keys: 'ksk+zsk' },
    answers: { 200: Changed },
    write: async ({ control, params: { name }, body, actor, dryRun }) => {
      const set = await control.dnssec.setPolicy(name, given(body), { actor, dryRun });
      return set.ok ? ok(changedForm(set.value)) : set;
    },
  }),

  writeRoute({
    method: 'DELETE',
    url: '/v1/dnssec/policies/:name',
    access: 'admin',
    tag: 'dnssec',
    summary: 'Remove a key policy that no zone has',
    description: 'default goes back to the built-in one.',
    params,
    answers: { 200: Changed },
    write: async ({ control, params: { name }, actor, dryRun }) => {
      const removed = await control.dnssec.removePolicy(name, { actor, dryRun });
      return removed.ok ? ok(changedForm(removed.value)) : removed;
    },
  }),

  readRoute({
    url: '/v1/dnssec',
    access: 'read',
    tag: 'dnssec',
    summary: 'Show whether all rollovers are held',
    answers: { 200: Held },
    show: ({ control }) => ok({ body: () => heldForm(control.dnssec.freeze()) }),
  }),

  writeRoute({
    method: 'POST',
    url: '/v1/dnssec/orders',
    access: 'admin',
    tag: 'dnssec',
    summary: 'Hold all rollovers of all zones, let them move again, or say that the clock is right',
    description:
      'Signatures are renewed during a hold; an emergency roll that takes a key out at once does so. accept-clock ' +
      'says that the clock is right after a jump.',
    body: Type.Union([
      closed({ action: Type.Literal('hold'), reason: Reason }),
      closed({ action: Type.Literal('resume') }),
      closed({ action: Type.Literal('accept-clock'), reason: Reason }),
    ]),
    example: { action: 'hold', reason: 'no changes before the holidays' },
    answers: { 200: HeldOrder },
    write: async ({ control, body, actor, dryRun }) => {
      if (body.action === 'accept-clock') {
        const accepted = await control.dnssec.acceptClock(body.reason, { actor, dryRun });
        return accepted.ok ? ok(heldForm(control.dnssec.freeze())) : accepted;
      }
      const reason = body.action === 'hold' ? body.reason : undefined;
      const done = await control.dnssec.setFreeze(reason, { actor, dryRun });
      return done.ok ? ok({ ...heldForm(done.value), dryRun }) : done;
    },
  }),
];

function namedForm({ name, policy, zones }: NamedPolicy) {
  return { name, policy, zones };
}

function changedForm({ changed, dryRun, plan, warnings, ...named }: PolicyOutcome) {
  return { ...namedForm(named), changed, dryRun, plan, warnings: warnings.map(problemForm) };
}

function heldForm(freeze: Freeze | undefined) {
  return freeze === undefined ? {} : { held: { by: freeze.by, reason: freeze.reason, since: isoTime(freeze.atMs) } };
}
