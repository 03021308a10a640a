/**
 * The addresses of the policy host: each is opened as soon as it can be, and tried again while it cannot, because
 * nothing else of the server waits for it. They are bound exclusively: a second program cannot share them. What the
 * service manager has opened is taken as it is, and stays open when this process ends.
 * Not here: which addresses (config/https.ts), what becomes of an accepted socket (listener.ts).
 */
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type InheritedFds } from '#base/ipc/messages.ts';
import { HTTPS_BACKLOG, HTTPS_LISTEN_RETRY_MS_MAX, HTTPS_LISTEN_RETRY_MS_MIN } from '#base/limits/https.ts';

export interface AddressesOptions {
  readonly wanted: readonly IpPort[];
  /** Of these addresses sockets are open already. */
  readonly inherited?: InheritedFds | undefined;
  readonly accept: (socket: Socket) => void;
  /** An address was opened, or closed. */
  readonly changed: () => void;
  /** An address cannot be opened, or a connection to it cannot be accepted; told once for each reason. */
  readonly failed: (address: IpPort, error: Error) => void;
}

interface Opening {
  readonly address: IpPort;
  server: Server | undefined;
  timer: NodeJS.Timeout | undefined;
  lastFailure: string | undefined;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

export class Addresses {
  readonly #options: AddressesOptions;
  readonly #openings: readonly Opening[];
  #isClosed = false;

  constructor(options: AddressesOptions) {
    this.#options = options;
    this.#openings = options.wanted.map((address) => ({
      address,
      server: undefined,
      timer: undefined,
      lastFailure: undefined,
    }));
  }

  /** `ADDR:PORT` of those that are open. */
  get open(): readonly string[] {
    return this.#openings.flatMap(({ server, address }) =>
      server === undefined ? [] : [formatIpPort({ ...address, port: portOf(server) })],
    );
  }

  get areAllOpen(): boolean {
    return this.#openings.every(({ server }) => server !== undefined);
  }

  start(): void {
    for (const each of this.#openings) this.#try(each, HTTPS_LISTEN_RETRY_MS_MIN);
  }

  /** Accepts nothing more. Connections stay. */
  close(): void {
    this.#isClosed = true;
    for (const each of this.#openings) {
      clearTimeout(each.timer);
      each.server?.close();
      each.server = undefined;
    }
  }

  #try(opening: Opening, waitMs: number): void {
    const { accept, changed, failed } = this.#options;
    const { address } = opening;
    const server = createServer(accept);
    server.on('error', (error) => {
      if (this.#isClosed) return;
      if (error.message !== opening.lastFailure) failed(address, error);
      opening.lastFailure = error.message;
      // accept(2) failed, for want of descriptors or memory: the address is open as before.
      if (opening.server === server) return;
      opening.timer = setTimeout(() => this.#try(opening, Math.min(2 * waitMs, HTTPS_LISTEN_RETRY_MS_MAX)), waitMs);
    });
    const { ip: host, family, port } = address;
    const fd = this.#options.inherited?.[formatIpPort(address)]?.tcp;
    const own = { host, port, ipv6Only: family === 6, exclusive: true };
    server.listen({ ...(fd === undefined ? own : { fd }), backlog: HTTPS_BACKLOG }, () => {
      if (this.#isClosed) server.close();
      else {
        opening.server = server;
        opening.lastFailure = undefined;
        changed();
      }
    });
  }
}
