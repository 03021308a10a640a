/**
 * A sender that never stops and forgives nothing: it asks a validating resolver for the MTA-STS record, the policy host's address and its TLSA
 * records, fetches the policy with the certificate verified, and holds what it got as RFC 8461 §3.3 and §5.1 say. What it could not have
 * delivered with is a fault. A resolver that validates answers SERVFAIL for what is bogus, so every answer is a proven one.
 */
import { createHash } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { get } from 'node:https';
import { type TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';

export interface StrictClientOptions {
  /** `ADDR:PORT` of the validating resolver. */
  readonly resolver: string;
  /** Without the last dot. */
  readonly zone: string;
  /** PEM of the roots that it trusts. */
  readonly roots: string;
  /** A mail host that every policy must allow. */
  readonly mailHost: string;
}

interface HeldPolicy {
  readonly id: string;
  readonly mode: string;
  readonly untilMs: number;
}

interface Fetched {
  readonly body: string;
  readonly spkiSha256: string;
}

const ABSENT: readonly unknown[] = ['ENOTFOUND', 'ENODATA'];
const TIMEOUT_MS = 5000;
const PAUSE_MS = 20;

export class StrictClient {
  readonly faults: string[] = [];
  /** How often it looked, with TLSA records, and which modes, keys and ids it met, in order. */
  looks = 0;
  tlsaLooks = 0;
  readonly modes: string[] = [];
  readonly keys: string[] = [];
  readonly ids: string[] = [];
  /** When the record was seen last, and when it was first missed after that. */
  lastSeenMs = 0;
  goneMs: number | undefined;
  /** When a policy of mode enforce was fetched last. */
  lastEnforceMs = 0;
  readonly #options: StrictClientOptions;
  readonly #dns = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
  #held: HeldPolicy | undefined;
  #isOver = false;
  #running: Promise<void> | undefined;

  constructor(options: StrictClientOptions) {
    this.#options = options;
    this.#dns.setServers([options.resolver]);
  }

  start(): void {
    this.#running = (async () => {
      while (!this.#isOver) {
        await this.#look();
        await delay(PAUSE_MS);
      }
    })();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #look(): Promise<void> {
    this.looks += 1;
    const { zone, mailHost } = this.#options;
    try {
      const texts = await this.#absentAs([], this.#dns.resolveTxt(`_mta-sts.${zone}`));
      const id = /^v=STSv1; id=([0-9A-Za-z]+);$/.exec(texts.flat().join(''))?.[1];
      if (id === undefined) return this.#without();
      this.lastSeenMs = performance.now();
      this.goneMs = undefined;
      const tlsa = await this.#absentAs([], this.#dns.resolveTlsa(`_443._tcp.mta-sts.${zone}`));
      const [address] = await this.#dns.resolve4(`mta-sts.${zone}`);
      const { body, spkiSha256 } = await this.#fetch(address!);
      this.#judgeKey(
        spkiSha256,
        tlsa.map(({ data }) => Buffer.from(data).toString('hex')),
      );
      const [mode = '', age = ''] = [/^mode: (\w+)\r$/m, /^max_age: (\d+)\r$/m].map((each) => each.exec(body)?.[1] ?? '');
      if (mode !== 'none' && !body.includes(`mx: ${mailHost}\r\n`)) this.faults.push(`a policy without ${mailHost}: ${body}`);
      note(this.modes, mode);
      note(this.ids, id);
      const nowMs = performance.now();
      if (mode === 'enforce') this.lastEnforceMs = nowMs;
      this.#held = { id, mode, untilMs: nowMs + Number(age) * 1000 };
    } catch (error) {
      // RFC 8461 §5.1: a fetch that fails leaves the policy that is held, and that of mode none asks for nothing.
      if (error instanceof Gone && this.#held?.mode === 'none') return;
      const why = error instanceof Error ? error.message : String(error);
      this.faults.push(`${new Date().toISOString()} ${why}`);
    }
  }

  /** RFC 8461 §8.3: who still holds a policy that is not "none" enforces it, and can learn nothing else any more. */
  #without(): void {
    const nowMs = performance.now();
    if (this.lastSeenMs > 0) this.goneMs ??= nowMs;
    const held = this.#held;
    if (held === undefined || held.mode === 'none' || held.untilMs <= nowMs) return;
    this.faults.push(`the record is gone, and the policy ${held.id} in mode ${held.mode} is held for ${held.untilMs - nowMs} ms`);
    this.#held = undefined;
  }

  #judgeKey(spki: string, records: readonly string[]): void {
    note(this.keys, spki);
    if (records.length === 0) return;
    this.tlsaLooks += 1;
    if (!records.includes(spki)) this.faults.push(`the key ${spki} is presented, and TLSA records are ${records.join(', ')}`);
  }

  async #absentAs<T>(none: T, asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof Error && 'code' in error && ABSENT.includes(error.code)) return none;
      throw error;
    }
  }

  #fetch(address: string): Promise<Fetched> {
    const { zone, roots } = this.#options;
    const host = `mta-sts.${zone}`;
    return new Promise((resolve, reject) => {
      const given = { host: address, port: 443, servername: host, headers: { host }, ca: roots, agent: false as const };
      const sent = get({ ...given, path: '/.well-known/mta-sts.txt', timeout: TIMEOUT_MS }, (answer) => {
        const { publicKey } = (answer.socket as TLSSocket).getPeerX509Certificate()!;
        const spki = publicKey.export({ type: 'spki', format: 'der' });
        let body = '';
        answer.setEncoding('utf8').on('data', (part: string) => (body += part));
        answer.once('end', () => {
          const spkiSha256 = createHash('sha256').update(spki).digest('hex');
          if (answer.statusCode === 200) resolve({ body, spkiSha256 });
          else reject(answer.statusCode === 404 ? new Gone() : new Error(`status ${answer.statusCode}`));
        });
      });
      sent.once('timeout', () => sent.destroy(new Error('the policy host does not answer in time')));
      sent.once('error', reject);
    });
  }
}

/** The policy host has no policy any more. */
class Gone extends Error {
  override readonly message = 'status 404';
}

function note(list: string[], value: string): void {
  if (list.at(-1) !== value) list.push(value);
}
