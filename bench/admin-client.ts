/** The admin API over the Unix socket in waxseal's data directory. */
import { Agent, request } from 'node:http';
import { join } from 'node:path';

const TIMEOUT_MS = 1_800_000;

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
    call.on('error', reject);
    call.end(body);
    return promise;
  }

  async isAlive(): Promise<boolean> {
    return this.call('GET', '/livez').then(
      () => true,
      () => false,
    );
  }

  close(): void {
    this.#agent.destroy();
  }
}
