/**
 * The check of a delegation as it is asked for: a zone's once at a time, of all zones a few.
 * Not here: looking (look.ts), judging (judge.ts).
 */
import { DELEGATION_CHECKS_MAX } from '#base/limits/outside.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DelegationCheckApi, type DelegationReport } from '#control/api/delegation-check.ts';
import { ParentServers } from '#control/dnssec/parent.ts';
import { askDirectly, askTcp } from '#control/outside/direct-question.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { isReachable } from '#control/outside/probe-addresses.ts';
import { judgeDelegation } from './judge.ts';
import { type DelegationLook, lookAtDelegation } from './look.ts';

export interface DelegationChecksOptions {
  readonly writer: StoreReader;
  /** Our own names from the store, others outside. */
  readonly resolver: Resolver;
  readonly witnesses: Pick<OutsideWitnesses, 'isAllowed'>;
}

type Check = Promise<Result<DelegationReport>>;

export function delegationChecks({ writer, resolver, witnesses }: DelegationChecksOptions): DelegationCheckApi {
  const running = new Map<string, Check>();
  const parents = new ParentServers(resolver);
  const look: DelegationLook = {
    resolver,
    askUdp: askDirectly,
    askTcp,
    parents: async (zone) => (await parents.locate(zone)).places,
    mayAsk: witnesses.isAllowed ?? isReachable,
  };
  const run = async (record: ZoneRecord): Check => {
    const isSigned = record.dnssec === 'on';
    const asked = { zone: nameOf(record.name), view: writer.view(record), isSigned };
    const facts = await lookAtDelegation(asked, look);
    const findings = judgeDelegation(facts);
    return ok({ ...facts, findings, isAcceptable: findings.every(({ severity }) => severity !== 'error') });
  };
  return {
    check(record) {
      const before = running.get(record.name);
      if (before !== undefined) return before;
      if (running.size >= DELEGATION_CHECKS_MAX) return Promise.resolve(fail(BUSY));
      const check = run(record).finally(() => running.delete(record.name));
      running.set(record.name, check);
      return check;
    },
  };
}

const BUSY_TEXT = `${DELEGATION_CHECKS_MAX} delegations are being checked now; nothing was asked`;
const BUSY = problem('DELEGATION_BUSY', WHOLE, BUSY_TEXT, {
  fix: 'ask again in ten seconds',
});
