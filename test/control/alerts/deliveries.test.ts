/** Messages to targets that fail, dawdle and go, over restarts; kept in a real store. */
import { expect, onTestFinished, test } from 'vitest';
import { ALERT_DELIVERIES_MAX, ALERT_GIVE_UP_MS } from '#base/limits/alerts.ts';
import { ALERT_RETRY_MS_MAX, ALERT_RETRY_MS_MIN } from '#base/limits/alerts.ts';
import { createLog } from '#base/log.ts';
import { ok } from '#base/problem.ts';
import { readDeliveries } from '#store/alerts/deliveries.ts';
import { Deliveries } from '#control/alerts/deliveries.ts';
import { type AlertMessage, type AlertTarget, parseMessage } from '#control/alerts/targets.ts';
import { plainFunnel } from '../../support/plain-funnel.ts';
import { good } from '../../support/temporary-control.ts';
import { TestTimers } from '../../support/test-timers.ts';

const LOG = createLog({ level: 'silent' });
const TURN = { actor: { kind: 'system', id: 'test', from: '' }, action: 'test' } as const;

function message(id: string): AlertMessage {
  const data = { id, rule: 'R', severity: 'warning', text: 'it is so', server: 'here' } as const;
  return { type: 'alert.raised', timestamp: '2026-01-01T00:00:00.000Z', data };
}

/** Fails while `failure` is set; keeps what it got. */
class FakeTarget implements AlertTarget {
  readonly name: string;
  readonly got: string[] = [];
  readonly tried: string[] = [];
  failure: string | undefined;

  constructor(name: string, failure?: string) {
    [this.name, this.failure] = [name, failure];
  }

  async send(id: string, body: string): Promise<void> {
    await Promise.resolve();
    this.tried.push(id);
    if (this.failure !== undefined) throw new Error(this.failure);
    this.got.push(parseMessage(body).data.id);
  }
}

function lab(...targets: readonly FakeTarget[]) {
  const { writer, funnel } = plainFunnel();
  let nowMs = 1000;
  const timers = new TestTimers(() => nowMs);
  const started = async (of: readonly AlertTarget[] = targets) => {
    const deliveries = new Deliveries({ reader: writer, funnel, targets: of, nowMs: () => nowMs, timers });
    onTestFinished(() => deliveries.stop());
    await deliveries.start(LOG);
    return deliveries;
  };
  const put = async (deliveries: Deliveries, ...ids: readonly string[]) => {
    const { documents, taken } = deliveries.prepare(ids.map(message));
    good(await funnel.change(TURN, () => ok({ documents, isChanged: true, isQuiet: true })));
    taken();
  };
  const pass = (ms: number) => {
    nowMs += ms;
    timers.fire();
  };
  return { started, put, pass, stored: () => readDeliveries(writer).whole, writer };
}

test('each target gets every message once, in order, and the store forgets it', async () => {
  const targets = [new FakeTarget('a'), new FakeTarget('b')];
  const { started, put, stored } = lab(...targets);
  const deliveries = await started();
  await put(deliveries, '1', '2');
  await put(deliveries, '3');
  await expect.poll(() => targets.map(({ got }) => got.join())).toEqual(['1,2,3', '1,2,3']);
  await expect.poll(stored).toEqual([]);
  expect(deliveries.counts).toMatchObject({ sent: 6, failed: 0 });
  expect(deliveries.waiting).toBe(0);
});

test('one that fails is tried again with growing waits, keeps the order, and holds up no other', async () => {
  const [away, other] = [new FakeTarget('away', 'it answers 503'), new FakeTarget('other')];
  const { started, put, pass } = lab(away, other);
  const deliveries = await started();
  await put(deliveries, '1', '2');
  await expect.poll(() => other.got).toEqual(['1', '2']);
  await expect.poll(() => deliveries.counts.failed).toBe(1);
  for (let tries = 1; tries < 10; tries++) {
    const waitMs = Math.min(ALERT_RETRY_MS_MAX, ALERT_RETRY_MS_MIN * 2 ** (tries - 1));
    pass(waitMs - 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(away.tried).toHaveLength(tries);
    pass(1);
    await expect.poll(() => deliveries.counts.failed).toBe(tries + 1);
  }
  // The same message has the same id at each try: a receiver knows it again.
  expect(new Set(away.tried).size).toBe(1);
  away.failure = undefined;
  pass(ALERT_RETRY_MS_MAX);
  await expect.poll(() => away.got).toEqual(['1', '2']);
});

test('a restart continues with what was not sent; messages to a target that is not configured any more go', async () => {
  const [away, gone] = [new FakeTarget('away', 'it is away'), new FakeTarget('gone', 'it is away')];
  const { started, put, pass, stored } = lab(away, gone);
  const first = await started();
  await put(first, '1', '2');
  await expect.poll(() => first.counts.failed).toBe(2);
  await expect.poll(() => stored().filter(({ tries }) => tries === 1)).toHaveLength(2);
  await first.stop();
  away.failure = undefined;
  const second = await started([away]);
  expect(stored().map(({ target }) => target)).toEqual(['away', 'away']);
  // Its wait goes over the restart too.
  expect(away.got).toEqual([]);
  pass(ALERT_RETRY_MS_MIN);
  await expect.poll(() => away.got).toEqual(['1', '2']);
  await put(second, '3');
  await expect.poll(() => away.got).toEqual(['1', '2', '3']);
  expect(new Set(away.tried).size).toBe(3);
});

test('after three days a message is given up, and the next one is tried', async () => {
  const away = new FakeTarget('away', 'it is away');
  const { started, put, pass, stored } = lab(away);
  const deliveries = await started();
  await put(deliveries, '1');
  await expect.poll(() => deliveries.counts.failed).toBe(1);
  pass(ALERT_GIVE_UP_MS);
  await expect.poll(() => deliveries.counts['given-up']).toBe(1);
  await expect.poll(stored).toEqual([]);
  away.failure = undefined;
  await put(deliveries, '2');
  await expect.poll(() => away.got).toEqual(['2']);
});

test('a target that is away for long has a bounded queue; what is too much is counted', async () => {
  const away = new FakeTarget('away', 'it is away');
  const { started, put, stored } = lab(away);
  const deliveries = await started();
  await put(deliveries, ...Array.from({ length: ALERT_DELIVERIES_MAX + 3 }, (_, at) => `${at}`));
  expect(deliveries.counts.dropped).toBe(3);
  expect(stored()).toHaveLength(ALERT_DELIVERIES_MAX);
});

test('a test message is sent at once, whatever waits, and tells what came of it', async () => {
  const { started } = lab(new FakeTarget('a'), new FakeTarget('b', 'it answers 401'));
  const deliveries = await started();
  expect(await deliveries.test(message('test'))).toEqual([{ target: 'a' }, { target: 'b', failure: 'it answers 401' }]);
});
