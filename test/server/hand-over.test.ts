import { describe, expect, test } from 'vitest';
import { HANDED_AT_ONCE_MAX, HANDED_WAITING_BYTES_MAX, HANDED_WAITING_MAX, HANDED_WAIT_MS } from '#base/limits/update.ts';
import { HandOver, type HandedOutcome } from '#server/hand-over.ts';

function room() {
  const posted: number[] = [];
  const done: string[] = [];
  let nowMs = 0;
  const handOver = new HandOver({ post: (id) => void posted.push(id), nowMs: () => nowMs });
  const pass = (client: string, bytes = 10, label = client): boolean =>
    handOver.pass({
      name: 'update',
      body: new Uint8Array(bytes),
      client,
      done: (outcome: HandedOutcome) => void done.push(`${label} ${'answer' in outcome ? 'answered' : outcome.why}`),
    });
  const settle = (id: number) => handOver.settle(id, { answer: Uint8Array.of(1) });
  return { posted, done, pass, settle, later: (ms: number) => (nowMs += ms) };
}

describe('messages for control', () => {
  test('few are there at a time, the others wait, and each has its answer once', () => {
    const { posted, done, pass, settle } = room();
    for (let each = 0; each < HANDED_AT_ONCE_MAX + 2; each++) expect(pass('a', 10, `m${each}`)).toBe(true);
    expect(posted).toHaveLength(HANDED_AT_ONCE_MAX);
    settle(0);
    settle(0);
    expect(posted).toHaveLength(HANDED_AT_ONCE_MAX + 1);
    for (let id = 1; id < HANDED_AT_ONCE_MAX + 2; id++) settle(id);
    expect(done).toEqual(Array.from({ length: HANDED_AT_ONCE_MAX + 2 }, (_, each) => `m${each} answered`));
  });

  test('a flood from one network leaves half of the places, and others do not wait behind it', () => {
    const { posted, done, pass, settle } = room();
    for (let each = 0; each < HANDED_AT_ONCE_MAX + HANDED_WAITING_MAX / 2; each++) expect(pass('flood')).toBe(true);
    expect(pass('flood')).toBe(false);
    expect(pass('honest')).toBe(true);
    for (let id = 0; id < HANDED_AT_ONCE_MAX + 4; id++) settle(id);
    expect(done).toContain('honest answered');
    expect(posted.length).toBeLessThan(3 * HANDED_AT_ONCE_MAX);
  });

  test('octets have a limit, and a share for each network', () => {
    const { pass } = room();
    for (let each = 0; each < HANDED_AT_ONCE_MAX; each++) pass('a');
    expect(pass('a', HANDED_WAITING_BYTES_MAX / 2)).toBe(true);
    expect(pass('a', 1)).toBe(false);
    expect(pass('b', HANDED_WAITING_BYTES_MAX / 2)).toBe(true);
    expect(pass('c', 1)).toBe(false);
  });

  test('what has waited too long is not passed on: its sender has sent it again, or given up', () => {
    const { posted, done, pass, settle, later } = room();
    for (let each = 0; each <= HANDED_AT_ONCE_MAX; each++) pass('a', 10, `m${each}`);
    later(HANDED_WAIT_MS + 1);
    settle(0);
    expect(done).toEqual(['m0 answered', `m${HANDED_AT_ONCE_MAX} expired`]);
    expect(posted).toHaveLength(HANDED_AT_ONCE_MAX);
  });
});
