/** What a command returns, from the result of its decision. */
import { CHANGESET_LINES_MAX } from '#base/limits/changes.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { type ChangesetText, type Outcome } from '#control/api/control.ts';
import { type Prepared } from '#control/commands/decision.ts';
import { type Done } from '#control/funnel/carry-out.ts';

/** `current`: the zone's record now; undefined when the zone is not there, or not yet. */
export function outcomeOf(
  zone: string,
  done: Done,
  current: ZoneRecord | undefined,
  { dryRun, warnings }: Pick<Outcome, 'dryRun' | 'warnings'>,
): Outcome {
  const { decision, parts, changed, generation } = done;
  const removed = decision.removed?.find(({ name }) => name === zone);
  const changing = parts.filter(({ isChanged }) => isChanged);
  const own = parts.find(({ record }) => record.name === zone);
  const others = changing.filter((each) => each !== own);
  const isRecordChange = removed !== undefined || changing.length > 0;
  const { serial, nodeCount } = own?.record ?? removed ?? current!;
  const revision = (isRecordChange ? generation : undefined) ?? current?.revision ?? 0;
  return {
    zone,
    serial,
    revision,
    ...(generation === undefined || generation === revision ? {} : { servedFrom: generation }),
    changed,
    created: own !== undefined && own.record.revision === 0,
    dryRun,
    changeset: own === undefined ? unchanged(serial, removed === undefined ? 0 : nodeCount) : textOf(own),
    ...(others.length === 0 ? {} : { elsewhere: others.map((each) => ({ zone: each.record.name, changeset: textOf(each) })) }),
    warnings,
    ...(decision.note === undefined ? {} : { mail: decision.note }),
    ...(decision.plan === undefined ? {} : { plan: decision.plan }),
    ...(decision.consequences === undefined ? {} : { consequences: decision.consequences }),
  };
}

function textOf({ plan, shown }: Prepared): ChangesetText {
  return shown ?? changesetLines(plan.changeset, CHANGESET_LINES_MAX);
}

function unchanged(serial: number, omitted: number): ChangesetText {
  return { fromSerial: serial, toSerial: serial, deleted: [], added: [], omitted };
}
