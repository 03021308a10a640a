/** Answers that only who repeats the request can open. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openAnswer, sealAnswer } from '#admin/idempotency/sealed-answer.ts';

const ANSWER = { status: 201, headers: { etag: '"r1"' }, body: '{"token":"wax_secret"}' };
const LOCK = { secret: 'token\nkey', id: 'id' };
const sealed = () => sealAnswer(ANSWER, LOCK, randomBytes) ?? '';

test('opens under the same secret and id, and under no others', () => {
  expect(openAnswer(sealed(), LOCK)).toEqual(ANSWER);
  expect(openAnswer(sealed(), { ...LOCK, secret: 'token\nother' })).toBeUndefined();
  expect(openAnswer(sealed(), { ...LOCK, id: 'other' })).toBeUndefined();
  expect(Buffer.from(sealed(), 'base64').toString('latin1')).not.toContain('wax_');
});

test('what was changed or cut does not open', () => {
  const octets = Buffer.from(sealed(), 'base64');
  for (let at = 0; at < octets.length; at += 7) {
    const changed = Buffer.from(octets);
    changed[at]! ^= 1;
    expect(openAnswer(changed.toString('base64'), LOCK)).toBeUndefined();
  }
  for (const length of [0, 16, 43, octets.length - 1])
    expect(openAnswer(octets.subarray(0, length).toString('base64'), LOCK)).toBeUndefined();
});

test('an answer that is too large is not sealed', () => {
  expect(sealAnswer({ ...ANSWER, body: 'x'.repeat(300 * 1024) }, LOCK, randomBytes)).toBeUndefined();
  expect(sealAnswer({ ...ANSWER, body: randomBytes(32 * 1024).toString('hex') }, LOCK, randomBytes)).toBeUndefined();
});
