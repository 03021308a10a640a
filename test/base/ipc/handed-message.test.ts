import { describe, expect, test } from 'vitest';
import { readHandedMessage, writeHandedMessage } from '#base/ipc/handed-message.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';

const MESSAGE = Uint8Array.of(1, 2, 3);

describe('a message on its way to control', () => {
  test.each([
    ['192.0.2.7', [192, 0, 2, 7]],
    ['2001:db8::1', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ])('from %s comes out as it went in', (ip, octets) => {
    const client = newClientAddress();
    setClientAddress(client, ip);
    const read = readHandedMessage(writeHandedMessage('tcp', client, MESSAGE));
    expect(read).toEqual({ transport: 'tcp', address: Uint8Array.from(octets), message: MESSAGE });
  });

  test('without an address', () => {
    const read = readHandedMessage(writeHandedMessage('udp', undefined, MESSAGE));
    expect(read).toEqual({ transport: 'udp', address: new Uint8Array(0), message: MESSAGE });
  });

  test.each([
    [[]],
    [[0]],
    // No such transport.
    [[2, 0, 9]],
    // No such address.
    [[0, 5, 1, 2, 3, 4, 5]],
    // An address that is cut.
    [[0, 4, 1, 2, 3]],
  ])('%j is none: the answer process may have been taken over', (octets) => {
    expect(readHandedMessage(Uint8Array.from(octets))).toBeUndefined();
  });
});
