/** Schemas that several resources share. One source for validation, types and the OpenAPI document. */
import { TLS_PINS_MAX } from '#base/limits/transfer.ts';
import { DENIAL_KINDS } from '#dnssec/denial.ts';
import { type TProperties, type TSchema, Type } from 'typebox';

/** An object that takes no other fields: a misspelt one must not be ignored. */
export function closed<P extends TProperties>(properties: P, description?: string, title?: string) {
  const words = { ...(description === undefined ? {} : { description }), ...(title === undefined ? {} : { title }) };
  return Type.Object(properties, { additionalProperties: false, ...words });
}

/** An object with fields that are described elsewhere. */
export function openObject(description?: string) {
  return Type.Object({}, { additionalProperties: true, ...(description === undefined ? {} : { description }) });
}

export const OnOff = Type.Enum(['on', 'off']);
export const DenialForm = Type.Enum([...DENIAL_KINDS], {
  description: 'how the zone proves what is not there: NSEC, or NSEC3 without iterations, salt and opt-out (RFC 9276)',
});
export const ParentCareForm = Type.Enum(['check', 'delegate', 'ignore'], {
  description:
    'What is done about a served zone above a new one. `check` (default): a zone that would be bogus or hide records is ' +
    'rejected. `delegate`: NS, glue and DS are put there in the same transaction. `ignore`: what is wrong is a warning.',
});
export const BelowCareForm = Type.Enum(['check', 'ignore'], {
  description:
    'What is done when the change would make a served zone below this one bogus, or hide it. `check` (default): the ' +
    'change is rejected. `ignore`: what is wrong is a warning.',
});
const SWITCH_VALUES = ['0', '1', 'true', 'false', ''] as const;
export const Switch = Type.Enum([...SWITCH_VALUES]);
export const Time = Type.String({ format: 'date-time' });
export const Reason = Type.String({ minLength: 1, maxLength: 500, description: 'written into the audit log' });

/** Keys of the other end of TLS. */
export const PinTexts = Type.Array(Type.String({ minLength: 44, maxLength: 44 }), {
  minItems: 1,
  maxItems: TLS_PINS_MAX,
  description: 'SHA-256 of the public key (SPKI) that its certificate must have one of, base64',
});

/** True for a `Switch` that is given and not off: `?dryRun`, `?dryRun=1`. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '0' && value !== 'false';
}

export const zoneParams = {
  zone: Type.String({ description: 'name of the zone, the last dot is optional; `=2E` is the root', examples: ['example.com'] }),
};

/** `example`: a signer of the example zone, in whose way of delivery the route makes sense. */
export const signerParams = (example: string) => ({
  signer: Type.String({ description: 'name of the signer', examples: [example] }),
});

/** Query parameters of every route that writes. */
export const dryRunQuery = {
  dryRun: Type.Optional(Type.Enum([...SWITCH_VALUES], { description: 'decide and answer the same, but write nothing' })),
};

/** Further query parameters of every change of a zone. */
export const waitQuery = {
  wait: Type.Optional(Type.Enum(['served'], { description: 'answer when every worker serves the change' })),
};

const ProblemItem = Type.Object(
  {
    code: Type.String({ description: 'one of docs/errors.md' }),
    severity: Type.Enum(['error', 'warning']),
    at: Type.String({
      description: 'file:line:column, JSON pointer, parameter, or owner and type; empty for the whole request',
    }),
    pointer: Type.Optional(Type.String({ description: 'RFC 6901 pointer into the body, when the place is there' })),
    parameter: Type.Optional(Type.String({ description: 'the parameter of the request, when the place is one' })),
    detail: Type.String(),
    rfc: Type.Optional(Type.String()),
    fix: Type.Optional(Type.String()),
  },
  { title: 'ProblemItem' },
);

export const ProblemList = Type.Array(ProblemItem);

export const ProblemDocument = Type.Object(
  {
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'one of docs/errors.md' }),
    detail: Type.String(),
    fix: Type.Optional(Type.String()),
    errors: ProblemList,
  },
  { title: 'ProblemDocument', description: 'RFC 9457 problem document with every problem found' },
);

const lines = Type.Array(Type.String({ examples: ['www.example.com. 3600 IN A 192.0.2.1'] }));

export const ChangesetForm = Type.Object(
  { fromSerial: Type.Integer(), toSerial: Type.Integer(), deleted: lines, added: lines, omitted: Type.Integer() },
  { title: 'Changeset', description: 'in IXFR order: the old SOA is first in deleted, the new SOA is first in added' },
);

const OutcomeForm = Type.Object(
  {
    zone: Type.String(),
    serial: Type.Integer(),
    revision: Type.Integer(),
    changed: Type.Boolean(),
    created: Type.Boolean(),
    dryRun: Type.Boolean(),
    served: Type.Optional(Type.Boolean({ description: 'with ?wait=served: whether every worker serves the change' })),
    changeset: ChangesetForm,
    elsewhere: Type.Optional(
      Type.Array(Type.Object({ zone: Type.String(), changeset: ChangesetForm }), {
        description: 'changes of other zones of this server, in the same transaction',
      }),
    ),
    warnings: ProblemList,
    plan: Type.Optional(Type.Array(Type.String(), { description: 'what follows for keys, and when at the earliest' })),
    consequences: Type.Optional(Type.Array(Type.String(), { description: 'of an emergency roll: what it leads to' })),
    mail: Type.Optional(
      Type.Object(
        {
          object: Type.Optional(Type.String({ description: 'key, record or mode that changed, as in mail/status' })),
          notBefore: Type.Optional(Type.String({ format: 'date-time', description: 'a key may be used from then on' })),
          isFinal: Type.Optional(Type.Boolean({ description: 'true when notBefore will not change any more' })),
          text: Type.Optional(Type.String({ description: 'what the change did, for people' })),
        },
        { description: 'only in answers about mail' },
      ),
    ),
  },
  { title: 'ChangeOutcome' },
);

/** What a route answers with one status: JSON in this form, or what `content` says by media type. */
export type Answer = TSchema | { readonly description: string; readonly content: Readonly<Record<string, { readonly schema: TSchema }>> };

/** What a change of a zone answers. */
export const changeAnswers = {
  200: OutcomeForm,
  201: OutcomeForm,
  202: OutcomeForm,
};
