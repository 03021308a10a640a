/** Requests to the admin API, over the Unix socket or HTTP(S). What the server rejects becomes a CommandFailure. */
import { WHOLE } from '#base/place.ts';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { RequestOptions as TlsRequestOptions } from 'node:https';
import { CLI_ANSWER_MS_MAX, PAGE_ITEMS_MAX } from '#base/limits/admin.ts';
import { CLI_IMPORT_MS_MAX } from '#base/limits/changes.ts';
import { type AnswerProblem, CommandFailure, type FailureProblem, exitOf, failure, readAnswerProblem } from './failure.ts';
import type { ServerAddress } from './server-address.ts';

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Segments below /v1, not yet escaped. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as text/dns. */
  readonly zoneFile?: Buffer;
  /** Sent as it is, under its media type. */
  readonly content?: { readonly type: string; readonly octets: Buffer };
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: { readonly link?: string };
  readonly body: IncomingMessage;
}

/** The answer's JSON document. */
export async function callApi<T>(address: ServerAddress, request: ApiRequest): Promise<T> {
  return await readJson<T>(await openAnswer(address, request));
}

/** All items, or the first `limit`, of a list that answers with them under `key`, page by page. */
export async function callList<T>(address: ServerAddress, request: ApiRequest, key: string, limit = Infinity): Promise<readonly T[]> {
  const items: T[] = [];
  for (let cursor: string | undefined; items.length < limit;) {
    const query = { ...request.query, limit: String(Math.min(PAGE_ITEMS_MAX, limit - items.length)), cursor };
    const answer = await openAnswer(address, { ...request, query });
    const page = await readJson<Readonly<Record<string, readonly T[]>>>(answer);
    items.push(...(page[key] ?? []));
    // RFC 8288 §3: the next page's address, of which only the cursor is new.
    const next = /<([^>]*)>; rel="next"/.exec(answer.headers.link ?? '')?.[1];
    cursor = next === undefined ? undefined : (new URL(next, 'http://waxseal').searchParams.get('cursor') ?? undefined);
    if (cursor === undefined) break;
  }
  return items;
}

async function readJson<T>({ body }: ApiAnswer): Promise<T> {
  const document: T = JSON.parse((await wholeBody(body)).toString());
  return document;
}

/** The answer, its body still to be read. Throws CommandFailure when rejected, or without a server or an answer. */
export async function openAnswer(address: ServerAddress, request: ApiRequest): Promise<ApiAnswer> {
  const changes = request.method !== undefined && request.method !== 'GET';
  const answer = await send(address, request, changes);
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    const { link } = answer.headers;
    return { status, headers: typeof link === 'string' ? { link } : {}, body: answer };
  }
  const text = (await wholeBody(answer, changes)).toString();
  throw refusal(status, text, changes);
}

/** The parts of an answer. Throws CommandFailure when its connection ends before it does: what came is not whole. */
export async function* untilItsEnd(body: IncomingMessage, changes = false): AsyncGenerator<Buffer> {
  try {
    for await (const part of body) yield part as Buffer;
  } catch (error) {
    throw brokenOff(error as Error, changes);
  }
}

/** The whole of it. */
export async function wholeBody(body: IncomingMessage, changes = false): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of untilItsEnd(body, changes)) parts.push(part);
  return Buffer.concat(parts);
}

/** The headers of who asks, and why. A header's octets are characters to Node: UTF-8 goes through it as Latin-1. */
function senderHeaders({ token, reason }: ServerAddress, changes: boolean): Readonly<Record<string, string>> {
  return {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(reason === undefined || !changes ? {} : { 'x-change-reason': Buffer.from(reason).toString('latin1') }),
  };
}

async function send(address: ServerAddress, request: ApiRequest, changes: boolean): Promise<IncomingMessage> {
  const json = request.json === undefined ? undefined : Buffer.from(JSON.stringify(request.json));
  const body = request.zoneFile ?? request.content?.octets ?? json;
  const parameters = Object.entries(request.query ?? {}).filter((each): each is [string, string] => each[1] !== undefined);
  const search = parameters.length === 0 ? '' : `?${new URLSearchParams(parameters).toString()}`;
  const base = address.url?.pathname.replace(/\/$/, '') ?? '';
  const options: TlsRequestOptions = {
    method: request.method ?? 'GET',
    path: `${base}/v1/${request.path.map(segment).join('/')}${search}`,
    headers: {
      accept: 'application/json, application/problem+json, text/dns',
      ...senderHeaders(address, changes),
      ...(body === undefined ? {} : { 'content-length': body.length }),
      ...request.headers,
      ...(request.zoneFile === undefined ? {} : { 'content-type': 'text/dns' }),
      ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(request.content === undefined ? {} : { 'content-type': request.content.type }),
    },
    ...(address.socketPath === undefined ? {} : { socketPath: address.socketPath }),
    agent: false,
    ...address.tls,
  };
  const open = address.url?.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  const place = address.url === undefined ? {} : { host: address.url.hostname.replace(/^\[|\]$/g, ''), port: address.url.port };
  return await new Promise<IncomingMessage>((resolve, reject) => {
    let connected = false;
    const sent = open({ ...place, ...options }, resolve);
    const waitMs = request.zoneFile === undefined ? CLI_ANSWER_MS_MAX : CLI_IMPORT_MS_MAX;
    sent.setTimeout(waitMs, () => {
      sent.destroy();
      reject(failure('CLI_TIMEOUT', `no answer after ${waitMs / 1000} s`, changes ? UNKNOWN_OUTCOME : undefined));
    });
    const ready = address.url?.protocol === 'https:' ? 'secureConnect' : 'connect';
    sent.once('socket', (socket) => socket.once(ready, () => (connected = true)));
    sent.once('error', (error: NodeJS.ErrnoException) => {
      reject(connected ? brokenOff(error, changes) : unreachable(address, error));
    });
    sent.end(body);
  });
}

const UNKNOWN_OUTCOME = 'it is not known whether the change was made: look before trying again';

/** `.` and `..` would be taken out of the path on the way, so the root zone is `=2E`. */
function segment(text: string): string {
  return text === '.' ? '=2E' : encodeURIComponent(text);
}

function brokenOff(error: Error, changes: boolean): CommandFailure {
  const what = `the connection to the server broke off, before its answer or in the middle of it: ${error.message}`;
  return failure('CLI_SERVER', what, changes ? UNKNOWN_OUTCOME : 'try again');
}

const ROOTS = 'if it is the right server, give the file of its roots or of its certificate: --ca FILE';
/** What the server's certificate lacks, and what helps. */
const TLS_FAILURES: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: ROOTS,
  DEPTH_ZERO_SELF_SIGNED_CERT: ROOTS,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ROOTS,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ROOTS,
  CERT_HAS_EXPIRED: 'renew the certificate of the server; admin.tls-unusable in its log says why it was not',
  ERR_TLS_CERT_ALTNAME_INVALID: 'use a name in --server that the certificate has',
};

function unreachable(address: ServerAddress, error: NodeJS.ErrnoException): CommandFailure {
  const untrusted = TLS_FAILURES[error.code ?? ''];
  if (address.url?.protocol === 'https:' && untrusted !== undefined)
    return failure('CLI_SERVER', `${address.url.href} is not trusted: ${error.message}`, untrusted);
  if (address.socketPath === undefined)
    return failure(
      'CLI_SERVER',
      `no server answers at ${address.url?.href ?? ''}: ${error.message}`,
      'is it running, and is --server right?',
    );
  if (error.code === 'EACCES')
    return new CommandFailure(
      [
        {
          code: 'CLI_SERVER',
          severity: 'error',
          at: WHOLE,
          message: `you may not open ${address.socketPath}`,
          fix: 'run this as the user that the server runs as, or use --server with --token-file',
        },
      ],
      { exit: 5 },
    );
  const why = error.code === 'ENOENT' ? 'there is no' : error.code === 'ECONNREFUSED' ? 'nothing listens on' : `${error.message} on`;
  return failure(
    'CLI_SERVER',
    `no server is running: ${why} ${address.socketPath}`,
    'start it with "waxseal serve", or say where it is: --data DIR, --server URL',
  );
}

interface ProblemDocument {
  readonly errors?: readonly AnswerProblem[];
}

/** The server's problems. With one of a status below 500 nothing was changed; a failing server cannot promise that. */
function refusal(status: number, text: string, changes: boolean): CommandFailure {
  let problems: readonly FailureProblem[] = [];
  try {
    const { errors = [] }: ProblemDocument = JSON.parse(text);
    problems = errors.map(readAnswerProblem);
  } catch {
    // Not our server, or a proxy before it: the status has to do.
  }
  if (problems.length === 0)
    problems = [
      { code: 'CLI_SERVER', severity: 'error', at: WHOLE, message: `the server answered with HTTP status ${status} and no reason` },
    ];
  const byStatus = { 401: 5, 403: 5, 404: 3, 409: 4, 412: 4, 504: 7 }[status];
  const exit = exitOf(problems[0]!.code);
  return new CommandFailure(problems, { exit: exit === 1 ? (byStatus ?? 1) : exit, unchanged: changes && status < 500 });
}
