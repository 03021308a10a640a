/** The state of the server as a whole, why it is not ready to serve, and why it takes no changes. Not here: its numbers (metrics.ts). */
import { type StoreWriter } from '#store/writer.ts';
import { type ControlStatus } from '#control/api/control.ts';
import { type SigningClock } from '#control/signing/signing-clock.ts';
import { type Publisher } from '#control/publish/publisher.ts';

export interface StatusInput {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly version: string;
  readonly adminListener: string;
  readonly socketPath: string;
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly clock?: Pick<SigningClock, 'problem'>;
  /** Absent: no policy host is configured. */
  readonly policyHost: ControlStatus['policyHost'] | undefined;
}

export function controlStatus(input: StatusInput): ControlStatus {
  const { writer, publisher, version, adminListener, socketPath, startedAtMs, nowMs, policyHost, clock } = input;
  const space = writer.space();
  const notReady: string[] = [];
  // DNS answers without it: who takes the server out of service for a full disk makes a small fault a large one.
  const noChanges = space.freeBytes < space.reserveBytes ? ['disk: too little free space for changes'] : [];
  const wrong = clock?.problem();
  if (wrong !== undefined) notReady.push(`clock: ${wrong.message}`);
  if (writer.broken !== undefined) notReady.push(`store: ${writer.broken.message}`);
  if (!publisher.isServed(writer.generation())) notReady.push('workers: none answers, or not yet from the newest data');
  // Threads for UDP and TCP open their sockets each in its own time.
  if (publisher.addresses.length === 0) notReady.push('listeners: not all are open yet');
  return {
    version,
    startedAtMs,
    nowMs,
    generation: writer.generation(),
    zoneCount: writer.zones().length,
    workers: publisher.workers,
    listeners: { dns: publisher.addresses, admin: adminListener, socket: socketPath },
    store: {
      path: writer.dir,
      sizeBytes: writer.sizeBytes(),
      freeBytes: space.freeBytes,
      kekFile: writer.kekFile() ?? '',
    },
    ...(policyHost === undefined ? {} : { policyHost }),
    notReady,
    noChanges,
  };
}
