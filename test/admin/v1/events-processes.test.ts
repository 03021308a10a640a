/**
 * Node's own EventSource reads `/v1/events`. It has another author than the stream: what it understands and how it comes back is what
 * browsers do.
 */
import { spawn } from 'node:child_process';
import { type ClientRequest, createServer, request } from 'node:http';
import { type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { eventually, startEvents } from '../../support/admin/event-server.ts';

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
    const { events, tokens, port, zone } = await startEvents({ heartbeatMs: 50, stallMs: 5000 });
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
    const { events, tokens, port, zone } = await startEvents();
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
