/**
 * NOTIFY messages that the answer process has taken: each type goes to the part of control that follows it.
 * Implements: RFC 1996 §4.3 (more than one message about the same has the effect of one: who takes them merges them).
 * Not here: which messages are taken (transfer/notify-receiver.ts).
 */
import { type Name, parseName } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';
import { readReceivedNotify } from '#transfer/notify-receiver.ts';

/** Takes note, and returns at once. */
export type NotifyFollower = (name: Name, from: string) => void;

const NOTHING = new Uint8Array(0);

/** The handler of these requests. Messages of a type without a follower have no effect. */
export function notifyIntake(
  followers: ReadonlyMap<RrType, NotifyFollower>,
): (body: Uint8Array) => Promise<Uint8Array> {
  return (body) => {
    const received = readReceivedNotify(body);
    const name = received === undefined ? undefined : parseName(received.name);
    if (received !== undefined && name?.ok === true) followers.get(received.type)?.(name.value, received.from);
    return Promise.resolve(NOTHING);
  };
}
