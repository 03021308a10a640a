/** Schemas that several resources share. One source for validation, types and the OpenAPI document. */
import { type TProperties, type TSchema, Type } from 'typebox';

/** An object that takes no other fields: a misspelt one must not be ignored. */
export function closed<P extends TProperties>(properties: P, description?: string) {
  return Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) });
}

export const OnOff = Type.Enum(['on', 'off']);
export const Switch = Type.Enum(['0', '1', 'true', 'false', '']);

/** True for a `Switch` that is given and not off: `?dryRun`, `?dryRun=1`. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '0' && value !== 'false';
}

export const ZoneParams = closed({
  zone: Type.String({ description: "the zone's name, with or without the last dot; `=2E` is the root", examples: ['example.com'] }),
});

export const dryRunQuery = {
  dryRun: Type.Optional(Type.Enum(['0', '1', 'true', 'false', ''], { description: 'decide only: the same answer, nothing written' })),
};

/** Query parameters of every change of a zone. */
export const changeQuery = {
  ...dryRunQuery,
  wait: Type.Optional(Type.Enum(['served'], { description: 'answer when every worker serves the change' })),
};

export const ChangeQuery = closed(changeQuery);

export const ProblemItem = Type.Object({
  code: Type.String(),
  severity: Type.Enum(['error', 'warning']),
  at: Type.String({
    description: 'file:line:column, a JSON pointer into the body, a parameter, or owner and type; empty for the request as a whole',
  }),
  pointer: Type.Optional(Type.String({ description: 'RFC 6901 pointer into the body, when the place is there' })),
  parameter: Type.Optional(Type.String({ description: 'the parameter of the request, when the place is one' })),
  detail: Type.String(),
  rfc: Type.Optional(Type.String()),
  fix: Type.Optional(Type.String()),
});

export const ProblemDocument = Type.Object(
  {
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'one of docs/errors.md' }),
    detail: Type.String(),
    fix: Type.Optional(Type.String()),
    errors: Type.Array(ProblemItem),
  },
  { description: 'RFC 9457 problem document with every problem found' },
);

const lines = Type.Array(Type.String({ examples: ['www.example.com. 3600 IN A 192.0.2.1'] }));

export const ChangesetForm = Type.Object(
  { fromSerial: Type.Integer(), toSerial: Type.Integer(), deleted: lines, added: lines, omitted: Type.Integer() },
  { description: 'IXFR order: old SOA first among the deleted, new SOA first among the added' },
);

export const OutcomeForm = Type.Object({
  zone: Type.String(),
  serial: Type.Integer(),
  revision: Type.Integer(),
  changed: Type.Boolean(),
  created: Type.Boolean(),
  dryRun: Type.Boolean(),
  served: Type.Optional(Type.Boolean({ description: 'with ?wait=served: whether every worker serves it' })),
  changeset: ChangesetForm,
  elsewhere: Type.Optional(
    Type.Array(Type.Object({ zone: Type.String(), changeset: ChangesetForm }), {
      description: 'what changed with it in other zones served here',
    }),
  ),
  warnings: Type.Array(ProblemItem),
  mail: Type.Optional(
    Type.Object(
      {
        object: Type.Optional(Type.String({ description: 'what the change was about, as in status' })),
        notBefore: Type.Optional(Type.String({ format: 'date-time', description: 'when a key may be used at the earliest' })),
        isFinal: Type.Optional(Type.Boolean({ description: 'that time will not move any more' })),
        text: Type.Optional(Type.String({ description: 'what it came to' })),
      },
      { description: 'of changes of mail' },
    ),
  ),
});

const problemContent = (description: string) => ({ description, content: { 'application/problem+json': { schema: ProblemDocument } } });

/** The responses of a route: its own, and the problems that any route may answer with. */
export function responses(success: Readonly<Record<number, TSchema>>) {
  return { ...success, '4xx': problemContent('The request cannot be done.'), '5xx': problemContent('The server failed.') };
}

/** Responses of a change of a zone. */
export const changeResponses = responses({
  200: OutcomeForm,
  201: OutcomeForm,
  202: Type.Object(OutcomeForm.properties, { description: 'done and durable, but not yet served by every worker' }),
});
