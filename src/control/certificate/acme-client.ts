/**
 * A client of CAs: directories, nonces, signed requests, and which of their answers are failures of which kind.
 * Implements: RFC 8555 §6.2–6.5 (signed requests, nonces), §6.7 (errors), §7.1.1 (directory).
 * Not here: HTTPS (acme-request.ts), accounts (accounts.ts), what is asked in which order (asking.ts).
 */
import { ACME_DIRECTORY_KEPT_MS, ACME_TRIES_AT_ONCE } from '#base/limits/acme.ts';
import { ACME_NONCES_MAX, ACME_NONCE_TRIES_MAX } from '#base/limits/acme.ts';
import { type Problem, type Result, problem } from '#base/problem.ts';
import { type JwsSigner, signRequest } from '#certificate/jws.ts';
import { type AcmeDirectory, placeOf, readDirectory, readProblem } from '#certificate/messages.ts';
import { type AcmeReply, AcmeSilence, type AcmeTransport } from './acme-request.ts';

/** Why there is no good answer, and what kind of failure that is. */
export interface AcmeFailure {
  readonly ok: false;
  readonly problem: Problem;
  /** `again`: the same may succeed later. `rejected`: the CA has decided. */
  readonly what: 'again' | 'rejected';
  /** The CA's own error type: `rateLimited`, `caa`. */
  readonly type?: string;
  readonly retryAfterMs?: number;
}

export type AcmeOutcome<T> = { readonly ok: true; readonly value: T } | AcmeFailure;

export interface AcmeAnswer {
  readonly reply: AcmeReply;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
}

type Answered = AcmeOutcome<AcmeAnswer>;

export interface AcmeClientOptions {
  readonly transport: AcmeTransport;
  readonly nowMs: () => number;
}

export class AcmeClient {
  readonly #options: AcmeClientOptions;
  readonly #directories = new Map<string, { readonly directory: AcmeDirectory; readonly atMs: number }>();
  /** By URL of the directory. */
  readonly #nonces = new Map<string, string[]>();

  constructor(options: AcmeClientOptions) {
    this.#options = options;
  }

  /** The directory at `url`, kept for a time. */
  async directory(url: string): Promise<AcmeOutcome<AcmeDirectory>> {
    const known = this.#directories.get(url);
    const nowMs = this.#options.nowMs();
    if (known !== undefined && nowMs - known.atMs < ACME_DIRECTORY_KEPT_MS) return { ok: true, value: known.directory };
    const answer = await this.get(url);
    if (!answer.ok) return answer;
    const read = readDirectory(answer.value.json, url);
    if (!read.ok) return malformed(read);
    this.#directories.set(url, { directory: read.value, atMs: nowMs });
    return { ok: true, value: read.value };
  }

  /** A request without a signature: directories, renewal information. */
  get(url: string): Promise<AcmeOutcome<AcmeAnswer>> {
    return repeated(async () => {
      const reply = await this.#ask({ method: 'GET', url });
      return reply.ok ? judge(reply.value, url) : reply;
    });
  }

  /** A signed request; `payload` undefined is POST-as-GET. */
  post(directory: AcmeDirectory, signer: JwsSigner, url: string, payload: unknown): Promise<Answered> {
    return repeated(() => this.#send(directory, signer, url, payload, () => this.#nonce(directory)));
  }

  /** A signed request that does something new each time. */
  postOnce(directory: AcmeDirectory, signer: JwsSigner, url: string, payload: unknown): Promise<Answered> {
    return this.#send(directory, signer, url, payload, () => repeated(() => this.#nonce(directory)));
  }

  /** A nonce that is rejected is asked for anew: nothing was done then (RFC 8555 §6.5). */
  async #send(
    directory: AcmeDirectory,
    signer: JwsSigner,
    url: string,
    payload: unknown,
    nextNonce: () => Promise<AcmeOutcome<string>>,
  ): Promise<Answered> {
    for (let tries = 1; ; tries++) {
      const nonce = await nextNonce();
      if (!nonce.ok) return nonce;
      const body = JSON.stringify(signRequest(signer, url, nonce.value, payload));
      const reply = await this.#ask({ method: 'POST', url, body });
      if (!reply.ok) return reply;
      this.#keepNonce(directory, reply.value.nonce);
      const answer = judge(reply.value, url);
      if (answer.ok || answer.type !== 'badNonce' || tries >= ACME_NONCE_TRIES_MAX) return answer;
    }
  }

  async #ask(request: Parameters<AcmeTransport>[0]): Promise<AcmeOutcome<AcmeReply>> {
    try {
      return { ok: true, value: await this.#options.transport(request) };
    } catch (error) {
      if (!(error instanceof AcmeSilence)) throw error;
      return silent(request.url, `the CA does not answer: ${error.message}`);
    }
  }

  async #nonce(directory: AcmeDirectory): Promise<AcmeOutcome<string>> {
    const kept = this.#nonces.get(directory.url)?.pop();
    if (kept !== undefined) return { ok: true, value: kept };
    const url = directory.newNonce;
    const reply = await this.#ask({ method: 'HEAD', url });
    if (!reply.ok) return reply;
    const { nonce, status } = reply.value;
    if (nonce === undefined) return silent(url, `the CA gives no nonce (HTTP status ${status})`);
    return { ok: true, value: nonce };
  }

  #keepNonce({ url }: AcmeDirectory, nonce: string | undefined): void {
    if (nonce === undefined) return;
    const nonces = this.#nonces.get(url) ?? [];
    this.#nonces.set(url, [...nonces, nonce].slice(-ACME_NONCES_MAX));
  }
}

/** What may be repeated is, a few times, when nothing came back. */
async function repeated<T>(ask: () => Promise<AcmeOutcome<T>>): Promise<AcmeOutcome<T>> {
  for (let tries = 1; ; tries++) {
    const answer = await ask();
    const isSilent = !answer.ok && answer.problem.code === 'ACME_UNREACHABLE' && answer.retryAfterMs === undefined;
    if (!isSilent || tries >= ACME_TRIES_AT_ONCE) return answer;
  }
}

/** Errors that are about the CA's present state, not about the request. */
const PASSING: ReadonlySet<string> = new Set(['badNonce', 'serverInternal', 'orderNotReady', 'dns', 'connection']);

const LIMITED = { what: 'again', type: 'rateLimited' } as const;

function judge(reply: AcmeReply, url: string): AcmeOutcome<AcmeAnswer> {
  const { status, text, retryAfterMs } = reply;
  const json = parse(text);
  if (status >= 200 && status < 300) return { ok: true, value: { reply, json } };
  const { type, detail } = readProblem(json);
  const said = detail === '' ? `HTTP status ${status}` : `${detail} (${type})`;
  const later = retryAfterMs === undefined ? {} : { retryAfterMs };
  const elsewhere = `the CA leads elsewhere (HTTP status ${status}); that is not followed`;
  if (status >= 300 && status < 400) return silent(url, elsewhere);
  if (status === 429 || type === 'rateLimited')
    return failed('ACME_RATE_LIMIT', url, `the CA takes no more for now: ${said}`, { ...LIMITED, ...later });
  if (status >= 500 || PASSING.has(type))
    return failed('ACME_UNREACHABLE', url, `the CA has a fault: ${said}`, { what: 'again', type, ...later });
  return failed('ACME_REJECTED', url, `the CA rejects the request: ${said}`, { what: 'rejected', type, ...later });
}

type Kind = Omit<AcmeFailure, 'ok' | 'problem'>;

export function failed(code: Problem['code'], url: string, message: string, kind: Kind): AcmeFailure {
  return { ok: false, problem: problem(code, placeOf(url), message), ...kind };
}

/** The CA said nothing that can be used. */
export function silent(url: string, message: string): AcmeFailure {
  return failed('ACME_UNREACHABLE', url, message, { what: 'again' });
}

/** The CA said something that ACME does not have. */
export function malformed({ problems }: Extract<Result<unknown>, { readonly ok: false }>): AcmeFailure {
  return { ok: false, problem: problems[0]!, what: 'again' };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
