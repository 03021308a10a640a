/**
 * `/v1/events` through a real listener. Node's own EventSource reads it, which has another author than the stream: what it understands and
 * how it comes back is what browsers do.
 */
import { good } from '../support/temporary-control.ts';
import { spawn } from 'node:child_process';
import { type ClientRequest, type IncomingMessage, createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { EVENT_TIMES, type EventTimes } from '#admin/v1/events.ts';
import { ipPort } from '#base/address.ts';
import { EVENT_STREAMS_MAX } from '#base/limits/events.ts';
import { fakeWithZone } from '../support/admin/fake-control.ts';

async function start(eventTimes: EventTimes = EVENT_TIMES) {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control, eventTimes });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined });
  onTestFinished(() => {
    control.events.close();
    return listeners.close(0);
  });
  const port = Number(listeners.address.split(':')[1]);
  const { events } = control;
  const zone = (name: string, text = 'serial 2') => events.add({ kind: 'zone', event: 'changed', zone: name, text });

  /** An answer as it comes; it goes when the test ends. */
  const open = async (query = '', headers: Record<string, string> = {}, token: keyof typeof tokens = 'admin') => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path: `/v1/events${query}`,
      agent: false,
      headers: { authorization: `Bearer ${tokens[token]}`, ...headers },
    });
    onTestFinished(() => void asked.destroy());
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve).once('error', reject).end();
    });
    const said = { text: '', isEnded: false };
    answer.setEncoding('utf8').on('data', (text: string) => (said.text += text));
    answer.once('close', () => (said.isEnded = true)).on('error', () => undefined);
    return { status: answer.statusCode, headers: answer.headers, said, close: () => asked.destroy() };
  };
  /** The whole of what is kept. */
  const all = async (query: string, headers: Record<string, string> = {}, token: keyof typeof tokens = 'admin') => {
    const { said, status } = await open(`?follow=0${query}`, headers, token);
    await eventually(() => said.isEnded);
    return { status, text: said.text, ids: [...said.text.matchAll(/^id: (\d+)\nevent: (\w+)/gm)].map(([, id, kind]) => `${kind} ${id}`) };
  };
  return { control, events, tokens, listeners, port, zone, open, all };
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let left = 1000; !holds(); left--) {
    if (left === 0) throw new Error('it did not happen in time');
    await delay(5);
  }
}

/** An EventSource in a process of its own; it has no way to send a token, so somebody in the middle adds it. */
async function eventSource(port: number, token: string, path: string) {
  const asked: (string | undefined)[] = [];
  const asking: ClientRequest[] = [];
  const between = createServer((from, to) => {
    asked.push(from.headers['last-event-id']?.toString());
    const headers = { ...from.headers, authorization: `Bearer ${token}` };
    const forward = request({ host: '127.0.0.1', port, path: from.url, headers, agent: false }, (answer) => {
      to.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(to);
      answer.once('close', () => to.end());
    });
    asking.push(forward);
    forward.on('error', () => undefined);
    to.once('close', () => forward.destroy());
    forward.end();
  });
  await new Promise<void>((resolve) => {
    between.listen(0, '127.0.0.1', () => resolve());
  });
  const { port: here }: AddressInfo = between.address() as AddressInfo;
  const script = `const source = new EventSource('http://127.0.0.1:${here}${path}');
    for (const kind of ['zone', 'mail', 'alert', 'gap'])
      source.addEventListener(kind, ({ lastEventId, data }) => console.log(JSON.stringify({ kind, lastEventId, data: JSON.parse(data) })));
    // Its own wait keeps no process alive.
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--experimental-eventsource', '--no-warnings', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
    between.closeAllConnections();
    between.close();
  });
  const seen: { kind: string; lastEventId: string; data: Record<string, unknown> }[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) seen.push(JSON.parse(line) as (typeof seen)[number]);
  });
  /** Ends every answer. (Were the connection broken, this client would not come back; browsers do.) */
  const cut = () => {
    for (const each of asking.splice(0)) each.destroy();
  };
  return { seen, asked, cut };
}

describe("as Node's EventSource sees it", () => {
  test('events come with name, id and document; after a break it goes on where it was', { timeout: 15_000 }, async () => {
    const { events, tokens, port, zone } = await start({ heartbeatMs: 50, stallMs: 5000 });
    zone('early.test.');
    const { seen, asked, cut } = await eventSource(port, tokens.admin, '/v1/events?after=0');
    await eventually(() => seen.length === 1);
    events.add({
      kind: 'mail',
      event: 'step',
      zone: 'example.com.',
      machine: 'dkim',
      object: 'e1',
      stage: 'active',
      text: 'visible → active',
    });
    await eventually(() => seen.length === 2);
    expect(seen[1]).toMatchObject({
      kind: 'mail',
      lastEventId: '2',
      data: { id: 2, at: '1970-01-01T00:00:00.000Z', event: 'step', machine: 'dkim', stage: 'active', text: 'visible → active' },
    });
    cut();
    zone('while.away.');
    zone('example.com.');
    await eventually(() => seen.length === 4);
    expect(seen.map(({ lastEventId }) => lastEventId)).toEqual(['1', '2', '3', '4']);
    expect(seen[3]).toMatchObject({ kind: 'zone', data: { zone: 'example.com.', revision: 1, text: 'serial 2' } });
    expect(asked).toEqual([undefined, '2']);
  });

  test('is told of a gap when what it missed is not kept any more', { timeout: 15_000 }, async () => {
    const { events, tokens, port, zone } = await start();
    for (let each = 0; each < 3; each++) zone('a.test.');
    const { seen, cut } = await eventSource(port, tokens.admin, '/v1/events?after=2');
    await eventually(() => seen.length === 1);
    cut();
    for (let each = 0; each < 5; each++) zone('b.test.');
    events.forget(6);
    await eventually(() => seen.length === 4);
    expect(seen[1]).toEqual({ kind: 'gap', lastEventId: '6', data: { reason: 'forgotten', missedFrom: 4, missedTo: 6 } });
    expect(seen.slice(2).map(({ lastEventId }) => lastEventId)).toEqual(['7', '8']);
  });
});

describe('where a stream begins', () => {
  test('now, unless it is said; with follow=0 it ends after what is kept', async () => {
    const { zone, open, all } = await start();
    zone('a.test.');
    zone('b.test.');
    expect((await all('')).ids).toEqual(['zone 1', 'zone 2']);
    expect((await all('&after=1')).ids).toEqual(['zone 2']);
    expect((await all('', { 'last-event-id': '1' })).ids).toEqual(['zone 2']);
    expect((await all('&after=0', { 'last-event-id': '2' })).ids).toEqual([]);
    const { said, headers } = await open();
    await eventually(() => said.text.includes('id: 2\n\n'));
    expect(headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    expect(said.text).toBe('retry: 2000\nid: 2\n\n');
    zone('c.test.');
    await eventually(() => said.text.includes('event: zone'));
    expect(said.text).not.toContain('a.test.');
  });

  test('with everything, after a gap, for an id that never was; with 400 for what is no id', async () => {
    const { zone, open, all } = await start();
    zone('a.test.');
    const { ids, text } = await all('', { 'last-event-id': '500' });
    expect(ids).toEqual(['gap 0', 'zone 1']);
    expect(text).toContain('"reason":"unknown","lastEventId":500');
    expect((await open('', { 'last-event-id': 'one' })).status).toBe(400);
    expect((await open('?after=-1')).status).toBe(400);
    expect((await open('?what=1')).status).toBe(400);
  });
});

describe('what is shown', () => {
  test('of zones, kinds and machines; ids of what is left out are passed on too', async () => {
    const { events, zone, all } = await start();
    zone('example.com.');
    events.add({ kind: 'mail', event: 'step', zone: 'example.com.', machine: 'dkim', object: 'e1', text: '' });
    events.add({ kind: 'mail', event: 'step', zone: 'example.com.', machine: 'tlsa', object: 't1', text: '' });
    events.add({ kind: 'alert', event: 'DISK', text: 'full' });
    zone('other.test.');
    expect((await all('&zone=EXAMPLE.com')).ids).toEqual(['zone 1', 'mail 2', 'mail 3']);
    expect((await all('&kind=zone')).ids).toEqual(['zone 1', 'zone 5']);
    const { ids, text } = await all('&machine=dkim');
    expect(ids).toEqual(['mail 2']);
    expect(text.endsWith('id: 5\n\n')).toBe(true);
  });

  test('a token of one zone sees that zone, one of a signer and none at all see nothing', async () => {
    const { control, events, zone, open, all, tokens } = await start();
    zone('example.com.');
    zone('other.test.');
    events.add({ kind: 'alert', event: 'DISK', text: 'full' });
    expect((await all('', {}, 'read')).ids).toHaveLength(3);
    expect((await all('', {}, 'zone')).ids).toEqual(['zone 1']);
    expect((await all('', {}, 'other')).ids).toEqual(['zone 2']);
    expect((await open('?zone=other.test', {}, 'zone')).status).toBe(403);
    expect((await open('', { authorization: 'Bearer no' })).status).toBe(401);
    const signer = good(await control.tokens.create('s', ['signer:mx'], undefined, { kind: 'system', id: 'test', from: '' }));
    expect((await open('', { authorization: `Bearer ${signer.secret}` })).status).toBe(403);
    expect(Object.keys(tokens)).toHaveLength(4);
  });
});

describe('a stream ends', () => {
  test('when its token is revoked, at the next heartbeat', async () => {
    const { control, open } = await start({ heartbeatMs: 20, stallMs: 5000 });
    const { said } = await open('', {}, 'zone');
    await eventually(() => said.text.includes(': all is well'));
    expect(said.isEnded).toBe(false);
    const id = control.tokens.list().find(({ scopes }) => scopes.includes('zone:example.com.'))!.id;
    await control.tokens.revoke(id, { kind: 'system', id: 'test', from: '' });
    await eventually(() => said.isEnded);
  });

  test('when the server stops: at once, with what was still to be told', async () => {
    const { events, listeners, zone, open } = await start();
    const { said } = await open('?after=0');
    await eventually(() => said.text !== '');
    zone('last.test.');
    events.close();
    const begun = performance.now();
    await listeners.close(10_000);
    expect(performance.now() - begun).toBeLessThan(2000);
    await eventually(() => said.isEnded);
    expect(said.text).toContain('last.test.');
  });

  test('when a client reads nothing; the journal goes on, and it finds the rest with its last id', async () => {
    const { events, tokens, port, all, open } = await start({ heartbeatMs: 1000, stallMs: 100 });
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    socket.write(`GET /v1/events?after=0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${tokens.admin}\r\n\r\n`);
    socket.pause();
    const text = 'x'.repeat(1000);
    // More than the kernel keeps for both ends.
    const count = 20_000;
    for (let each = 0; each < count; each++) events.add({ kind: 'alert', event: 'FLOOD', text });
    await delay(1000);
    let got = '';
    socket
      .setEncoding('latin1')
      .on('data', (each: string) => (got += each))
      .resume();
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    const ids = [...got.matchAll(/^id: (\d+)\nevent: alert\ndata: \{.*\}$/gm)].map(([, id]) => Number(id));
    expect(ids.length).toBeGreaterThan(10);
    expect(ids.length).toBeLessThan(count);
    expect(ids).toEqual(ids.map((_, at) => at + 1));
    const rest = (await all('', { 'last-event-id': String(ids.at(-1)) })).ids;
    expect(rest).toHaveLength(count - ids.length);
    expect(rest[0]).toBe(`alert ${ids.length + 1}`);
    // A slow one that still reads is not cut off.
    const { said } = await open('?after=19990');
    await eventually(() => said.text.includes('id: 20000'));
    expect(said.isEnded).toBe(false);
  });

  test('before it begins, when too many are open; one that goes makes room', async () => {
    const { open } = await start();
    const streams = await Promise.all(Array.from({ length: EVENT_STREAMS_MAX }, () => open()));
    expect(streams.every(({ status }) => status === 200)).toBe(true);
    expect(await open()).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    streams[0]!.close();
    let status: number | undefined;
    for (let left = 50; left > 0 && status !== 200; left--) {
      await delay(10);
      ({ status } = await open());
    }
    expect(status).toBe(200);
  });
});
