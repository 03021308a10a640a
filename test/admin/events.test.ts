/** `/v1/events` through a real listener. Not here: Node's own EventSource reads it (events-processes.test.ts). */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EVENT_STREAMS_MAX } from '#base/limits/events.ts';
import { eventually, startEvents } from '../support/admin/event-server.ts';
import { good } from '../support/temporary-control.ts';

/** When the server's side of the next request for `url` is over. */
function closeOf(url: string): Promise<void> {
  return new Promise((resolve) => {
    const look = (message: unknown) => {
      const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse };
      if (request.url === url) response.once('close', resolve);
    };
    subscribe('http.server.request.start', look);
    onTestFinished(() => void unsubscribe('http.server.request.start', look));
  });
}

describe('where a stream begins', () => {
  test('now, unless it is said; with follow=0 it ends after what is kept', async () => {
    const { zone, open, all } = await startEvents();
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
    const { zone, open, all } = await startEvents();
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
    const { events, zone, all } = await startEvents();
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
    const { control, events, zone, open, all, tokens } = await startEvents();
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
    const { control, open } = await startEvents({ heartbeatMs: 20, stallMs: 5000 });
    const { said } = await open('', {}, 'zone');
    await eventually(() => said.text.includes(': all is well'));
    expect(said.isEnded).toBe(false);
    const id = control.tokens.list().find(({ scopes }) => scopes.includes('zone:example.com.'))!.id;
    await control.tokens.revoke(id, { kind: 'system', id: 'test', from: '' });
    await eventually(() => said.isEnded);
  });

  test('when the server stops: at once, with what was still to be told', async () => {
    const { events, listeners, zone, open } = await startEvents();
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
    const { events, tokens, port, all, open } = await startEvents({ heartbeatMs: 1000, stallMs: 100 });
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    socket.write(`GET /v1/events?after=0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${tokens.admin}\r\n\r\n`);
    socket.pause();
    const text = 'x'.repeat(1000);
    // More than the kernel keeps for both ends.
    const count = 20_000;
    const cutOff = closeOf('/v1/events?after=0');
    for (let each = 0; each < count; each++) events.add({ kind: 'alert', event: 'FLOOD', text });
    await cutOff;
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
    const { open } = await startEvents();
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
