/** Zones, owners and types in URLs and bodies, in any case; problems say where. Answers are absolute and lower-case. */
import { type Place, inUrl } from '#base/place.ts';
import { type Result, fail, ok, placeAt, problem } from '#base/problem.ts';
import { type Name, ROOT, formatName, lowerName, parseName } from '#dns/name.ts';
import { typeCode } from '#dns/registry.ts';
import { oddName, parseRequestName } from '#dns/request-name.ts';
import type { RrType } from '#dns/types.ts';
import { foreignWordFix } from '#dns/zone-file-hints.ts';

/** The text of a parameter of a path or query whose schema is not known here. */
export function textParameter(parameters: unknown, name: string): string | undefined {
  const value: unknown = typeof parameters === 'object' && parameters !== null ? Reflect.get(parameters, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** Canonical text of a name: absolute, lower-case. */
export function nameText(name: Name): string {
  return formatName(lowerName(name));
}

/**
 * `{zone}`: a zone's name with or without the last dot; `=2E` (or an escaped `.`) is the root, which no URL segment can
 * be.
 */
export function parseZoneName(text: string, at: Place = inUrl('zone')): Result<Name> {
  return /^(?:=2e|\.)$/i.test(text) ? ok(ROOT) : located(parseAbsolute(text), at);
}

/** A name that is absolute with or without its last dot; problems have no place. */
export function parseAbsolute(text: string): Result<Name> {
  const odd = oddName(text);
  return odd === undefined ? parseName(text, ROOT) : fail(odd);
}

/** `{name}` in the zone `apex`. */
export function parseOwner(text: string, apex: Name, at: Place = inUrl('name')): Result<Name> {
  return located(parseRequestName(text, apex), at);
}

/** `{type}`: a mnemonic in any case, or TYPE123. */
export function parseType(text: string, at: Place = inUrl('type')): Result<RrType> {
  const type = typeCode(text);
  if (type !== undefined) return ok(type);
  return fail(
    problem('TYPE_UNKNOWN', at, `${JSON.stringify(text)} is not a record type`, {
      rfc: 'RFC 3597 §5',
      fix: foreignWordFix(text) ?? 'write a type without a name as TYPE and its number: TYPE65280',
    }),
  );
}

function located<T>(result: Result<T>, at: Place): Result<T> {
  return result.ok ? result : fail(...placeAt(result.problems, at));
}
