/**
 * Events and counts on the real server: curl follows the stream over a restart; queries by dig, over UDP and TCP, show in `dkim list`.
 * Not here: forms and limits of the stream (test/admin/v1/events.test.ts), what follows from counts (test/control/publish/selector-queries.test.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';

const ZONE = 'post.test';
const TEXT = `$TTL 60
@ SOA ns1 host 1 3600 600 86400 1
@ NS ns1
@ MX 10 mx1
ns1 A 192.0.2.1
mx1 A 192.0.2.25
`;
const POLICY = `[mtaSts]
mode = "off"
[ttl]
default = "1s"
`;

async function serverWithMail(udp: 'mmsg' | 'dgram'): Promise<RunningServer> {
  const server = await startServer({ workers: 2, udp });
  onTestFinished(() => server.stop().then(() => undefined));
  writeFileSync(join(server.folder, 'post.zone'), TEXT);
  writeFileSync(join(server.folder, 'post.mail.toml'), POLICY);
  for (const words of [
    ['zone', 'import', ZONE, 'post.zone'],
    ['mail', 'apply', ZONE, 'post.mail.toml'],
  ]) {
    const { exit, err } = await server.cli(...words);
    if (exit !== 0) throw new Error(err);
  }
  return server;
}

/** What curl, unbuffered, has said so far. */
function curl(
  server: RunningServer,
  query: string,
  lastEventId?: string,
): { readonly child: ChildProcess; readonly said: { text: string } } {
  const token = readFileSync(join(server.directory, 'admin.token'), 'utf8').trim();
  const headers = [`Authorization: Bearer ${token}`, ...(lastEventId === undefined ? [] : [`Last-Event-ID: ${lastEventId}`])];
  const url = `http://127.0.0.1:${server.adminPort}/v1/events${query}`;
  const child = spawn('curl', ['-sSN', ...headers.flatMap((each) => ['-H', each]), url], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { text: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.text += text));
  return { child, said };
}

const documents = (text: string) => [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as Record<string, unknown>);

describe.each(['mmsg', 'dgram'] as const)('over %s', (udp) => {
  test('each query for a selector is counted once, from the cache or not, and nothing else is', { timeout: 60_000 }, async () => {
    const server = await serverWithMail(udp);
    interface Keys {
      readonly keys: readonly { selector: string; queries: { count: number; lastAt?: string; watchedSince?: string } }[];
    }
    const keys = async () => {
      const answer = await server.api('GET', `/v1/zones/${ZONE}/dkim`).catch(() => undefined);
      return answer?.ok === true ? ((await answer.json()) as Keys).keys : [];
    };
    const countOf = async (selector: string | undefined) => (await keys()).find((each) => each.selector === selector)?.queries;
    expect(await server.eventually(async () => (await keys()).some(({ queries }) => queries.watchedSince !== undefined))).toBe(true);
    const [first, second] = (await keys()).map(({ selector }) => selector);
    const owner = `${first}._domainkey.${ZONE}`;
    for (let each = 0; each < 3; each++) expect((await dig(server, [owner, 'TXT'])).answer).not.toEqual([]);
    await dig(server, [owner.toUpperCase(), 'TXT', '+dnssec']);
    for (let each = 0; each < 2; each++) await dig(server, [owner, 'TXT', '+tcp']);
    await dig(server, [owner, 'A']);
    await dig(server, [`nobody._domainkey.${ZONE}`, 'TXT']);
    await dig(server, [`_domainkey.${ZONE}`, 'TXT']);
    expect(await server.eventually(async () => (await countOf(first))?.count === 6)).toBe(true);
    const listed = JSON.parse((await server.cli('dkim', 'list', ZONE, '--json')).out) as Keys;
    const { count, lastAt } = listed.keys.find(({ selector }) => selector === first)!.queries;
    expect(count).toBe(6);
    expect(Math.abs(Date.now() - Date.parse(lastAt!))).toBeLessThan(15_000);
    expect((await countOf(second))?.count).toBe(0);
    expect((await server.cli('dkim', 'list', ZONE)).out).toMatch(new RegExp(`${first} .* 6 +2`));
    // The answer process counts on while the control process is new.
    await server.killChild('control');
    await server.ready();
    expect(await server.eventually(async () => (await countOf(first))?.count === 6)).toBe(true);
    // And a new answer process adds to what is known.
    await server.killChild('answer');
    expect(await server.eventually(async () => (await dig(server, [owner, 'TXT'])).answer.length > 0)).toBe(true);
    expect(await server.eventually(async () => ((await countOf(first))?.count ?? 0) >= 7)).toBe(true);
  });
});

test('curl follows; TERM ends its stream at once; with the last id it goes on after the restart', { timeout: 60_000 }, async () => {
  const server = await serverWithMail('mmsg');
  const { child, said } = curl(server, `?after=0&zone=${ZONE}`);
  expect(await server.eventually(() => said.text.includes('"machine":"dkim"'))).toBe(true);
  expect(said.text.startsWith('retry: 2000\nid: 0\n\n')).toBe(true);
  const [imported] = documents(said.text);
  // Those before it are of no zone: the key-encryption key was made, the head of the audit log is given away.
  expect(imported).toMatchObject({ kind: 'zone', event: 'changed', action: 'zone.import', zone: `${ZONE}.` });
  await server.cli('rrset', 'set', ZONE, 'www', 'A', '60', '192.0.2.80');
  expect(await server.eventually(() => said.text.includes('"action":"rrsets.change"'))).toBe(true);
  // In the first minute of a new store the log has no steps of mail: the first screen is to be seen.
  expect(server.log()).not.toMatch(/mail\.(?:step|waiting)/);

  const begun = performance.now();
  const ended = new Promise<{ code: number | null; ms: number }>((resolve) => {
    child.once('close', (code) => resolve({ code, ms: performance.now() - begun }));
  });
  expect(await server.terminate()).toBe(0);
  // Long before connections are cut; and a clean end of the answer, not a broken connection.
  const { code, ms } = await ended;
  expect(code).toBe(0);
  expect(ms).toBeLessThan(2000);

  const lastId = [...said.text.matchAll(/^id: (\d+)$/gm)].at(-1)![1]!;
  await server.start();
  // From then on the log has what was done, and not all that is waited for.
  expect(await server.eventually(() => server.log().includes('mail.step'), 30_000)).toBe(true);
  expect(server.log()).not.toContain('mail.waiting');
  await server.cli('rrset', 'set', ZONE, 'www', 'A', '60', '192.0.2.81');
  const resumed = curl(server, `?zone=${ZONE}`, lastId);
  expect(await server.eventually(() => resumed.said.text.includes('"action":"rrsets.change"'))).toBe(true);
  const ids = documents(resumed.said.text).map(({ id }) => Number(id));
  expect(Math.min(...ids)).toBeGreaterThan(Number(lastId));
  expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  expect(resumed.said.text).not.toContain('event: gap');

  const shown = await server.cli('events', '--zone', ZONE, '--kind', 'zone', '-n', '2');
  expect(shown).toMatchObject({ exit: 0, err: '' });
  expect(shown.out.split('\n').filter((line) => line.includes('rrsets.change by socket:admin'))).toHaveLength(2);
  const { events } = JSON.parse((await server.cli('events', '--after', lastId, '--json')).out) as { events: { id: number }[] };
  expect(events[0]!.id).toBe(Number(lastId) + 1);
});
