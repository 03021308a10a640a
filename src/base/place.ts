/**
 * Where a problem is, as a value with a kind, so that every edge shows it in its own terms and none has to guess from a text.
 * Implements: RFC 6901 §3–4 (the pointers of kind `body`).
 * Not here: what a place becomes in an answer of the API (admin/http/problems.ts) or after a command (cli/failure.ts).
 */

/** A place inside a text: a tag of a record, a line, a column, a field by its name, or a term of an SPF record. */
export type TextPart =
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'line'; readonly line: number }
  | { readonly kind: 'column'; readonly column: number }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'term'; readonly term: string };

export type Place =
  /** The input as a whole. */
  | { readonly kind: 'whole' }
  /** Inside a text that the caller can name: `within` puts it into that text's place. */
  | { readonly kind: 'text'; readonly part: TextPart }
  | BodyPlace
  /** A parameter of the request, in the sense of OpenAPI. */
  | { readonly kind: 'parameter'; readonly in: 'path' | 'query' | 'header'; readonly name: string }
  /** A text with a name: a zone file, a policy file, the configuration. Lines and columns count from 1. */
  | FilePlace
  /** Records in a zone; without `type` everything at the name. */
  | { readonly kind: 'rrset'; readonly owner: string; readonly type?: string; readonly part?: TextPart }
  | { readonly kind: 'zone'; readonly zone: string }
  /** Something that is kept under a name: an object of a life cycle, a mail signer, a key, a stored document. */
  | { readonly kind: 'object'; readonly name: string }
  /** A setting as it was given: a flag of the command line or a variable of the environment. */
  | { readonly kind: 'setting'; readonly from: 'flag' | 'environment'; readonly name: string }
  /** A socket's address, `127.0.0.1:53`. */
  | { readonly kind: 'address'; readonly address: string }
  /** A file or folder of this machine; `role` says what it is to those who may not see the path (`withoutPath` in problem.ts). */
  | { readonly kind: 'path'; readonly path: string; readonly role: string };

/** In the body of the request, or in the document that was in it: an RFC 6901 pointer. */
export interface BodyPlace {
  readonly kind: 'body';
  readonly pointer: string;
  readonly part?: TextPart;
}

export interface FilePlace {
  readonly kind: 'file';
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly part?: TextPart;
}

export const WHOLE: Place = { kind: 'whole' };

export function inBody(pointer: string): BodyPlace {
  return { kind: 'body', pointer };
}

/** What `steps` lead to from `place`: fields by name, elements by number. */
export function below({ pointer }: BodyPlace, ...steps: readonly (string | number)[]): BodyPlace {
  return inBody(pointer + steps.map((each) => `/${String(each).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''));
}

/** The steps of an RFC 6901 pointer. */
export function pointerSteps(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A variable of the URL's path: `{zone}`. */
export function inUrl(name: string): Place {
  return { kind: 'parameter', in: 'path', name };
}

export function inQuery(name: string): Place {
  return { kind: 'parameter', in: 'query', name };
}

export function inHeader(name: string): Place {
  return { kind: 'parameter', in: 'header', name };
}

export function inFile(file: string, line?: number, column?: number): FilePlace {
  return { kind: 'file', file, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

export function atRrset(owner: string, type?: string, part?: TextPart): Place {
  return { kind: 'rrset', owner, ...(type === undefined ? {} : { type }), ...(part === undefined ? {} : { part }) };
}

export function atZone(zone: string): Place {
  return { kind: 'zone', zone };
}

export function atObject(name: string): Place {
  return { kind: 'object', name };
}

export function atFlag(name: string): Place {
  return { kind: 'setting', from: 'flag', name };
}

export function atVariable(name: string): Place {
  return { kind: 'setting', from: 'environment', name };
}

export function atAddress(address: string): Place {
  return { kind: 'address', address };
}

export function atPath(path: string, role: string): Place {
  return { kind: 'path', path, role };
}

/** A tag of a record: `p=`. */
export function atTag(name: string): Place {
  return { kind: 'text', part: { kind: 'tag', name } };
}

export function atLine(line: number): Place {
  return { kind: 'text', part: { kind: 'line', line } };
}

export function atColumn(column: number): Place {
  return { kind: 'text', part: { kind: 'column', column } };
}

export function atField(name: string): Place {
  return { kind: 'text', part: { kind: 'field', name } };
}

/** `inner`, found in a text that stands at `outer`. An inner place that is no part of a text only says: somewhere in it. */
export function within(outer: Place, inner: Place): Place {
  if (inner.kind !== 'text') return outer;
  if (outer.kind === 'whole') return inner;
  return outer.kind === 'rrset' || outer.kind === 'body' || outer.kind === 'file' ? { ...outer, part: inner.part } : outer;
}

/** The members that programs read a place by in JSON, beside its words. */
export function placeMembers(place: Place): { readonly pointer?: string; readonly parameter?: string } {
  if (place.kind === 'body' && place.pointer !== '') return { pointer: place.pointer };
  return place.kind === 'parameter' ? { parameter: place.name } : {};
}

/** As people read it; empty for the input as a whole. */
export function formatPlace(place: Place): string {
  switch (place.kind) {
    case 'whole':
      return '';
    case 'text':
      return formatPart(place.part);
    case 'body':
      return place.part === undefined ? place.pointer : `${place.pointer} (${formatPart(place.part)})`;
    case 'parameter':
      return place.in === 'query' ? `?${place.name}` : place.name;
    case 'file':
      return formatFile(place);
    case 'rrset':
      return formatRrset(place);
    case 'zone':
      return place.zone;
    case 'object':
      return place.name;
    case 'setting':
      return place.from === 'flag' ? `--${place.name}` : place.name;
    case 'address':
      return place.address;
    case 'path':
      return place.path;
  }
}

function formatFile({ file, line, column, part }: FilePlace): string {
  const position = [file, line, column].filter((each) => each !== undefined).join(':');
  return part === undefined ? position : `${position}: ${formatPart(part)}`;
}

function formatRrset({ owner, type, part }: Extract<Place, { readonly kind: 'rrset' }>): string {
  const rrset = type === undefined ? owner : `${owner} ${type}`;
  if (part === undefined) return rrset;
  return `${rrset}${part.kind === 'column' || part.kind === 'term' ? ',' : ''} ${formatPart(part)}`;
}

function formatPart(part: TextPart): string {
  switch (part.kind) {
    case 'tag':
      return `${part.name}=`;
    case 'line':
      return `line ${part.line}`;
    case 'column':
      return `column ${part.column}`;
    case 'field':
      return part.name;
    case 'term':
      return part.term;
  }
}
