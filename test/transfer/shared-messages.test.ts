/** What is kept of transfers for other clients: found by its place, bounded, given back. */
import { expect, test } from 'vitest';
import { TRANSFER_MESSAGE_BYTES, TRANSFER_SHARED_MESSAGES_MAX } from '#base/limits/transfer.ts';
import { SharedMessages } from '#transfer/shared-messages.ts';

const octets = (of: number, length = 8) => new Uint8Array(length).fill(of);
const found = (shared: SharedMessages, place: string) => {
  const message = shared.find(place);
  return message === undefined ? undefined : [...message.octets.subarray(0, message.length)];
};

test('worth keeping from the second client of a version on', () => {
  const shared = new SharedMessages();
  shared.begin('1 5');
  expect(shared.isShared('1 5')).toBe(false);
  shared.begin('1 6');
  expect(shared.isShared('1 5')).toBe(false);
  shared.begin('1 5');
  expect([shared.isShared('1 5'), shared.isShared('1 6'), shared.isShared('1 7')]).toEqual([true, false, false]);
  shared.clear();
  expect(shared.isShared('1 5')).toBe(false);
});

test('a copy, with its records and where the next begins; kept again, the newer one', () => {
  const shared = new SharedMessages();
  const given = octets(1);
  shared.keep('a', given, 3, 'b');
  given.fill(9);
  expect(shared.find('a')).toMatchObject({ length: 8, records: 3, next: 'b' });
  expect(found(shared, 'a')).toEqual([...octets(1)]);
  shared.keep('a', octets(2, 4), 1, 'c');
  expect(shared.find('a')).toMatchObject({ length: 4, records: 1, next: 'c' });
  expect(found(shared, 'a')).toEqual([2, 2, 2, 2]);
  expect(shared.find('b')).toBeUndefined();
});

test('as many as the limit says: what was not used for the longest time makes space', () => {
  const shared = new SharedMessages();
  for (let at = 0; at < TRANSFER_SHARED_MESSAGES_MAX; at++) shared.keep(`m${at}`, octets(at % 251), 1, '');
  expect(found(shared, 'm0')).toEqual([...octets(0)]);
  shared.keep('new', octets(77, TRANSFER_MESSAGE_BYTES), 1, '');
  expect([shared.find('m1'), found(shared, 'm0')]).toEqual([undefined, [...octets(0)]]);
  expect(shared.find('new')!.octets.length).toBe(TRANSFER_MESSAGE_BYTES);
  // Each has octets of its own.
  for (let at = 2; at < TRANSFER_SHARED_MESSAGES_MAX; at += 97)
    expect(found(shared, `m${at}`)).toEqual([...octets(at % 251)]);
  shared.clear();
  expect(shared.find('new')).toBeUndefined();
});
