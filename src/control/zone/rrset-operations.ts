/**
 * RRset operations (`set`, `delete`, `add`, `remove`) as the API's PATCH has them → the RRsets that change. Pure: reads a zone view,
 * writes nothing, reports every problem at once with the operation's JSON pointer.
 * Not here: what the whole zone must satisfy (change-rules.ts), signing (dnssec/plan.ts).
 */
import { TTL_SECONDS_MAX } from '#base/limits/dns.ts';
import { type BodyPlace, type Place, below, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, placeAt, problem, warning } from '#base/problem.ts';
import { type OwnerKey, type Name, equalNames, formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { formatRdata, isMetaType, isTextType, typeCode, typeName } from '#dns/registry.ts';
import { parseRequestName } from '#dns/request-name.ts';
import { RdataIndex, sortRdatas } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { foreignWordFix } from '#dns/zone-file-hints.ts';
import { type RrsetChange } from '#dnssec/plan.ts';
import { txtText } from '#mail/text/txt.ts';
import { type Manager, type ZoneView, isSignerType, rrsetOf } from '#zone/view.ts';
import { type RrsetOperation } from '#control/api/control.ts';
import { besideSpf, isSpf } from './managed-records.ts';

interface Working {
  readonly owner: Name;
  readonly type: RrType;
  readonly before: Manager | undefined;
  /** The SPF record of a mail policy: what else stands at its name may be changed, it may not. */
  readonly kept: RdataIndex;
  ttl: number | undefined;
  rdatas: RdataIndex;
}

/** The changes that result from `operations`, done in order; later operations see what earlier ones did. */
export function decideOperations(view: ZoneView, operations: readonly RrsetOperation[], signed: boolean): Result<readonly RrsetChange[]> {
  const problems: Problem[] = [];
  const working = new Map<string, Working>();
  for (const [index, operation] of operations.entries()) applyOperation(view, operation, inBody(`/${index}`), signed, working, problems);
  if (hasErrors(problems)) return fail(...problems);
  const changes = [...working.values()].map(({ owner, type, ttl, rdatas, kept, before }): RrsetChange => {
    const all = [...kept.rdatas(), ...rdatas.rdatas()];
    const manager = kept.size > 0 ? before! : 'manual';
    return { owner, type, rrset: all.length === 0 ? null : { ttl: ttl!, rdatas: sortRdatas(type, all), manager } };
  });
  return ok(changes, problems);
}

function applyOperation(
  view: ZoneView,
  operation: RrsetOperation,
  at: BodyPlace,
  signed: boolean,
  working: Map<string, Working>,
  problems: Problem[],
): void {
  const target = readTarget(view, operation, at, signed);
  if (!target.ok) {
    problems.push(...target.problems);
    return;
  }
  const { owner, type } = target.value;
  const state = workingRrset(view, ownerKey(owner), owner, type, working);
  const wrong = checkTtl(state, operation.ttl, below(at, 'ttl'));
  if (wrong !== undefined) {
    problems.push(wrong);
    return;
  }
  if (operation.op === 'delete') state.rdatas = new RdataIndex(type);
  else applyRecords(view, operation, state, at, problems);
}

/** The RRset that an operation is about, when it may be changed by hand. */
function readTarget(
  view: ZoneView,
  { name, type: typeText }: RrsetOperation,
  at: BodyPlace,
  signed: boolean,
): Result<{ readonly owner: Name; readonly type: RrType }> {
  const owner = parseRequestName(name, view.apex);
  if (!owner.ok) return fail(...placeAt(owner.problems, below(at, 'name')));
  const type = typeCode(typeText);
  if (type === undefined)
    return fail(
      problem('TYPE_UNKNOWN', below(at, 'type'), `${JSON.stringify(typeText)} is not a record type`, {
        fix: foreignWordFix(typeText) ?? 'write an unknown type as TYPE<number>',
        rfc: 'RFC 3597 §5',
      }),
    );
  const refusal = refuse(view, ownerKey(owner.value), owner.value, type, at, signed);
  return refusal === undefined ? ok({ owner: owner.value, type }) : fail(refusal);
}

/** What is wrong with the TTL of an operation on `state`, or undefined. */
function checkTtl({ owner, kept, ttl: now }: Working, ttl: number | undefined, at: BodyPlace): Problem | undefined {
  if (ttl === undefined) return undefined;
  if (kept.size > 0 && ttl !== now) {
    const why = `the TTL of ${formatName(owner)} TXT is that of its SPF record, ${now}, which the mail policy keeps`;
    return problem('RRSET_MANAGED', at, why, { fix: 'change ttl.spf of the mail policy' });
  }
  if (Number.isInteger(ttl) && ttl >= 0 && ttl <= TTL_SECONDS_MAX) return undefined;
  const why = `a TTL is a whole number of seconds from 0 to ${TTL_SECONDS_MAX}`;
  return problem('TTL_RANGE', at, why, { rfc: 'RFC 2181 §8' });
}

/** `set`, `add` and `remove`, with the records of the operation. */
function applyRecords(view: ZoneView, operation: RrsetOperation, state: Working, at: BodyPlace, problems: Problem[]): void {
  const { owner, type } = state;
  if (type === TYPE.ZONEMD && operation.op !== 'remove' && equalNames(owner, view.apex)) {
    const why = 'ZONEMD cannot be set: the digest would be of the zone before this change, and no reader would find it right';
    const fix = 'leave it out; what an old file brought may be deleted';
    problems.push(problem('RRSET_MANAGED', at, why, { rfc: 'RFC 8976 §3.3', fix }));
    return;
  }
  const records = operation.records ?? [];
  const atRecords = below(at, 'records');
  if (records.length === 0) {
    const fix = 'to delete an RRset use op "delete"';
    problems.push(problem('RECORDS_MISSING', atRecords, `${operation.op} needs at least one record`, { fix }));
    return;
  }
  const rdatas = readRecords(type, records, view.apex, atRecords, problems);
  if (rdatas.length < records.length) return;
  if (operation.op === 'remove') return removeRecords(state, rdatas, atRecords, problems);
  if (state.kept.size > 0 && rdatas.some((rdata) => isSpf(rdata) && !state.kept.has(rdata))) {
    problems.push(managed(`${formatName(owner)} TXT`, atRecords, 'mail'));
    return;
  }
  const ttl = operation.ttl ?? state.ttl;
  if (ttl === undefined || (operation.op === 'set' && operation.ttl === undefined && state.before === undefined)) {
    const what = `${formatName(owner)} ${typeName(type)}`;
    problems.push(problem('TTL_MISSING', below(at, 'ttl'), `the new RRset ${what} needs a TTL`));
    return;
  }
  state.ttl = ttl;
  if (operation.op === 'set') state.rdatas = new RdataIndex(type);
  for (const rdata of rdatas) if (!state.kept.has(rdata)) state.rdatas.add(rdata);
}

/** The records in wire form; those that are not good are left out, with their problems. */
function readRecords(type: RrType, records: readonly string[], apex: Name, at: BodyPlace, problems: Problem[]): readonly Uint8Array[] {
  return records.flatMap((record, index) => {
    const parsed = parseRecordData(type, record, apex);
    problems.push(...placeAt(parsed.ok ? parsed.warnings : parsed.problems, below(at, index)));
    return parsed.ok ? [parsed.value] : [];
  });
}

function removeRecords(state: Working, rdatas: readonly Uint8Array[], at: BodyPlace, problems: Problem[]): void {
  const { owner, type } = state;
  const what = `${formatName(owner)} ${typeName(type)}`;
  if (rdatas.some((rdata) => state.kept.has(rdata))) problems.push(managed(what, at, 'mail'));
  const texts = isTextType(type) ? new Map(state.rdatas.rdatas().map((rdata) => [txtText(rdata), rdata])) : undefined;
  for (const [index, rdata] of rdatas.entries()) {
    if (state.kept.has(rdata) || state.rdatas.has(rdata)) continue;
    const sameText = texts?.get(txtText(rdata));
    const fix = sameText === undefined ? {} : { fix: `the same text is there in other strings: ${formatRdata(type, sameText)}` };
    problems.push(warning('RECORD_NOT_FOUND', below(at, index), `${what} has no such record, and none was removed for it`, fix));
  }
  for (const rdata of rdatas) state.rdatas.remove(rdata);
}

/** Why this RRset may not be changed by hand, or undefined. */
function refuse(view: ZoneView, key: OwnerKey, owner: Name, type: RrType, at: BodyPlace, signed: boolean): Problem | undefined {
  const what = `${formatName(owner)} ${typeName(type)}`;
  if (!isAtOrBelow(key, view.apexKey))
    return problem('OUT_OF_ZONE', below(at, 'name'), `${formatName(owner)} is not in the zone ${formatName(view.apex)}`, {
      fix: 'a name with a last dot is absolute',
    });
  if (isMetaType(type))
    return problem('TYPE_META', below(at, 'type'), `${typeName(type)} only exists in queries and cannot be stored`, {
      rfc: 'RFC 6895 §3.1',
    });
  if (type === TYPE.MD || type === TYPE.MF)
    return problem('TYPE_OBSOLETE', below(at, 'type'), `${typeName(type)} is obsolete`, { rfc: 'RFC 1035 §3.3.4', fix: 'use MX' });
  const rrset = rrsetOf(view.node(key), type);
  const manager = rrset?.manager;
  // TXT beside SPF is not the policy's.
  if (rrset !== undefined && manager === 'mail' && type === TYPE.TXT && rrset.rdatas.some(isSpf)) return undefined;
  const isOfSigner = isSignerType(type, signed, key === view.apexKey);
  if (isOfSigner || (manager !== undefined && manager !== 'manual')) return managed(what, at, manager ?? 'dnssec');
  return undefined;
}

const MANAGED_FIX: Readonly<Record<Manager, string>> = {
  manual: '',
  dnssec: 'see: waxseal dnssec status',
  mail: 'change the policy that yields it',
  acme: 'it goes when the order of its certificate ends; see: waxseal cert list',
  delegation: 'see docs/dnssec.md; to keep DS records by hand: waxseal dnssec children set ZONE --off',
  catalog: 'change its members: waxseal catalog add, waxseal catalog remove',
  alias: 'change or delete the ALIAS of this name',
};

const MANAGED_BY: Readonly<Record<Manager, string>> = {
  manual: 'the operator',
  dnssec: 'the DNSSEC signer',
  mail: 'the mail policy',
  acme: 'the certificate client',
  delegation: 'the upkeep of delegations',
  catalog: 'the members of the catalog',
  alias: 'the ALIAS of this name',
};

/** Why an RRset of `manager` is not changed by another. */
export function managed(what: string, at: Place, manager: Manager): Problem {
  return problem(
    'RRSET_MANAGED',
    at,
    `${what} is managed by ${MANAGED_BY[manager]}: changing it by hand would be undone or would break validation`,
    {
      fix: MANAGED_FIX[manager],
    },
  );
}

function workingRrset(view: ZoneView, key: OwnerKey, owner: Name, type: RrType, working: Map<string, Working>): Working {
  const id = `${key}/${type}`;
  let state = working.get(id);
  if (state === undefined) {
    const node = view.node(key);
    const rrset = rrsetOf(node, type);
    const kept = new RdataIndex(type, rrset?.manager === 'mail' ? rrset.rdatas.filter(isSpf) : []);
    const rdatas = new RdataIndex(type, kept.size > 0 ? besideSpf(rrset!) : (rrset?.rdatas ?? []));
    state = { owner: node?.owner ?? owner, type, before: rrset?.manager, kept, ttl: rrset?.ttl, rdatas };
    working.set(id, state);
  }
  return state;
}
