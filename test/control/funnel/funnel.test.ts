/** The one door: what waits, who may wait, and what a failing store comes to, for every kind of job alike. */
import { describe, expect, test } from 'vitest';
import {
  CHANGES_WAITING_MAX,
  CHANGES_WAITING_PER_TOKEN_MAX,
  CHANGES_WAITING_SOCKET,
  CHANGES_WAITING_UPKEEP_MAX,
} from '#base/limits/changes.ts';
import { WHOLE } from '#base/place.ts';
import { ok } from '#base/problem.ts';
import { type Turn } from '#control/commands/decision.ts';
import { Funnel } from '#control/funnel/funnel.ts';
import { Publisher } from '#control/publish/publisher.ts';
import { ZonePreparer } from '#control/signing/prepare.ts';
import { StoreFailure } from '#store/failure.ts';
import { bad, good } from '../../support/temporary-control.ts';
import { TEST_NOW_MS, countedRandom, temporaryStore } from '../../support/temporary-store.ts';

const SYSTEM: Turn = { actor: { kind: 'system', id: 'test', from: '' }, action: 'test' };
const token = (id: string): Turn => ({ actor: { kind: 'token', id, from: '192.0.2.1' }, action: 'test' });
const SOCKET: Turn = { actor: { kind: 'socket', id: 'admin', from: 'unix' }, action: 'test' };
const NOTE = () => ok({ detail: 'a note', isChanged: true });

function bench() {
  const { writer } = temporaryStore();
  const clock = { nowMs: () => TEST_NOW_MS };
  const fatal: StoreFailure[] = [];
  const preparer = new ZonePreparer({ writer, clock, random: countedRandom() });
  const publisher = new Publisher(() => undefined);
  const funnel = new Funnel({ writer, publisher, clock, preparer, onFatal: (failure) => fatal.push(failure) });
  return { writer, funnel, fatal, actions: () => writer.audit(100).map(({ detail }) => detail) };
}

/** Takes the turn until `release`. */
function blocked(funnel: Funnel) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = funnel.change(SOCKET, async () => {
    await promise;
    return ok({ isChanged: false });
  });
  return { first, release: resolve };
}

describe('what is written', () => {
  test('a decision with a detail has its entry in the audit log; one that changes nothing is not written', async () => {
    const { funnel, writer, actions } = bench();
    const done = good(await funnel.change(SYSTEM, NOTE));
    expect(done).toMatchObject({ changed: true, generation: 1 });
    expect(actions()).toEqual(['a note']);
    expect(good(await funnel.change(SYSTEM, () => ok({ detail: 'nothing', isChanged: false })))).toMatchObject({ changed: false });
    expect(writer.generation()).toBe(1);
  });

  test('a dry run decides and writes nothing; `afterCommit` is not called', async () => {
    const { funnel, writer } = bench();
    const after = () => expect.unreachable('nothing was committed');
    const done = good(await funnel.change({ ...SYSTEM, dryRun: true }, () => ok({ isChanged: true, afterCommit: after })));
    expect(done).toMatchObject({ changed: true });
    expect(done.generation).toBeUndefined();
    expect(writer.generation()).toBe(0);
  });

  test('`afterCommit` is called before the next job decides', async () => {
    const { funnel } = bench();
    const log: string[] = [];
    const one = funnel.change(token('a'), () => ok({ isChanged: true, afterCommit: () => log.push('after') }));
    const two = funnel.change(token('b'), () => {
      log.push('next');
      return ok({ isChanged: false });
    });
    await Promise.all([one, two]);
    expect(log).toEqual(['after', 'next']);
  });

  test('a look before the turn does not hold up others, and its problem ends the job', async () => {
    const { funnel, actions } = bench();
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = funnel.changeAfter(token('a'), async () => {
      await promise;
      return ok(() => ok({ detail: 'slow', isChanged: true }));
    });
    good(await funnel.change(token('b'), () => ok({ detail: 'fast', isChanged: true })));
    resolve();
    good(await slow);
    // Newest first.
    expect(actions()).toEqual(['slow', 'fast']);
  });
});

describe('who may wait', () => {
  test('a token has a share; others go on, and the share is free again when its jobs end', async () => {
    const { funnel } = bench();
    const { first, release } = blocked(funnel);
    const jobs = Array.from({ length: CHANGES_WAITING_PER_TOKEN_MAX }, () => funnel.change(token('greedy'), NOTE));
    const [problem] = bad(await funnel.change(token('greedy'), NOTE));
    expect(problem).toMatchObject({ code: 'OVERLOADED', message: expect.stringContaining('this token') });
    const other = funnel.change(token('modest'), NOTE);
    release();
    expect((await Promise.all([first, other, ...jobs])).every((each) => each.ok)).toBe(true);
    expect(funnel.waiting).toBe(0);
    good(await funnel.change(token('greedy'), NOTE));
  });

  test('the whole has a limit, the last part of it is for the socket, only upkeep waits beyond, and that has a limit too', async () => {
    const { funnel } = bench();
    const { first, release } = blocked(funnel);
    const fill = (count: number, turn: (index: number) => Turn) =>
      Array.from({ length: count }, (_, index) => funnel.change(turn(index), () => ok({ isChanged: false })));
    const jobs = fill(CHANGES_WAITING_MAX - CHANGES_WAITING_SOCKET - 1, (index) => token(`t${index % 10}`));
    expect(bad(await funnel.change(token('another'), NOTE))[0]?.code).toBe('OVERLOADED');
    jobs.push(...fill(CHANGES_WAITING_SOCKET, () => SOCKET));
    for (const turn of [SOCKET, token('another')]) expect(bad(await funnel.change(turn, NOTE))[0]?.code).toBe('OVERLOADED');
    jobs.push(...fill(CHANGES_WAITING_UPKEEP_MAX, () => SYSTEM));
    expect(bad(await funnel.change(SYSTEM, NOTE))[0]?.code).toBe('OVERLOADED');
    release();
    expect((await Promise.all([first, ...jobs])).every((each) => each.ok)).toBe(true);
    expect(funnel.waiting).toBe(0);
  });

  test('a job whose look or decision throws leaves its place', async () => {
    const { funnel } = bench();
    await expect(funnel.change(SYSTEM, () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
    await expect(funnel.changeAfter(SYSTEM, () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
    expect(funnel.waiting).toBe(0);
  });
});

describe('a store that fails', () => {
  test('full: a problem, and the process goes on', async () => {
    const { funnel, writer, fatal } = bench();
    writer.commitTogether = () => Promise.reject(new StoreFailure('STORE_FULL', WHOLE, 'no space'));
    expect(bad(await funnel.change(SYSTEM, NOTE))[0]?.code).toBe('STORE_FULL');
    expect(fatal).toEqual([]);
  });

  test('broken: a problem, and the process has to end', async () => {
    const { funnel, writer, fatal } = bench();
    writer.commitTogether = () => Promise.reject(new StoreFailure('STORE_BROKEN', WHOLE, 'a flush failed'));
    expect(bad(await funnel.change(SYSTEM, NOTE))[0]?.code).toBe('STORE_BROKEN');
    expect(fatal.map(({ code }) => code)).toEqual(['STORE_BROKEN']);
  });

  test('a read that finds damage is a problem too', async () => {
    const { funnel, fatal } = bench();
    const read = () => Promise.reject(new StoreFailure('STORE_DAMAGED', WHOLE, 'not its form'));
    expect(bad(await funnel.guard(read))[0]?.code).toBe('STORE_DAMAGED');
    expect(fatal).toEqual([]);
  });
});
