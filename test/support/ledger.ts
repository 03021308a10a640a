/**
 * A client that writes down what the server has acknowledged, and afterwards asks whether it is all there.
 * Each name has the value of its last acknowledged write; of a write whose answer never came, the old and the new value are both right, and
 * the new one may be served late: nobody was left to announce it.
 */
import { exchangeTcp } from './exchange.ts';
import { type RunningServer } from './running-server.ts';
import { buildQuery, parseMessage } from './wire.ts';

interface Entry {
  /** Values that the name may have now; `undefined` is no record. More than one while a write is in doubt. */
  possible: (string | undefined)[];
}

export class Ledger {
  readonly #server: RunningServer;
  readonly #zone: string;
  readonly #entries = new Map<string, Entry>();
  #next = 0;
  acknowledged = 0;
  /** Highest serial that an acknowledgement named. */
  serial = 0;

  constructor(server: RunningServer, zone: string) {
    this.#server = server;
    this.#zone = zone;
  }

  /** Writes one after the other until `isOver`; what fails because the server is gone is tried again with another name. */
  async write(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const turn = this.#next++;
      // Every fourth write deletes or replaces what is there.
      const name = turn % 4 === 3 ? `n${Math.floor(turn / 2)}` : `n${turn}`;
      const value = turn % 8 === 7 ? undefined : `value-${turn}`;
      const entry = this.#entries.get(name) ?? { possible: [undefined] };
      // A name is left alone while a writer is at it, and for good when its write is in doubt.
      if (entry.possible.length > 1) continue;
      const before = entry.possible;
      if (value === undefined && before[0] === undefined) continue;
      this.#entries.set(name, entry);
      entry.possible = [...before, value];
      if (await this.#send(name, value)) entry.possible = [value];
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #send(name: string, value: string | undefined): Promise<boolean> {
    const path = `/v1/zones/${this.#zone}/rrsets/${name}/TXT`;
    try {
      const answer =
        value === undefined
          ? await this.#server.api('DELETE', path)
          : await this.#server.api('PUT', path, JSON.stringify({ ttl: 60, records: [`"${value}"`] }));
      const text = await answer.text();
      if (!answer.ok) {
        if (answer.status < 500) throw new Error(`${name}: ${answer.status} ${text}`);
        return false;
      }
      const { serial }: { serial: number } = JSON.parse(text);
      this.acknowledged += 1;
      this.serial = Math.max(this.serial, serial);
      return true;
    } catch (error) {
      // No connection, or one that broke off before the answer was whole: nothing was acknowledged.
      if (error instanceof TypeError || error instanceof SyntaxError || (error instanceof DOMException && error.name === 'TimeoutError'))
        return false;
      throw error;
    }
  }

  /** Names whose answer over TCP is none of the possible ones. */
  async wrongNames(): Promise<string[]> {
    const names = [...this.#entries.keys()];
    const queries = names.map((name) => buildQuery({ name: `${name}.${this.#zone}`, type: 'TXT' }));
    const replies = await exchangeTcp(this.#server, queries);
    const wrong: string[] = [];
    for (const [at, name] of names.entries()) {
      const reply = replies[at];
      const entry = this.#entries.get(name)!;
      const record = reply === undefined ? undefined : parseMessage(reply).answer.find(({ type }) => type === 'TXT');
      const value = record === undefined ? undefined : Buffer.from(record.rdata, 'hex').toString('latin1', 1);
      if (reply === undefined) wrong.push(`${name}: no answer`);
      else if (!entry.possible.includes(value))
        wrong.push(`${name}: ${value ?? 'nothing'}, acknowledged was ${entry.possible.map((each) => each ?? 'nothing').join(' or ')}`);
    }
    return wrong;
  }

  /** The serial that is served. */
  async servedSerial(): Promise<number> {
    const [reply] = await exchangeTcp(this.#server, [buildQuery({ name: this.#zone, type: 'SOA' })]);
    const soa = reply === undefined ? undefined : parseMessage(reply).answer[0];
    return soa === undefined ? -1 : Number.parseInt(soa.rdata.slice(-40, -32), 16);
  }
}
