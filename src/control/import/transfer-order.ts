/**
 * A large zone from a primary as work for the process of imports (ADR 0050).
 * Not here: how it came (control/secondary/), what the process decides (decide.ts).
 */
import { TRANSFER_IN_LARGE_BYTES_MIN } from '#base/limits/transfer.ts';
import { fail, ok } from '#base/problem.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { changedMeanwhile } from '#control/secondary/decisions.ts';
import { type TransferOrder } from '#control/secondary/take-apart.ts';
import { type ApartOrder } from './apart.ts';
import { type RequestFacts, clockProblem, transferBase } from './request.ts';

export function transferOrder(facts: RequestFacts, order: TransferOrder): ApartOrder {
  const { zone, record, turn, messages, recordsMax, from, signal } = order;
  const { file, bytes, asked, since } = messages;
  const { writer } = facts;
  /** It is signed here, and must be as it was: what came is for that zone. */
  const now = (): ZoneRecord | undefined => {
    const found = writer.zoneById(record.id);
    return found?.secondary?.mode === record.secondary?.mode ? found : undefined;
  };
  return {
    zone,
    turn,
    what: 'transfer',
    input: { file },
    lane: `primary ${from.ip}`,
    isLarge: bytes >= TRANSFER_IN_LARGE_BYTES_MIN,
    signal,
    early: () => Promise.resolve(now() === undefined ? fail(changedMeanwhile(record)) : ok(undefined)),
    // A copy has the signatures of another signer.
    clockProblem: () => clockProblem(facts, { zone, presigned: record.secondary?.mode !== 'sign' }),
    request: () => ({
      zone,
      turn,
      work: { kind: 'transfer', asked, since, recordsMax, from },
      inputBytes: bytes,
      parent: undefined,
    }),
    base: () => transferBase(facts, zone),
    decide: (settle) => () => (now() === undefined ? fail(changedMeanwhile(record)) : settle()),
  };
}
