/**
 * What a primary sent becomes a part of a decision: a copy that is served as it is, or records that are signed here.
 * Implements: RFC 5936 §3 and RFC 1995 §4 (a zone, or its differences), RFC 8976 §4 (its digest), RFC 9276 §3.2 (a
 * limit of iterations), RFC 1982 §3.2 (a zone that is signed here has a serial of its own).
 * Not here: getting it (fetch-zone.ts), writing it (control/funnel/).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { NSEC3_ITERATIONS_MAX, ZONEMD_NODES_MAX } from '#base/limits/dnssec.ts';
import { formatPlace } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem } from '#base/problem.ts';
import { equalNames } from '#dns/name.ts';
import { nsec3Parameters } from '#dns/nsec3.ts';
import { typeName } from '#dns/registry.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { planEdits, planWhole } from '#dnssec/plan-received.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { serialOf, withSoaSerial } from '#zone/changeset.ts';
import { recordLimitAfter, startNodeCheck } from '#zone/check-state.ts';
import { checkApex, checkNode, checkView } from '#zone/check.ts';
import { overlayZone } from '#zone/overlay.ts';
import { receivedEdits } from '#zone/received-changes.ts';
import { type LeftOut, type ReceivedZone, receivedZone } from '#zone/received-zone.ts';
import { type ZoneView, isSignerType, rrsetOf } from '#zone/view.ts';
import { zoneRrsets } from '#zone/zone.ts';
import { zonemdVerdict } from '#zone/zonemd-verdict.ts';
import { type Received } from '#transfer/incoming-transfer.ts';
import { type StoredContent } from '#transfer/stored-messages.ts';
import { type ReceivedPart, type ZonePart } from '#control/commands/decision.ts';
import { bringRrsets } from '#control/zone/import.ts';

export interface TakeInOptions {
  readonly record: ZoneRecord;
  readonly view: ZoneView;
  readonly received: Exclude<Received, { kind: 'current' }> | StoredContent;
  /** The setting `limits.records_per_rrset`. */
  readonly recordsPerRrsetMax: number;
}

/** A part that can be written, or why the zone is not taken: words that follow the primary's address. */
export type TakenIn =
  | { readonly part: ZonePart; readonly notes: readonly string[] }
  /** `needsWhole`: differences that do not fit what is here. */
  | { readonly failure: string; readonly needsWhole?: true };

/** Reads `view`, which must not change until the part is written. */
export async function takeIn(options: TakeInOptions): Promise<TakenIn> {
  const { received, record } = options;
  if (received.kind === 'differences') return takeDifferences(options, received);
  const read = received.kind === 'read' ? received : receivedZone(options.view.apex, received.records);
  await turn();
  return record.secondary?.mode === 'sign' ? takeToSign(options, read.zone) : takeCopy(options, read);
}

/** Large zones take seconds: other work has its turn between the parts. */
async function takeCopy(options: TakeInOptions, { zone, leftOut }: ReceivedZone): Promise<TakenIn> {
  const { record, view, recordsPerRrsetMax, received } = options;
  const problems = [
    ...iterationProblems(zone),
    ...checkView(zone, { recordsPerRrset: recordLimitAfter(view, recordsPerRrsetMax) }),
  ];
  await turn();
  const failure = firstError(problems) ?? digestFailure(zone);
  if (failure !== undefined) return { failure };
  await turn();
  const dnssec = signedState(zone);
  // A large zone that was not here is never a plan as a whole.
  const isSliced = received.kind === 'read' && view.node(view.apexKey) === undefined;
  const what: ReceivedPart = isSliced ? { whole: zone, dnssec } : { plan: await planWhole(view, zone), dnssec };
  return {
    part: { record, view, changes: [], received: what },
    notes: leftOutNotes(leftOut),
  };
}

function takeDifferences(options: TakeInOptions, received: Extract<Received, { kind: 'differences' }>): TakenIn {
  const { record, view, recordsPerRrsetMax } = options;
  if (received.differences[0]?.fromSerial !== serialOf(view))
    return { failure: 'sends differences to another serial', needsWhole: true };
  const edits = receivedEdits(view, received.differences);
  if (typeof edits === 'string') return { failure: `sends differences that do not fit: ${edits}`, needsWhole: true };
  const after = overlayZone(view, edits.nodes, edits.hashed);
  const check = startNodeCheck(after, { recordsPerRrset: recordLimitAfter(view, recordsPerRrsetMax) });
  const problems = [...iterationProblems(after), ...checkApex(check)];
  for (const node of edits.nodes.values())
    if (node !== null && node.rrsets.length > 0) problems.push(...checkNode(check, node));
  const wrong = firstError(problems);
  if (wrong !== undefined) return { failure: wrong, needsWhole: true };
  if (serialOf(after) !== received.serial)
    return { failure: 'sends differences that end at another serial', needsWhole: true };
  // RFC 8976 §6: of a large zone a digest takes seconds for each change; it is checked when the zone comes whole.
  const digest = record.nodeCount <= ZONEMD_NODES_MAX ? digestFailure(after) : undefined;
  if (digest !== undefined) return { failure: digest, needsWhole: true };
  const plan = planEdits(view, edits.nodes, edits.hashed);
  return { part: { record, view, changes: [], received: { plan, dnssec: signedState(after) } }, notes: [] };
}

/** Its records are brought as a zone file's are, under a serial of our own. */
function takeToSign({ record, view, recordsPerRrsetMax }: TakeInOptions, zone: ZoneView): TakenIn {
  const signer = signerType(zone);
  if (signer !== undefined) {
    const fix = 'have the primary send it unsigned, or take it without --sign';
    return { failure: `sends a zone that is signed already (${typeName(signer)}): ${fix}` };
  }
  const problems = checkView(zone, { recordsPerRrset: recordLimitAfter(view, recordsPerRrsetMax) });
  const failure = firstError(problems) ?? digestFailure(zone);
  if (failure !== undefined) return { failure };
  const isThere = view.node(view.apexKey) !== undefined;
  const rrsets = [...zoneRrsets(zone)]
    // RFC 8976 §3: its digest is of the zone without our records.
    .filter(({ owner, type }) => type !== TYPE.ZONEMD || !equalNames(owner, zone.apex))
    .map((rrset) =>
      rrset.type === TYPE.SOA && isThere ? { ...rrset, rdatas: ownSerial(rrset.rdatas, serialOf(view)) } : rrset,
    );
  // Once it is here, whether it is signed is the operator's order.
  const isSigned = !isThere || record.dnssec === 'on';
  const { changes, warnings } = bringRrsets(view, rrsets, isSigned);
  const notes = warnings.map(({ at, message }) => `${formatPlace(at)}: ${message}`);
  return { part: { record, view, changes, isSigned, isFromPrimary: true }, notes };
}

/** With the serial that is served the SOA is no change by itself: the plan raises it when something changes. */
function ownSerial(rdatas: readonly Uint8Array[], serial: Serial): readonly Uint8Array[] {
  return rdatas.map((rdata) => withSoaSerial(rdata, serial));
}

/** The first type that only a signer makes. */
function signerType(zone: ZoneView): RrType | undefined {
  for (const { owner, type, signatures } of zoneRrsets(zone)) {
    if (signatures.length > 0) return TYPE.RRSIG;
    const isApex = equalNames(owner, zone.apex);
    if (isSignerType(type, isApex, isApex)) return type;
  }
  return undefined;
}

/** An answer has proofs when the SOA is signed and there is a chain (RFC 4035 §2). */
export function signedState(zone: ZoneView): 'on' | 'off' {
  const apex = zone.node(zone.apexKey);
  const isSigned = (rrsetOf(apex, TYPE.SOA)?.signatures.length ?? 0) > 0;
  const hasChain = [TYPE.NSEC, TYPE.NSEC3PARAM].some((type) => rrsetOf(apex, type) !== undefined);
  return isSigned && hasChain ? 'on' : 'off';
}

function iterationProblems(zone: ZoneView): readonly TextProblem[] {
  const parameters = rrsetOf(zone.node(zone.apexKey), TYPE.NSEC3PARAM)?.rdatas ?? [];
  const least = Math.min(...parameters.map((rdata) => nsec3Parameters(rdata).iterations));
  if (parameters.length === 0 || least <= NSEC3_ITERATIONS_MAX) return [];
  return [{ text: `NSEC3 has ${least} iterations, and ${NSEC3_ITERATIONS_MAX} are the most (RFC 9276 §3.2)` }];
}

interface TextProblem {
  readonly text: string;
}

/**
 * Faults of a zone's own name servers. Its operator mends them at the primary; BIND, Knot and NSD take such a zone as
 * secondaries, and one that does not take it is one name server less.
 */
const TAKEN_ALL_THE_SAME: readonly ProblemCode[] = ['TARGET_NO_ADDRESS', 'TARGET_ALIAS'];

/** Of a zone that would not be served here if it were kept here. */
function firstError(problems: readonly (Problem | TextProblem)[]): string | undefined {
  for (const each of problems) {
    if ('text' in each) return `sends a zone that cannot be served: ${each.text}`;
    if (each.severity !== 'warning' && !TAKEN_ALL_THE_SAME.includes(each.code))
      return `sends a zone that cannot be served: ${formatPlace(each.at)}: ${each.message}`;
  }
  return undefined;
}

function digestFailure(zone: ZoneView): string | undefined {
  return zonemdVerdict(zone) === 'bad' ? 'sends a zone that its ZONEMD is not of (RFC 8976 §4)' : undefined;
}

function leftOutNotes({ signatures, nsec3 }: LeftOut): readonly string[] {
  const notes: string[] = [];
  if (signatures > 0) notes.push(`${signatures} RRSIG records that cover nothing are left out`);
  if (nsec3 > 0) notes.push(`${nsec3} NSEC3 records of a chain that is not used are left out (RFC 5155 §7.3)`);
  return notes;
}
