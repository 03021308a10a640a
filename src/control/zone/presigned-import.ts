/**
 * An import of a zone that another signer has signed, as a decision.
 * Not here: what of such a file is served (presigned.ts), other imports (import.ts).
 */
import { type Clock } from '#base/clock.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { TYPE } from '#dns/types.ts';
import { type DecisionStore } from '#control/commands/decision-store.ts';
import { type Manager, type ZoneView } from '#zone/view.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type ZoneContext } from '#control/commands/table.ts';
import { settleNeighbours } from './neighbours.ts';
import { presignedPart } from './presigned.ts';

/** A zone that another signer has signed, whole. */
export async function importPresigned(
  command: CommandOf<'zone.import'>,
  { served, emptyView, mayChange }: ZoneContext,
  { writer, clock }: { readonly writer: DecisionStore; readonly clock: Clock },
): Promise<Result<Decision>> {
  const view = served?.view ?? emptyView;
  const kept = foreignManaged(view);
  if (kept !== undefined) return fail(keptFromPresigned(kept));
  const imported = await presignedPart(command, served?.record, view, clock);
  if (!imported.ok) return imported;
  const { nodes } = imported.value.plan;
  const apex = nodes.get(view.apexKey)?.node;
  const changes = (apex?.rrsets ?? []).map((rrset) => ({ owner: view.apex, type: rrset.type, rrset }));
  const care = { care: command.parent ?? 'check', mayChange } as const;
  const created = { apex: view.apex, changes, isSigned: true, keys: [] };
  const neighbours = served === undefined ? settleNeighbours(writer, created, care) : ok([]);
  if (!neighbours.ok) return fail(...neighbours.problems);
  return ok({
    zone: formatName(view.apex),
    parts: [{ record: served?.record, view, changes: [], presigned: imported.value }, ...neighbours.value],
    detail: `pre-signed zone file ${command.file}`,
    warnings: [...imported.warnings, ...neighbours.warnings],
    isChanged: served === undefined,
  });
}

const KEPT_BY_OTHERS: readonly Manager[] = ['mail', 'acme', 'delegation', 'alias'];

/** The first name with records that a mail policy, an order of a certificate or a delegation keeps. */
function foreignManaged(view: ZoneView): Name | undefined {
  for (const { owner, rrsets } of view.ascend(view.apexKey))
    if (rrsets.some(({ manager }) => KEPT_BY_OTHERS.includes(manager))) return owner;
  return undefined;
}

function keptFromPresigned(owner: Name): Problem {
  return problem(
    'RRSET_MANAGED',
    placeOfRrset(owner, TYPE.TXT),
    'a mail policy or a CA keeps records of this zone, and a pre-signed zone takes none',
    {
      fix: 'remove the mail policy first: waxseal mail remove',
    },
  );
}
