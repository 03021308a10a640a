/** The admin API over the Unix socket in waxseal's data directory. */
import { createWriteStream } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

const TIMEOUT_MS = 1_800_000;
const READY_TRIES = 1200;
const READY_EVERY_MS = 50;

export class AdminClient {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  constructor(data: string) {
    this.#socketPath = join(data, 'admin.sock');
  }

  /** The body of the answer. Rejects unless it is a 2xx. */
  call(method: string, path: string, body?: string, type = 'application/json'): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const headers = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const call = request({ socketPath: this.#socketPath, agent: this.#agent, method, path, headers, timeout: TIMEOUT_MS }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const said = Buffer.concat(parts).toString('latin1');
        if (answer.statusCode !== undefined && answer.statusCode < 300) resolve(said);
        else reject(new Error(`${method} ${path}: ${answer.statusCode} ${said.slice(0, 500)}`));
      });
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      // The server has closed it meanwhile: while a load ran, nothing was read here.
      const isStale = call.reusedSocket && error.code === 'ECONNRESET';
      if (isStale) resolve(this.call(method, path, body, type));
      else reject(error);
    });
    call.end(body);
    return promise;
  }

  /** Puts the body of the answer to a GET into a file: a large signed zone is longer than a string may be. */
  async download(path: string, file: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request({ socketPath: this.#socketPath, agent: this.#agent, path, timeout: TIMEOUT_MS }, resolve).on('error', reject).end();
    const answer = await promise;
    if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode}`);
    await pipeline(answer, createWriteStream(file));
  }

  /** Waits for the control process. Rejects when it does not come. */
  async ready(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const isThere = await this.call('GET', '/livez').then(
        () => true,
        () => false,
      );
      if (isThere) return;
      if (tries > READY_TRIES) throw new Error('the control process does not answer');
      await delay(READY_EVERY_MS);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}
