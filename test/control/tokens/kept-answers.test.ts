/** Which requests with a key are known, and for how long. */
import { expect, test } from 'vitest';
import { KEPT_ANSWERS_MAX, KEPT_ANSWERS_PER_SENDER_MAX, KEPT_ANSWER_MS } from '#base/limits/admin.ts';
import type { KeyedRequest } from '#control/api/kept-answers.ts';
import { memoryKeptAnswers } from '../../support/admin/memory-kept-answers.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const request = (id: string, sender = 'a', fingerprint = 'f'): KeyedRequest => ({
  id,
  fingerprint,
  actor: { kind: 'token', id: sender, from: '192.0.2.1' },
});

test('a first request, one under way, an answer, another request, and one that is forgotten', async () => {
  const { answers } = memoryKeptAnswers();
  const begin = async (...given: Parameters<typeof request>) => good(await answers.begin(request(...given)));
  expect(await begin('1')).toBeUndefined();
  expect(await begin('1')).toEqual({ kind: 'under-way' });
  expect(await begin('1', 'a', 'other')).toEqual({ kind: 'other' });
  await answers.finish(request('1'), 'sealed');
  expect(await begin('1')).toEqual({ kind: 'answered', sealed: 'sealed' });
  expect(await begin('2')).toBeUndefined();
  await answers.forget(request('2'));
  expect(await begin('2')).toBeUndefined();
  answers.abandon(request('2'));
  expect(await begin('2')).toEqual({ kind: 'unknown' });
});

test('a day long, also when the clock was set back', async () => {
  const memory = memoryKeptAnswers();
  good(await memory.answers.begin(request('1')));
  await memory.answers.finish(request('1'), 'sealed');
  memory.nowMs += KEPT_ANSWER_MS - 1;
  expect(good(await memory.answers.begin(request('1')))).toMatchObject({ kind: 'answered' });
  memory.nowMs += 1;
  expect(good(await memory.answers.begin(request('1')))).toBeUndefined();
});

test('when all places are taken, the sender with most loses its oldest; what is under way stays', { timeout: 60_000 }, async () => {
  const { answers, documents, restarted } = memoryKeptAnswers();
  good(await answers.begin(request('under way', 'greedy')));
  for (let n = 1; n < KEPT_ANSWERS_PER_SENDER_MAX; n++) {
    good(await answers.begin(request(`greedy ${n}`, 'greedy')));
    await answers.finish(request(`greedy ${n}`, 'greedy'), undefined);
  }
  for (let n = documents.size; n < KEPT_ANSWERS_MAX; n++)
    documents.set(`one ${n}`, { ...Object(documents.get('greedy 1')), sender: `one ${n}` });
  const full = restarted();
  good(await full.begin(request('new', 'modest')));
  expect(documents.size).toBe(KEPT_ANSWERS_MAX);
  expect([documents.has('one 4000'), documents.has('new')]).toEqual([true, true]);
});

test('over a real store: written before the change, without an audit entry, and there after a restart', async () => {
  const { control, writer } = temporaryControl();
  const before = control.audit.entries(10).length;
  good(await control.keptAnswers.begin(request('1')));
  await control.keptAnswers.finish(request('1'), 'sealed');
  expect(control.audit.entries(10)).toHaveLength(before);
  // As a process that has just started reads it: nothing of it is in memory.
  expect(writer.document(0, 'kept-answer', '1')).toMatchObject({ isAnswered: true, sealed: 'sealed' });
  expect(good(await control.keptAnswers.begin(request('1')))).toEqual({ kind: 'answered', sealed: 'sealed' });
});
