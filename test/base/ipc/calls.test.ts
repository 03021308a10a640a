import { describe, expect, test } from 'vitest';
import { type CallMessage, Calls, readCallMessage } from '#base/ipc/calls.ts';
import { type CallLimits } from '#base/limits/process.ts';

/** Two ends with a line between them that can be cut and looked at. */
function pair(limits?: CallLimits) {
  const line: CallMessage[] = [];
  let isCut = false;
  const carry = (to: () => Calls) => (message: CallMessage) => {
    line.push(message);
    if (!isCut) setImmediate(() => to().receive(JSON.parse(JSON.stringify(message)) as CallMessage));
  };
  const asking: Calls = new Calls(
    carry(() => replying),
    limits,
  );
  const replying: Calls = new Calls(
    carry(() => asking),
    limits,
  );
  return { asking, replying, line, cut: () => (isCut = true) };
}

const never = () => new Promise<Uint8Array>(() => undefined);

describe('a request', () => {
  test('of 65,535 octets and its reply arrive octet for octet', async () => {
    const { asking, replying } = pair();
    replying.handle('update', (body) => Promise.resolve(body.toReversed()));
    const body = Uint8Array.from({ length: 65_535 }, (_, at) => (at * 7) & 255);
    expect(await asking.request('update', body)).toEqual({ ok: true, body: body.toReversed() });
    expect(await asking.request('update', new Uint8Array(0))).toEqual({ ok: true, body: new Uint8Array(0) });
  });

  test('gets its own reply, in whatever order replies come', async () => {
    const { asking, replying } = pair();
    const delays = [30, 0, 20, 10];
    replying.handle('wait', async (body) => {
      await new Promise((resolve) => setTimeout(resolve, delays[body[0]!]));
      return body;
    });
    const outcomes = await Promise.all(delays.map((_, at) => asking.request('wait', Uint8Array.of(at))));
    expect(outcomes).toEqual(delays.map((_, at) => ({ ok: true, body: Uint8Array.of(at) })));
  });

  test('that has no handler there fails at once', async () => {
    expect(await pair().asking.request('nothing', new Uint8Array(1))).toEqual({ ok: false, why: 'unknown' });
  });

  test('without a reply in time fails, and a late reply is of no consequence', async () => {
    const { asking, replying, line } = pair();
    replying.handle('late', async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return Uint8Array.of(1);
    });
    expect(await asking.request('late', new Uint8Array(0), 10)).toEqual({ ok: false, why: 'timeout' });
    while (!line.some(({ kind }) => kind === 'reply')) await new Promise((resolve) => setTimeout(resolve, 5));
    replying.handle('soon', (body) => Promise.resolve(body));
    expect(await asking.request('soon', Uint8Array.of(2))).toEqual({ ok: true, body: Uint8Array.of(2) });
  });

  test('fails when the other process ends, whatever was under way', async () => {
    const { asking, replying } = pair();
    replying.handle('hang', never);
    const both = [asking.request('hang', new Uint8Array(1)), asking.request('hang', new Uint8Array(2))];
    asking.peerGone('answer');
    expect(await Promise.all(both)).toEqual([
      { ok: false, why: 'gone' },
      { ok: false, why: 'gone' },
    ]);
  });
});

describe('limits', () => {
  test('no more requests, and no more octets, are under way than may be; what ended makes room', async () => {
    const { asking, line, cut } = pair({ count: 3, bytes: 100 });
    cut();
    void asking.request('x', new Uint8Array(10), 60_000);
    expect(await asking.request('x', new Uint8Array(91))).toEqual({ ok: false, why: 'overloaded' });
    void asking.request('x', new Uint8Array(10), 60_000);
    void asking.request('x', new Uint8Array(10), 60_000);
    expect(await asking.request('x', new Uint8Array(0))).toEqual({ ok: false, why: 'overloaded' });
    expect(line).toHaveLength(3);
    asking.peerGone('answer');
    void asking.request('x', new Uint8Array(100), 60_000);
    expect(line).toHaveLength(4);
    asking.peerGone('answer');
  });

  test('whoever replies keeps them too: a flood of requests has few handlers running', async () => {
    const sent: CallMessage[] = [];
    const replying = new Calls((message) => sent.push(message), { count: 2, bytes: 100 });
    let running = 0;
    replying.handle('hang', () => ((running += 1), never()));
    const body = Buffer.alloc(10).toString('base64');
    for (let id = 0; id < 50; id++) replying.receive({ kind: 'request', id, name: 'hang', body });
    expect(running).toBe(2);
    expect(sent).toHaveLength(48);
    expect(sent.every((each) => 'why' in each && each.why === 'overloaded')).toBe(true);
  });

  test('a body longer than any may be is not handled, and never sent', async () => {
    const sent: CallMessage[] = [];
    const calls = new Calls((message) => sent.push(message));
    calls.handle('x', (body) => Promise.resolve(body));
    calls.receive({ kind: 'request', id: 1, name: 'x', body: Buffer.alloc(70_000).toString('base64') });
    expect(sent).toEqual([{ kind: 'reply', id: 1, why: 'overloaded' }]);
    expect(() => calls.request('x', new Uint8Array(70_000))).toThrow('70000 octets');
  });
});

test.each([
  { kind: 'request', id: 1, name: 'x' },
  { kind: 'request', id: 'a', name: 'x', body: '' },
  { kind: 'request', id: 1, name: 2, body: '' },
  { kind: 'reply', id: 1 },
  { kind: 'reply', id: 1.5, body: '' },
  { kind: 'reply', id: 1, why: 'because' },
  { kind: 'other', id: 1, body: '' },
  null,
  'request',
])('%j is no message of ours', (value) => {
  expect(readCallMessage(value)).toBe(undefined);
});
