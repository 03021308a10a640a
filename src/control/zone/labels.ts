/** Decides about the labels of a zone: what clients of the PowerDNS-compatible API write on it and read back. */
import { type Result, ok } from '#base/problem.ts';
import { type ZoneLabels, labelsWrite, readLabels } from '#store/powerdns/labels.ts';
import { type StoreReader } from '#store/reader.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type ServedZone } from '#control/commands/table.ts';

type Command = CommandOf<'zone.labels'>;

/** Those that are given replace those that are there. */
export function setLabels({ record }: ServedZone, { labels }: Command, reader: StoreReader): Result<Decision> {
  const before = readLabels(reader, record.id);
  const after: ZoneLabels = { ...before, ...labels };
  const isSame = (['kind', 'account', 'soaEditApi'] as const).every((name) => before[name] === after[name]);
  if (isSame) return ok({ zone: record.name, isChanged: false });
  const detail = `labels of PowerDNS clients: ${JSON.stringify(after)}`;
  return ok({ zone: record.name, documents: [labelsWrite(record.id, after)], detail, isChanged: true });
}
