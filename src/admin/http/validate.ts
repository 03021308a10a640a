/**
 * Requests against their TypeBox schemas: every problem at once, unknown fields with the nearest known one.
 * Not here: what the values mean (the routes and control/ check that).
 */
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { System } from 'typebox/system';
import { Value } from 'typebox/value';
import { nearestWord } from '#base/nearest.ts';
import { type Place, WHOLE, below, inBody, inHeader, inQuery, inUrl } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { problemError } from './problems.ts';

// TypeBox stops at 8 by itself. A body of 1 MiB may have more errors, and its sender wants to see them all at once.
System.Settings.Set({ maxErrors: 100 });

/** Fastify's validator compiler. Values of the URL are text and are converted first; bodies are not converted. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  return (given: unknown) => {
    const value = httpPart === 'body' ? given : Value.Convert(schema, given);
    if (check.Check(value)) return { value };
    if (httpPart === 'body' && (given === undefined || given === null))
      return { error: problemError([problem('BODY_MISSING', WHOLE, 'this request needs a body')]) };
    const problems = check.Errors(value).flatMap((each) => describe(each, schema, httpPart ?? 'body'));
    return { error: problemError(problems) };
  };
};

type SchemaError = ReturnType<ReturnType<typeof Compile>['Errors']>[number];

/** Where a value of a part of the request stands, by its name. */
const PLACES: Readonly<Record<string, (name: string) => Place>> = { params: inUrl, headers: inHeader, querystring: inQuery };

function describe(error: SchemaError, schema: TSchema, part: string): readonly Problem[] {
  const isBody = part === 'body';
  const place = (name?: string): Place => {
    const found = name === undefined ? inBody(error.instancePath) : below(inBody(error.instancePath), name);
    return isBody ? found : (PLACES[part] ?? inQuery)(found.pointer.slice(1));
  };
  const what = isBody ? 'field' : 'parameter';
  if (error.keyword === 'additionalProperties') {
    const known = knownFields(schema, error.schemaPath);
    return error.params.additionalProperties.map((name) => {
      const near = nearestWord(name, known);
      return problem(isBody ? 'FIELD_UNKNOWN' : 'PARAMETER', place(name), `there is no ${what} ${JSON.stringify(name)}`, {
        fix: near === undefined ? `known: ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`,
      });
    });
  }
  if (error.keyword === 'required') {
    return error.params.requiredProperties.map((name) =>
      problem(isBody ? 'FIELD_MISSING' : 'PARAMETER', place(name), `${what} ${JSON.stringify(name)} is missing`),
    );
  }
  // The same unknown field a second time, matched with the schema `false`.
  if (error.keyword === 'boolean') return [];
  const why =
    error.keyword === 'enum'
      ? `must be one of ${error.params.allowedValues.map((each) => JSON.stringify(each)).join(', ')}`
      : error.message;
  const subject = error.instancePath === '' ? `the ${isBody ? 'body' : 'query'}` : error.instancePath.slice(1);
  return [problem(isBody ? 'FIELD_VALUE' : 'PARAMETER', place(), `${subject} ${why}`)];
}

/** Names of the properties of the schema that `schemaPath` (a URI fragment) points at. */
function knownFields(schema: TSchema, schemaPath: string): string[] {
  let at: unknown = schema;
  const step = (name: string): unknown => (isObject(at) ? at[name] : undefined);
  for (const name of schemaPath.split('/').slice(1)) at = step(name);
  const properties = step('properties');
  return isObject(properties) ? Object.keys(properties) : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
