/**
 * 200 clients change one zone at once, some with If-Match, while the control process is killed: no change that was
 * answered is lost, none is made twice, the serial strictly rises, the journal replays to the zone, and the audit log has
 * exactly one entry for each change and is verified without the server.
 */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { exportZone, putZones } from '../support/waxseal.ts';

const ZONE = 'many.example.';
const PATH = '/v1/zones/many.example';
const TEXT = '$TTL 60\n@ SOA ns1 host 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\ncount TXT "0"\n';
const CLIENTS = 200;
/** Each adds a record of its own; then so many add one to the counter with If-Match. */
const COUNTING = 40;
let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
}, 120_000);
afterAll(() => server.stop());

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly body: string;
}

/** One request over the Unix socket, where no limit of requests holds clients back; undefined: it has no answer. */
function ask(method: string, path: string, body?: object, headers: Readonly<Record<string, string>> = {}) {
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  const text = body === undefined ? '' : JSON.stringify(body);
  const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const socketPath = join(server.directory, 'admin.sock');
  const sent = request({ socketPath, method, path, headers: { ...headers, ...length }, timeout: 20_000 }, (answer) => {
    const parts: Buffer[] = [];
    answer.on('data', (part: Buffer) => parts.push(part));
    answer.once('close', () => {
      const { statusCode: status = 0, complete, headers: own } = answer;
      resolve(complete ? { status, etag: own.etag ?? '', body: Buffer.concat(parts).toString() } : undefined);
    });
  });
  sent.once('error', () => resolve(undefined));
  sent.once('timeout', () => sent.destroy());
  sent.end(text);
  return promise;
}

interface Outcome {
  readonly serial: number;
  /** False: the zone had the record already. */
  readonly changed: boolean;
  /** Requests before it that had no answer: each of them may have been carried out, or not. */
  readonly unanswered: number;
}

/** Repeats a request until it is done; undefined: it was refused with 412. */
async function change(path: string, body: object, headers: Readonly<Record<string, string>>) {
  let unanswered = 0;
  for (let tries = 0; tries < 600; tries++) {
    const answer = await ask('PUT', path, body, headers);
    if (answer?.status === 412) return undefined;
    if (answer !== undefined && answer.status < 300) {
      return { ...(JSON.parse(answer.body) as Pick<Outcome, 'serial' | 'changed'>), unanswered };
    }
    if (answer === undefined) unanswered++;
    await delay(50 + (tries % 7) * 20);
  }
  throw new Error(`${path} was never changed`);
}

test('facts H8: nothing is lost, nothing twice, and every change has one entry', { timeout: 240_000 }, async () => {
  const outcomes: Outcome[] = [];
  const addOwn = async (client: number): Promise<void> => {
    const headers = { 'x-change-reason': `client ${client}` };
    const record = { ttl: 60, records: [`192.0.2.${client}`] };
    const done = await change(`${PATH}/rrsets/c${client}/A`, record, headers);
    outcomes.push(done!);
  };
  const countOne = async (): Promise<void> => {
    for (let tries = 0; tries < 2_000; tries++) {
      const read = await ask('GET', `${PATH}/rrsets/count/TXT`);
      if (read?.status !== 200) {
        await delay(50);
        continue;
      }
      const { records } = JSON.parse(read.body) as { records: string[] };
      const next = Number(records[0]!.replaceAll('"', '')) + 1;
      const record = { ttl: 60, records: [`"${next}"`] };
      const done = await change(`${PATH}/rrsets/count/TXT`, record, { 'if-match': read.etag });
      if (done !== undefined) return;
      await delay(5 + (tries % 13) * 7);
    }
    throw new Error('the counter was never had');
  };
  const own = Array.from({ length: CLIENTS }, (_, client) => addOwn(client));
  const killed = delay(400).then(() => server.killChild('control'));
  await Promise.all([...own, killed]);
  await Promise.all(Array.from({ length: COUNTING }, countOne));

  const text = await exportZone(server, ZONE, false);
  const names = [...text.matchAll(/^(c\d+)\S*\s/gm)].map(([, name]) => name);
  expect(new Set(names).size).toBe(CLIENTS);
  expect(names).toHaveLength(CLIENTS);
  expect(/^count.*"(\d+)"/m.exec(text)?.[1]).toBe(String(COUNTING));

  const changes = await journal();
  const made = changes.toReversed().map(({ changeset }) => changeset);
  // Each change follows the one before it: strictly rising, without a gap.
  for (const [at, each] of made.slice(1).entries()) expect(each.fromSerial).toBe(made[at]!.toSerial);
  expect(new Set(made.map(({ toSerial }) => toSerial)).size).toBe(made.length);
  // Who asked again after a lost answer may hear that nothing is left to change, with the serial of that moment.
  for (const { changed, unanswered } of outcomes) if (!changed) expect(unanswered).toBeGreaterThan(0);
  const serials = outcomes.filter(({ changed }) => changed).map(({ serial }) => serial);
  expect(new Set(serials).size).toBe(serials.length);
  expect(made.map(({ toSerial }) => toSerial)).toEqual(expect.arrayContaining(serials));
  expect(replay(made)).toEqual(recordsOf(await exportZone(server, ZONE, true)));

  const file = join(server.folder, 'audit.jsonl');
  const key = join(server.folder, 'audit.pem');
  writeFileSync(file, await (await server.api('GET', '/v1/audit/export')).text());
  writeFileSync(key, ((await (await server.api('GET', '/v1/audit/key')).json()) as { publicKey: string }).publicKey);
  expect(await server.cli('audit', 'verify', file, '--key', key)).toMatchObject({ exit: 0 });
  const entries = (await (await server.api('GET', '/v1/audit/export')).text()).split('\n').slice(0, -2).map(readEntry);
  const ofZone = entries.filter(({ changes: list = [] }) => list.some(({ zone }) => zone === ZONE));
  expect(ofZone.map(({ generation }) => generation)).toEqual(changes.map(({ revision }) => revision).toReversed());
  expect(new Set(ofZone.flatMap(({ reason }) => reason ?? [])).size).toBe(CLIENTS);
});

interface Entry {
  readonly generation: number;
  readonly reason?: string;
  readonly changes?: readonly { readonly zone: string }[];
}

const readEntry = (line: string): Entry => JSON.parse(line) as Entry;

interface Change {
  readonly revision: number;
  readonly changeset: {
    readonly fromSerial: number;
    readonly toSerial: number;
    readonly deleted: readonly string[];
    readonly added: readonly string[];
    readonly omitted: number;
  };
}

async function journal(): Promise<readonly Change[]> {
  const all: Change[] = [];
  for (let cursor = ''; ;) {
    const page = await server.api('GET', `${PATH}/changes?limit=100${cursor}`);
    const { changes, next } = (await page.json()) as { changes: Change[]; next?: string };
    all.push(...changes);
    if (next === undefined) return all;
    cursor = `&cursor=${next}`;
  }
}

/** The records after all changes, one after the other. A record that cannot be deleted, or is there already, throws. */
function replay(changes: readonly Change['changeset'][]): readonly string[] {
  const records = new Set<string>();
  for (const { deleted, added, omitted } of changes) {
    if (omitted > 0) throw new Error('a change is not shown as a whole');
    for (const line of deleted) if (!records.delete(line)) throw new Error(`not there: ${line}`);
    for (const line of added) {
      if (records.has(line)) throw new Error(`there already: ${line}`);
      records.add(line);
    }
  }
  return [...records].toSorted();
}

/** `owner TTL IN TYPE rdata` of a zone file whose names are all absolute. */
function recordsOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '' && !line.startsWith(';') && !line.startsWith('$'))
    .toSorted();
}
