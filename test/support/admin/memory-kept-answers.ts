/** The real KeptAnswers over documents in memory. */
import { KeptAnswers, type KeptAnswersOptions } from '#control/tokens/kept-answers.ts';
import { ok } from '#base/problem.ts';

export interface MemoryKeptAnswers {
  readonly answers: KeptAnswers;
  /** What the store would hold, by id. */
  readonly documents: Map<string, unknown>;
  /** The same store after a restart. */
  readonly restarted: () => KeptAnswers;
  nowMs: number;
}

export function memoryKeptAnswers(): MemoryKeptAnswers {
  const documents = new Map<string, unknown>();
  const change: KeptAnswersOptions['funnel']['change'] = async (_turn, decide) => {
    const decided = await decide();
    if (!decided.ok) return decided;
    for (const write of decided.value.documents ?? [])
      if ('value' in write && write.value === null) documents.delete(write.id);
      else if ('value' in write) documents.set(write.id, JSON.parse(JSON.stringify(write.value)));
    return ok({} as never);
  };
  const writer = {
    document: (_zone: number, _kind: string, id: string) => documents.get(id),
    documentIds: () => [...documents.keys()],
  } as unknown as KeptAnswersOptions['writer'];
  const clock: KeptAnswersOptions['clock'] = { nowMs: () => made.nowMs };
  const open = () => new KeptAnswers({ writer, funnel: { change }, clock });
  const made = { documents, restarted: open, nowMs: 1_767_225_600_000, answers: open() };
  return made;
}
