/**
 * Debian's pebble as CA, whose resolver is a server under test; and before it a proxy that loses half of what is asked: connections before
 * pebble hears of it, answers afterwards, and faults in between.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, type Server, createServer, request } from 'node:https';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { quietPort } from '../running-server.ts';
import { type ThrowawayCa, throwawayCa } from '../throwaway-ca.ts';
import { toolPath } from '../tools.ts';

export interface PebbleOptions {
  /** `ADDR:PORT` of the DNS server that it validates with. */
  readonly dns: string;
  /** Share of requests that fail, 0 to 1, unless two of the same kind have just failed. */
  readonly failing: number;
  /** Percent of nonces that pebble rejects. */
  readonly rejectedNonces: number;
  /** Longest sleep before a validation, seconds. */
  readonly sleepSeconds: number;
}

interface Passed {
  readonly method: string;
  readonly path: string;
  /** The payload of a JWS; empty for POST-as-GET. */
  readonly payload: string;
  /** Path of what the answer says was made; of a new order that is the order's. */
  readonly made?: string;
}

export class Pebble {
  readonly passed: Passed[] = [];
  /** Requests that came, and those that were made to fail. */
  count = { asked: 0, failed: 0 };
  failing: number;
  /** Requests for these paths wait; `waiting` is how many do. */
  held: RegExp | undefined;
  waiting = 0;
  readonly #ca: ThrowawayCa;
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #management: number;
  readonly #proxy: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #inRow = new Map<string, number>();
  #log = '';

  static async start(options: PebbleOptions): Promise<Pebble> {
    const [port, management] = [await quietPort(), await quietPort()];
    const pebble = new Pebble(port, management, options);
    await new Promise<void>((resolve) => void pebble.#proxy.listen(0, '127.0.0.1', resolve));
    for (let tries = 0; ; tries++) {
      const isUp = await pebble.#forward('GET', '/dir', {}, Buffer.alloc(0)).then(
        ({ statusCode }) => statusCode === 200,
        () => false,
      );
      if (isUp) return pebble;
      if (tries > 300) throw new Error(`pebble does not answer\n${pebble.#log}`);
      await delay(100);
    }
  }

  private constructor(port: number, management: number, options: PebbleOptions) {
    this.#ca = throwawayCa();
    this.#port = port;
    this.#management = management;
    this.failing = options.failing;
    const pair = this.#ca.leaf(['localhost']);
    const { folder } = this.#ca;
    writeFileSync(join(folder, 'tls.pem'), pair.cert);
    writeFileSync(join(folder, 'tls.key'), pair.key);
    const pebble = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: join(folder, 'tls.pem'),
      privateKey: join(folder, 'tls.key'),
      httpPort: 5002,
      tlsPort: 5001,
    };
    writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble }));
    this.#child = spawn(toolPath('pebble'), ['-config', join(folder, 'pebble.json'), '-dnsserver', options.dns], {
      env: {
        PATH: process.env['PATH'],
        PEBBLE_WFE_NONCEREJECT: String(options.rejectedNonces),
        PEBBLE_VA_SLEEPTIME: String(options.sleepSeconds),
        PEBBLE_VA_ALWAYS_VALID: '0',
        PEBBLE_AUTHZREUSE: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#log = (this.#log + text).slice(-100_000)));
    this.#proxy = createServer({ cert: pair.cert, key: pair.key }, (asked, answer) => void this.#pass(asked, answer));
    this.#proxy.on('tlsClientError', () => undefined);
  }

  /** URL of the directory, behind the proxy. */
  get directory(): string {
    return `https://localhost:${(this.#proxy.address() as AddressInfo).port}/dir`;
  }

  /** PEM file of the root that the directory's own certificate is under. */
  get rootFile(): string {
    return join(this.#ca.folder, 'ca.pem');
  }

  /** PEM of the root that issued certificates are under: another in each life of pebble. Its management tells. */
  async issuingRoot(): Promise<string> {
    const told = await this.#forward('GET', '/roots/0', {}, Buffer.alloc(0), this.#management);
    return Buffer.concat(await told.toArray()).toString();
  }

  log(): string {
    return this.#log;
  }

  /** New orders that pebble has made, for the host: not those whose nonce it rejected. */
  ordersFor(host: string): number {
    const isOf = (payload: string) => payload.includes(`"identifiers"`) && payload.includes(`"${host}"`);
    return this.passed.filter(({ payload, made }) => made !== undefined && isOf(payload)).length;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    this.#agent.destroy();
    this.#proxy.closeAllConnections();
    await new Promise<void>((resolve) => void this.#proxy.close(() => resolve()));
    this.#ca.remove();
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    try {
      const body = Buffer.concat(await asked.toArray());
      const { method = 'GET', url = '/', headers } = asked;
      this.count.asked += 1;
      // Never more than twice in a row for one resource: the test has an end.
      const inRow = this.#inRow.get(url) ?? 0;
      const fails = inRow < 2 && randomInt(1000) < this.failing * 1000;
      this.#inRow.set(url, fails ? inRow + 1 : 0);
      const way = fails ? randomInt(3) : -1;
      if (fails) this.count.failed += 1;
      if (way === 0) return void asked.socket.destroy();
      if (way === 1) return void answer.writeHead(503).end();
      this.waiting += 1;
      while (this.held?.test(url) === true) await delay(20);
      this.waiting -= 1;
      const told = await this.#forward(method, url, headers, body);
      const text = body.length === 0 ? '' : (JSON.parse(body.toString()) as { payload: string }).payload;
      const { location } = told.headers;
      const made = location === undefined ? {} : { made: new URL(location).pathname };
      this.passed.push({ method, path: url, payload: Buffer.from(text, 'base64url').toString(), ...made });
      const octets = Buffer.concat(await told.toArray());
      // Pebble has done it, and nobody hears of it.
      if (way === 2) return void asked.socket.destroy();
      answer.writeHead(told.statusCode ?? 500, told.headers).end(octets);
    } catch {
      asked.socket.destroy();
    }
  }

  #forward(method: string, path: string, headers: IncomingMessage['headers'], body: Buffer, port = this.#port) {
    return new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, servername: 'localhost', ca: this.#ca.root, agent: this.#agent };
      const sent = request({ ...options, method, path, headers }, resolve);
      sent.once('error', reject);
      sent.end(body);
    });
  }
}
