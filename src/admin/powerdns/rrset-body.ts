/**
 * `rrsets` of a request as operations of `/v1`: REPLACE, DELETE, EXTEND and PRUNE, with the strictness of PowerDNS:
 * names in records end in a dot, texts are in quotes, nothing comes twice.
 * Not here: the rules of the zone, managers and scopes, which are those of every change (admin/http/change-route.ts).
 */
import { RRSET_OPERATIONS_MAX } from '#base/limits/admin.ts';
import { TTL_SECONDS_MAX } from '#base/limits/dns.ts';
import { type Problem, type Result, fail, ok } from '#base/problem.ts';
import { type Name, formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { formatRdata, isTextType, typeCode, typeName } from '#dns/registry.ts';
import { RdataIndex } from '#dns/rrset.ts';
import { endsInDot } from '#dns/request-name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import type { RrsetOperation } from '#control/api/control.ts';
import { parseAbsolute } from '#admin/http/names.ts';
import { type Fields, fieldsOf, listField, numberField, rejected, textField } from './fields.ts';

/** PowerDNS's word → ours. */
const OPS: Readonly<Record<string, RrsetOperation['op']>> = {
  REPLACE: 'set',
  DELETE: 'delete',
  EXTEND: 'add',
  PRUNE: 'remove',
};

export interface RrsetsBody {
  readonly operations: readonly RrsetOperation[];
  /** What was taken although PowerDNS rejects it. */
  readonly warnings: readonly string[];
}

export interface RrsetsContext {
  readonly apex: Name;
  /** The serial of the zone: a SOA keeps it, whatever the client writes. Undefined for a zone that is being made. */
  readonly serial: number | undefined;
  /** For an RRset without one; absent: it has to say it. */
  readonly changetype?: string;
}

/** The operations of `rrsets`, or everything that is wrong with it. */
export function readRrsets(rrsets: unknown, context: RrsetsContext): Result<RrsetsBody> {
  if (!Array.isArray(rrsets)) return fail(rejected('No rrsets given in update request'));
  if (rrsets.length > RRSET_OPERATIONS_MAX)
    return fail(rejected(`more than ${RRSET_OPERATIONS_MAX} RRsets in one request`, 'send several requests'));
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const seen = new Set<string>();
  const operations = rrsets.flatMap((each: unknown) => {
    const read = readRrset(fieldsOf(each), context, warnings);
    if (!read.ok) {
      problems.push(...read.problems);
      return [];
    }
    const { name, type, op } = read.value;
    const id = `${name.toLowerCase()} ${type}`;
    // EXTEND and PRUNE of one RRset go together: one challenge comes, another one goes.
    if (seen.has(`${id} whole`) || (seen.has(id) && (op === 'set' || op === 'delete')))
      problems.push(rejected(`Duplicate RRset ${name} IN ${type} with changetype: ${wordOf(op)}`));
    seen.add(op === 'set' || op === 'delete' ? `${id} whole` : id);
    return [read.value];
  });
  return problems.length > 0 ? fail(...problems) : ok({ operations, warnings });
}

function wordOf(op: RrsetOperation['op']): string {
  return Object.keys(OPS).find((word) => OPS[word] === op) ?? op;
}

function readRrset(fields: Fields, context: RrsetsContext, warnings: string[]): Result<RrsetOperation> {
  const changetype = fields['changetype'] === undefined ? ok(context.changetype) : textField(fields, 'changetype');
  if (!changetype.ok) return changetype;
  if (changetype.value === undefined) return fail(rejected("Key 'changetype' not present or not a String"));
  const given = textField(fields, 'name');
  if (!given.ok) return given;
  const typeText = textField(fields, 'type');
  if (!typeText.ok) return typeText;
  const owner = readOwner(given.value, typeText.value, context.apex, warnings);
  if (!owner.ok) return owner;
  const name = formatName(owner.value);
  const title = `RRset ${name} IN ${typeText.value.toUpperCase()}`;
  const type = typeCode(typeText.value);
  if (type === undefined) return fail(rejected(`${title}: unknown type given`));
  const op = OPS[changetype.value.toUpperCase()];
  if (op === undefined) return fail(rejected('Changetype not understood', 'REPLACE, DELETE, EXTEND or PRUNE'));
  const target = { name, type: typeName(type) };
  if (op === 'delete') return ok({ op, ...target });
  return readRecords(fields, { ...target, op, code: type, title, context });
}

/** Absolute: PowerDNS rejects a name without its last dot, and no client means another one. */
function readOwner(text: string, type: string, apex: Name, warnings: string[]): Result<Name> {
  const name = parseAbsolute(text);
  if (!name.ok) return fail(notValid(text, name.problems[0]!));
  const title = `RRset ${formatName(name.value)} IN ${type.toUpperCase()}`;
  if (!isAtOrBelow(ownerKey(name.value), ownerKey(apex)))
    return fail(rejected(`${title}: Name is out of zone`, `the zone is ${formatName(apex)}`));
  if (!endsInDot(text)) warnings.push(`${text} has no last dot and was taken as ${formatName(name.value)}`);
  return name;
}

function notValid(text: string, { message, fix }: Problem): Problem {
  return rejected(`DNS Name '${text}' is not valid: ${message}`, fix);
}

interface Target {
  readonly op: 'set' | 'add' | 'remove';
  readonly name: string;
  readonly type: string;
  readonly code: RrType;
  readonly title: string;
  readonly context: RrsetsContext;
}

function readRecords(fields: Fields, target: Target): Result<RrsetOperation> {
  const { op, name, type, title } = target;
  const comments = listField(fields, 'comments');
  if (!comments.ok) return comments;
  if (comments.value.length > 0) return fail(rejected('Hosting backend does not support editing comments.'));
  const { records: sent } = fields;
  if (!Array.isArray(sent)) return fail(rejected(`No change for ${title}`, 'send records, or changetype DELETE'));
  const list: readonly unknown[] = sent;
  // cert-manager's webhook and certbot delete an RRset in this way.
  if (list.length === 0 && op === 'set') return ok({ op: 'delete', name, type });
  const ttl = op === 'remove' ? ok(undefined) : numberField(fields, 'ttl');
  if (!ttl.ok) return ttl;
  if (ttl.value !== undefined && (ttl.value < 0 || ttl.value > TTL_SECONDS_MAX))
    return fail(rejected(`${title}: the TTL ${ttl.value} is not from 0 to ${TTL_SECONDS_MAX}`));
  const problems: Problem[] = [];
  const seen = new RdataIndex(target.code);
  const records = list.flatMap((each) => {
    const read = readRecord(fieldsOf(each), target);
    if (!read.ok) {
      problems.push(...read.problems);
      return [];
    }
    const text = formatRdata(target.code, read.value);
    if (!seen.add(read.value)) problems.push(rejected(`Duplicate record in ${title} with content "${text}"`));
    return [text];
  });
  if (problems.length > 0) return fail(...problems);
  return ok({ op, name, type, records, ...(ttl.value === undefined ? {} : { ttl: ttl.value }) });
}

function readRecord(fields: Fields, { name, type, code, context }: Target): Result<Uint8Array> {
  const content = textField(fields, 'content');
  if (!content.ok) return content;
  const title = `Record ${name}/${type} '${content.value}'`;
  const { disabled, 'set-ptr': setPtr } = fields;
  if (disabled === true) return fail(rejected(`${title}: there are no disabled records here`, 'leave it out'));
  if (setPtr === true) return fail(rejected(`${title}: set-ptr is not supported`, 'write the PTR record itself'));
  if (isTextType(code) && !/^\s*(?:"|\\#\s)/.test(content.value))
    return fail(rejected(`${title}: Not in expected format`, 'put the text in quotes'));
  const parsed = parseRecordData(code, content.value, context.apex, readAbsolute);
  if (!parsed.ok) return fail(...parsed.problems.map(({ message }) => rejected(`${title}: ${message}`)));
  const keepsSerial = code === TYPE.SOA && context.serial !== undefined;
  return keepsSerial ? ok(withSerial(parsed.value, context.serial)) : parsed;
}

/** A name in a record: PowerDNS rejects one without its last dot, because it could be meant in two ways. */
function readAbsolute(word: string): Result<Name> {
  const name = parseAbsolute(word);
  if (!name.ok || endsInDot(word)) return name;
  return fail(rejected(`Not in expected format (parsed as '${formatName(name.value)}')`, 'end the name with a dot'));
}

/** SOA data with another serial: five numbers at its end, the serial first. */
function withSerial(rdata: Uint8Array, serial: number): Uint8Array {
  const changed = Buffer.from(rdata);
  changed.writeUInt32BE(serial, changed.length - 20);
  return changed;
}
