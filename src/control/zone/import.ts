/**
 * A zone file → the RRsets that change: what the file has is set, what it no longer has is deleted. Records of other managers stay, and
 * what the file says of them is reported and not done.
 * Not here: reading and checking the file (zone/assemble.ts), what changes between old and new nodes (dnssec/plan.ts).
 */
import { type Problem, type Result, fail, hasErrors, ok, warning } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { type Name, type OwnerKey, formatName, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type Rrset, sortRdatas, isSameSet } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type ZoneFileOptions } from '#dns/zone-file.ts';
import { type RrsetChange } from '#dnssec/plan.ts';
import { mailRecordWarnings } from '#mail/record-warnings.ts';
import { type PlacedRrset, readZone } from '#zone/assemble.ts';
import { recordLimitAfter } from '#zone/check-state.ts';
import { type ZoneView, isSignerType, rrsetOf } from '#zone/view.ts';
import { type ChangeRules } from './change-rules.ts';
import { FileChanges } from './file-changes.ts';
import { isSpf } from './managed-records.ts';
import { serialWarnings } from './serial-warnings.ts';

/** A zone file, read. */
export interface ZoneSource {
  readonly text: string;
  readonly file: string;
  readonly include?: ZoneFileOptions['include'];
  readonly bounds?: Pick<ZoneFileOptions, 'recordsMax' | 'generatedMax'>;
}

/** The changes that make the manual records of `view` those of the file, with the file's warnings; or everything wrong with it. */
export function importChanges(view: ZoneView, source: ZoneSource, rules: ChangeRules): Result<Iterable<RrsetChange>> {
  const { read, problems: warnings } = readFile(view, source, rules);
  // Its warnings too: who mends an error learns at once what else the file is wrong in.
  if (hasErrors(warnings)) return fail(...warnings);
  if (isNew(view)) return ok(new FileChanges(read), warnings);
  const brought = bringRrsets(view, read.rrsets, rules.signed);
  warnings.push(...brought.warnings, ...serialWarnings(view, brought.changes));
  return ok(brought.changes, warnings);
}

/** A zone that is not there yet: all of the file comes, and nothing is kept by others. */
function isNew(view: ZoneView): boolean {
  return view.node(view.apexKey) === undefined;
}

/** What is set and what goes, and what is left out because another keeps it. */
export interface BroughtRrsets {
  readonly changes: readonly RrsetChange[];
  readonly warnings: readonly Problem[];
}

/**
 * The changes that make the manual records of `view` these. Where a mail policy keeps an RRset, its records stay; of
 * the apex' TXT, all but SPF is brought.
 */
export function bringRrsets(view: ZoneView, rrsets: Iterable<Rrset>, signed: boolean): BroughtRrsets {
  const warnings: Problem[] = [];
  const changes: RrsetChange[] = [];
  const listed = new Map<OwnerKey, Set<RrType>>();
  for (const { owner, type, ttl, rdatas } of rrsets) {
    const key = ownerKey(owner);
    const types = listed.get(key);
    if (types === undefined) listed.set(key, new Set([type]));
    else types.add(type);
    const now = rrsetOf(view.node(key), type);
    // A challenge of an order under way: it goes with the order.
    if (now?.manager === 'acme') continue;
    if (now?.manager === 'delegation') {
      if (!isSameSet(now.rdatas, rdatas)) warnings.push(keptDelegation(owner, type));
      continue;
    }
    if (now?.manager === 'mail') {
      const beside = type === TYPE.TXT ? now.rdatas.filter(isSpf) : [];
      const others = beside.length === 0 ? [] : rdatas.filter((rdata) => !isSpf(rdata));
      if (beside.length > 0) changes.push({ owner, type, rrset: { ...now, rdatas: sortRdatas(type, [...beside, ...others]) } });
      const said = rdatas.filter((rdata) => beside.length === 0 || isSpf(rdata));
      const kept = beside.length === 0 ? now.rdatas : beside;
      if (said.length > 0 && !isSameSet(kept, said)) warnings.push(keptWarning(owner, type));
      continue;
    }
    changes.push({ owner, type, rrset: { ttl, rdatas, manager: 'manual' } });
  }
  const isOfSigner = (key: OwnerKey, type: RrType): boolean => isSignerType(type, signed, key === view.apexKey);
  for (const node of view.ascend(view.apexKey))
    for (const { type, manager } of node.rrsets)
      if (manager === 'manual' && !isOfSigner(node.key, type) && listed.get(node.key)?.has(type) !== true)
        changes.push({ owner: node.owner, type, rrset: null });
  changes.push(...withoutTextsBesideSpf(view, listed));
  return { changes, warnings };
}

/** What the file says, with every problem of it. The zone that it makes may be large, and is not kept. */
function readFile(view: ZoneView, source: ZoneSource, { signed, recordsPerRrsetMax }: ChangeRules) {
  const { text, file, include, bounds } = source;
  const recordsPerRrset = recordLimitAfter(view, recordsPerRrsetMax);
  const included = include === undefined ? {} : { include };
  const read = readZone(text, { file, origin: view.apex, signed, recordsPerRrset, ...included, ...bounds });
  const brought = isNew(view) ? read.rrsets : [...read.rrsets].filter((placed) => isBrought(view, placed));
  const zone = read.isWhole ? { view: read.view, isSigned: signed } : undefined;
  const problems: Problem[] = [...read.problems, ...mailRecordWarnings(brought, zone)];
  return { read, problems };
}

/** TXT beside the SPF record of a mail policy is the file's: what it no longer has goes. */
function withoutTextsBesideSpf(view: ZoneView, listed: ReadonlyMap<OwnerKey, ReadonlySet<RrType>>): RrsetChange[] {
  const node = view.node(view.apexKey);
  const now = rrsetOf(node, TYPE.TXT);
  const spf = now?.rdatas.filter(isSpf) ?? [];
  if (node === undefined || now?.manager !== 'mail' || spf.length === now.rdatas.length || spf.length === 0) return [];
  return listed.get(view.apexKey)?.has(TYPE.TXT) === true ? [] : [{ owner: node.owner, type: TYPE.TXT, rrset: { ...now, rdatas: spf } }];
}

/** True for records that would be new; those of the mail policy stay as they are. */
function isBrought(view: ZoneView, { owner, type, rdatas }: PlacedRrset): boolean {
  const now = rrsetOf(view.node(ownerKey(owner)), type);
  return now === undefined || (now.manager !== 'mail' && !isSameSet(now.rdatas, rdatas));
}

function keptDelegation(owner: Name, type: RrType): Problem {
  const what = `${formatName(owner)} ${typeName(type)}`;
  const why = `${what} of the file is left out: it follows what a child asks for by CDS`;
  return warning('RRSET_MANAGED', placeOfRrset(owner, type), why, {
    fix: 'to keep DS records by hand: waxseal dnssec children set ZONE --off',
  });
}

function keptWarning(owner: Name, type: RrType): Problem {
  const what = `${formatName(owner)} ${typeName(type)}`;
  const why = `${what} is left out: the mail policy keeps other records there`;
  return warning('RRSET_MANAGED', placeOfRrset(owner, type), why, {
    fix: 'change the mail policy, or take the records out where they come from',
  });
}
