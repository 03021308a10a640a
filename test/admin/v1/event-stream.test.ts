/** How a stream ends, and what its client finds when it comes back. Not here: Node's own EventSource reads it (events-processes.test.ts). */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { eventually, startEvents } from '../../support/admin/event-server.ts';

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
    const { events, tokens, port, all, open } = await startEvents({ heartbeatMs: 1000, stallMs: 1000 });
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
});

describe('what a zone has lost to its share', () => {
  /** Events 1 to 8: of `a.` but 2 and 7 of `b.`; of `a.` 1, 3 and 4 are gone. */
  async function started() {
    const made = await startEvents();
    let last: Record<string, number> = {};
    for (const [at, zone] of 'abaaaaba'.split('').entries()) {
      const previous = last[zone];
      const before = previous === undefined ? {} : { previous };
      made.events.add({ kind: 'zone', event: 'changed', zone: `${zone}.test.`, text: '', ...before });
      last = { ...last, [zone]: at + 1 };
    }
    made.events.lose(1, 3, 4);
    return made;
  }
  const gaps = (text: string) => [...text.matchAll(/^event: gap\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as unknown);

  test('is named with the zone, where it was, to a client that comes back', async () => {
    const { all } = await started();
    const answer = await all('', { 'last-event-id': '1' });
    expect(answer.ids).toEqual(['zone 2', 'gap 2', 'zone 5', 'zone 6', 'zone 7', 'zone 8']);
    expect(gaps(answer.text)).toEqual([{ reason: 'forgotten', zone: 'a.test.', missedFrom: 2, missedTo: 4 }]);
  });

  test('is not named to a client that had it, that begins with the oldest, or that sees only another zone', async () => {
    const { all } = await started();
    expect((await all('', { 'last-event-id': '4' })).ids).toEqual(['zone 5', 'zone 6', 'zone 7', 'zone 8']);
    expect((await all('&after=0')).ids).toEqual(['zone 2', 'zone 5', 'zone 6', 'zone 7', 'zone 8']);
    expect((await all('&zone=b.test', { 'last-event-id': '1' })).ids).toEqual(['zone 2', 'zone 7']);
  });

  test('is named although the next event of the zone is of a kind that is not shown', async () => {
    const { all } = await started();
    expect((await all('&kind=alert', { 'last-event-id': '1' })).ids).toEqual(['gap 2']);
  });

  test('while a stream is open: once, and not for what it has sent', async () => {
    const { events, open } = await started();
    const { said } = await open('?after=2');
    await eventually(() => said.text.includes('id: 8'));
    events.add({ kind: 'zone', event: 'changed', zone: 'a.test.', text: '', previous: 8 });
    events.lose(8);
    await eventually(() => said.text.includes('id: 9'));
    events.add({ kind: 'zone', event: 'changed', zone: 'a.test.', text: '', previous: 9 });
    await eventually(() => said.text.includes('id: 10'));
    expect(gaps(said.text)).toEqual([{ reason: 'forgotten', zone: 'a.test.', missedFrom: 3, missedTo: 4 }]);
  });
});
