/**
 * The line to the service manager, where there is one and this machine's system calls are known.
 * Not here: what it hears (notifier.ts).
 */
import { type Role } from '#base/ipc/messages.ts';
import { sendDatagram } from './datagram.ts';
import { type ManagerSocket } from './environment.ts';
import { Notifier } from './notifier.ts';

export interface ManagerFacts {
  readonly isAlive: (role: Role) => boolean;
  readonly complain: (why: string) => void;
}

/** Started. Undefined: no service manager listens, or there is no way to it, and `complain` receives the reason. */
export async function openNotifier(
  socket: ManagerSocket | undefined,
  { isAlive, complain }: ManagerFacts,
): Promise<Notifier | undefined> {
  if (socket === undefined) return undefined;
  const { address, ...watchdog } = socket;
  try {
    // koffi is loaded only where it is needed.
    const kernel = (await import('#process/confine/kernel.ts')).loadKernel();
    const send = (text: string) => sendDatagram(kernel, address, text);
    const notifier = new Notifier({ send, ...watchdog, isAlive, complain });
    notifier.start();
    return notifier;
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
