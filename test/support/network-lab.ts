/**
 * Two network namespaces with a veth pair between them, made and removed by a test: the server's, which the test's own
 * thread enters, and the client's, which a thread of its own enters (namespace-worker.ts). Needs root.
 * Addresses are those of documentation; nothing of it can be seen from outside.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type IpPort, ipPort } from '#base/address.ts';
import { enterNamespace } from './enter-namespace.ts';
// Nothing of it is run here.
import type { NamespaceOrder, NamespaceReply } from './namespace-worker.ts';
import { toolPath } from './tools.ts';

export const SERVER_IP = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;
export const CLIENT_IP = { 4: '192.0.2.2', 6: '2001:db8::2' } as const;

export interface LabOptions {
  /** Receive queues of the server's end. */
  readonly queues?: number;
  /** Further words for `ip` in the server's namespace, once all is there. */
  readonly more?: readonly string[];
}

function ip(...words: readonly (string | number)[]): void {
  execFileSync(toolPath('ip'), words.map(String), { stdio: 'pipe' });
}

/** Both ends, with their addresses, up. */
function makeDevices(server: string, client: string, queues: number): void {
  const ends = ['numrxqueues', queues, 'numtxqueues', queues];
  ip('-n', server, 'link', 'add', 'srv0', ...ends, 'type', 'veth', 'peer', 'name', 'cli0', 'netns', client, ...ends);
  for (const [space, device, addresses] of [
    [server, 'srv0', SERVER_IP],
    [client, 'cli0', CLIENT_IP],
  ] as const) {
    ip('-n', space, 'addr', 'add', `${addresses[4]}/24`, 'dev', device);
    ip('-n', space, 'addr', 'add', `${addresses[6]}/64`, 'dev', device, 'nodad');
    ip('-n', space, 'link', 'set', device, 'up');
  }
}

let made = 0;

export class NetworkLab {
  /** Interface of the server. */
  readonly name = 'srv0';
  readonly #server: string;
  readonly #client: string;
  readonly #queues: number;
  readonly #worker: Worker;
  readonly #leave: () => void;
  readonly #waiting = new Map<number, (reply: NamespaceReply) => void>();
  #nextId = 0;

  private constructor(server: string, client: string, queues: number, worker: Worker, leave: () => void) {
    this.#queues = queues;
    this.#leave = leave;
    this.#server = server;
    this.#client = client;
    this.#worker = worker;
    worker.on('message', (reply: NamespaceReply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
  }

  /** Makes it, and goes into the server's namespace. */
  static async open({ queues = 1 }: LabOptions = {}): Promise<NetworkLab> {
    const [server, client] = ['s', 'c'].map((end) => `waxseal-${process.pid}-${made}${end}`) as [string, string];
    made += 1;
    if (process.getuid?.() !== 0) throw new Error('network namespaces and AF_XDP need root: run this test as root');
    const remove = () => {
      for (const space of [server, client]) spawnSync(toolPath('ip'), ['netns', 'del', space]);
    };
    // A test that fails before its end leaves nothing behind either.
    process.once('exit', remove);
    ip('netns', 'add', server);
    ip('netns', 'add', client);
    for (const space of [server, client]) ip('-n', space, 'link', 'set', 'lo', 'up');
    makeDevices(server, client, queues);
    const worker = new Worker(new URL('namespace-worker.ts', import.meta.url), { workerData: `/run/netns/${client}` });
    await once(worker, 'message').catch((error: unknown) => {
      remove();
      throw error;
    });
    const leave = enterNamespace(`/run/netns/${server}`);
    return new NetworkLab(server, client, queues, worker, () => {
      leave();
      process.off('exit', remove);
      remove();
    });
  }

  /** `ip WORDS` in the server's namespace. */
  ip(...words: readonly string[]): string {
    return execFileSync(toolPath('ip'), ['-n', this.#server, ...words], { encoding: 'utf8', stdio: 'pipe' });
  }

  /** The interface of the server goes, and with it the client's; what is done meanwhile; both come back as they were. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    this.ip('link', 'del', this.name);
    const done = await work();
    makeDevices(this.#server, this.#client, this.#queues);
    return done;
  }

  /** Many commands of `ip` in one go. */
  batch(commands: readonly string[]): void {
    execFileSync(toolPath('ip'), ['-n', this.#server, '-batch', '-'], { input: commands.join('\n'), stdio: 'pipe' });
  }

  clientIp(...words: readonly string[]): string {
    return execFileSync(toolPath('ip'), ['-n', this.#client, ...words], { encoding: 'utf8', stdio: 'pipe' });
  }

  /** A program in the client's namespace, to its end; all that it said. */
  async clientRun(program: string, words: readonly string[], timeoutMs = 20_000): Promise<string> {
    const all = ['netns', 'exec', this.#client, toolPath(program), ...words];
    const { stdout, stderr } = await promisify(execFile)(toolPath('ip'), all, { timeout: timeoutMs });
    return `${stdout}${stderr}`;
  }

  /** Hardware addresses of both ends, for packets that are made by hand. */
  hardwareAddresses(): { readonly sourceMac: readonly number[]; readonly destinationMac: readonly number[] } {
    const of = (text: string) =>
      /link\/ether (\S+)/
        .exec(text)![1]!
        .split(':')
        .map((octet) => Number.parseInt(octet, 16));
    return {
      sourceMac: of(this.clientIp('link', 'show', 'cli0')),
      destinationMac: of(this.ip('link', 'show', this.name)),
    };
  }

  /** Programs that are attached to the server's interface, as `ip link` names them. */
  programs(): readonly string[] {
    return [...this.ip('link', 'show').matchAll(/prog\/xdp id (\d+)/g)].map(([, id]) => id!);
  }

  /** From the client's namespace: replies by query, undefined for one without. Queries of one call share a socket. */
  async ask(order: Omit<NamespaceOrder, 'id'>): Promise<readonly (Buffer | undefined)[]> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<NamespaceReply>();
    this.#waiting.set(id, resolve);
    this.#worker.postMessage({ ...order, id } satisfies NamespaceOrder);
    const { replies } = await promise;
    return replies.map((each) => (each === undefined ? undefined : Buffer.from(each)));
  }

  async one(to: IpPort, query: Uint8Array, more: Partial<NamespaceOrder> = {}): Promise<Buffer | undefined> {
    return (await this.ask({ to, queries: [query], ...more }))[0];
  }

  at(family: 4 | 6, port: number): IpPort {
    return ipPort(SERVER_IP[family], port);
  }

  /** Goes back to the namespace of the process, and removes both. */
  async close(): Promise<void> {
    await this.#worker.terminate();
    this.#leave();
  }
}
