/**
 * The child's end of the channel to its supervisor: messages both ways, a heartbeat, and calls. The supervisor
 * passes on only what has a form of ours; the child looks once more, because what it does not understand must not reach
 * its parts.
 * Not here: the supervisor's end (process/children/child-channel.ts), what the messages mean (messages.ts).
 */
import { HEARTBEAT_MS } from '#base/limits/process.ts';
import { type IpcMessage } from './messages.ts';
import { type CallMessage, Calls, readCallMessage } from './calls.ts';
import { readIpcMessage } from './form.ts';

/** The child's end of the channel to its supervisor. */
export interface SupervisorChannel {
  /** Requests to another child, and handlers of its requests. */
  readonly calls: Calls;
  /** Never throws; a message to a supervisor that is gone is lost, and `lost` has been called or will be. */
  send(message: IpcMessage): void;
  /** Lets the process end: an open channel would keep it alive. */
  close(): void;
}

/**
 * Opens the channel of a forked process. `lost` is called once when the supervisor has gone away. In a process without
 * a supervisor the channel exists and carries nothing.
 */
export function openSupervisorChannel(own: NodeJS.Process, receive: (message: IpcMessage) => void, lost: () => void): SupervisorChannel {
  const send = (message: IpcMessage | CallMessage): void => {
    // An error here means that the channel is closing; `disconnect` follows.
    own.send?.(message, undefined, undefined, () => undefined);
  };
  const calls = new Calls(send);
  const heart = setInterval(() => send({ kind: 'alive' }), HEARTBEAT_MS);
  heart.unref();
  own.on('message', (value) => {
    const call = readCallMessage(value);
    const message = call === undefined ? readIpcMessage(value) : undefined;
    if (call !== undefined) calls.receive(call);
    if (message?.kind === 'gone') calls.peerGone(message.role);
    if (message !== undefined) receive(message);
  });
  own.once('disconnect', lost);
  return {
    calls,
    send,
    close() {
      clearInterval(heart);
      own.off('disconnect', lost);
      if (own.connected) own.disconnect?.();
    },
  };
}
