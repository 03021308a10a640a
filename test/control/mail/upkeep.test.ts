/** Steps of mail as due work: which zones are due, who is asked what, and what is left of a zone that goes or fails. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WHOLE } from '#base/place.ts';
import { MailSteps } from '#control/mail/steps.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { type ZoneSecondaries } from '#control/outside/zone-secondaries.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type LifecycleCheck } from '#lifecycle/lives.ts';
import { StoreFailure } from '#store/failure.ts';
import { MAIL_ZONE_TEXT, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('post.example.');
const OTHER = nameOf('other.example.');
const LISTED = '192.0.2.54:53';
const POLICY = { mtaSts: { mode: 'off' }, dkim: { algorithms: ['ed25519'] } };

/** Two zones with a mail policy and one without. */
async function house(witnesses: Partial<OutsideWitnesses> = {}) {
  const made = temporaryControl({ witnesses: { nameServers: new Map(), probes: new Map(), ...witnesses } });
  for (const zone of ['post.example.', 'other.example.', 'plain.example.']) await made.load(zone, MAIL_ZONE_TEXT);
  for (const zone of [ZONE, OTHER]) good(await made.run({ kind: 'mail.apply', zone, policy: POLICY }));
  made.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const source = made.control.lifecycles.sources.find(({ name }) => name === 'mail')!;
  const preview = vi.spyOn(MailSteps.prototype, 'preview');
  const ran = vi.spyOn(made.control, 'run');
  onTestFinished(() => void vi.restoreAllMocks());
  return {
    ...made,
    source,
    ran,
    /** What the zone waits for, from here on. */
    async waitFor(checks: readonly LifecycleCheck[]) {
      good(await source.work(ZONE));
      const step = preview.mock.results.at(0)!;
      if (step.type !== 'return' || step.value === undefined) throw new Error('the zone has no step');
      preview.mockReturnValue({ ...step.value, checks });
    },
    /** Does the zone's work; what was seen, as `place what good`, or the text where it was not. */
    async seen() {
      await source.work(ZONE);
      const [command] = ran.mock.lastCall!;
      if (command.kind !== 'lifecycle.tick') throw new Error(command.kind);
      return command.observations.map(({ place, what, isGood, text }) => `${place} ${what} ${isGood ? 'good' : text}`);
    },
  };
}

/** The address of mx1, which the zone has. */
const recordAt = (place: string, dueMs = 0): LifecycleCheck => ({
  machine: 'test',
  object: 'mx1',
  what: 'record',
  place,
  dueMs,
  expect: { kind: 'record', owner: nameOf('mx1.post.example.'), type: TYPE.A, text: '192.0.2.25' },
});

describe('zones that are due', () => {
  test('are those whose mail has a time, once it has come', async () => {
    const { source } = await house();
    const nextMs = source.nextDueMs()!;
    expect(source.due(nextMs - 1, 10)).toEqual([]);
    const due = source.due(Number.MAX_SAFE_INTEGER - 1, 10);
    expect(due.map(formatName).toSorted()).toEqual(['other.example.', 'post.example.']);
  });
});

describe('what is looked at', () => {
  test('this server, a listed name server and a probe are each asked for what waits for them', async () => {
    const lookup = () => Promise.resolve({ kind: 'nxdomain' } as const);
    const probe = (url: string) => Promise.reject(new Error(`no body at ${url}`));
    const made = await house({ nameServers: new Map([[LISTED, { lookup }]]), probes: new Map([['probe', probe]]) });
    const body = { kind: 'body', url: 'https://mta-sts.post.example/', id: '1' } as const;
    await made.waitFor([recordAt('this server'), recordAt(LISTED), { ...recordAt('probe'), what: 'body', expect: body }]);
    expect(await made.seen()).toEqual([
      'this server record good',
      `${LISTED} record NXDOMAIN`,
      'probe body no body at https://mta-sts.post.example/',
    ]);
  });

  test('not what is due later, not a place that is unknown, not what comes by itself', async () => {
    const made = await house();
    const nowMs = made.control.lifecycles.nowMs();
    const { expect: _nothing, ...report } = { ...recordAt('this server'), what: 'report' };
    await made.waitFor([recordAt('this server', nowMs), recordAt('this server', nowMs + 1), recordAt('192.0.2.99:53'), report]);
    expect(await made.seen()).toEqual(['this server record good']);
  });

  test('this server shows nothing while a worker does not serve the newest records', async () => {
    const made = await house();
    await made.waitFor([recordAt('this server')]);
    vi.spyOn(made.publisher, 'waitServed').mockResolvedValue(false);
    expect(await made.seen()).toEqual(['this server record not every worker serves the newest records yet']);
  });

  test('whether a selector is asked for is known of this server alone, and without a look', async () => {
    const made = await house();
    const queries = { machine: 'test', object: 's1', what: 'queries', dueMs: 0 };
    await made.waitFor([
      { ...queries, place: 'this server' },
      { ...queries, place: LISTED },
    ]);
    expect(await made.seen()).toEqual(['this server queries the answer process tells no counts']);
  });

  test('the step follows what was seen, and the scheduler for mail takes it', async () => {
    const made = await house();
    good(await made.source.work(ZONE));
    const [command, options] = made.ran.mock.lastCall!;
    expect(command).toMatchObject({ kind: 'lifecycle.tick', zone: ZONE });
    expect(options).toEqual({ actor: { kind: 'system', id: 'mail', from: '' }, dryRun: false });
  });
});

describe('a zone alone has its problem', () => {
  test('when the store fails there; others are done', async () => {
    const made = await house();
    const other = made.writer.zoneByName(OTHER);
    vi.spyOn(made.writer, 'zoneByName').mockImplementation((name) => {
      if (Buffer.compare(name, ZONE) === 0) throw new StoreFailure('STORE_FULL', WHOLE, 'no space');
      return other;
    });
    expect(bad(await made.source.work(ZONE))).toMatchObject([{ code: 'STORE_FULL' }]);
    expect(good(await made.source.work(OTHER))).toEqual([]);
    expect(made.fatal).toEqual([]);
  });

  test('when it is not served', async () => {
    const made = await house();
    expect(bad(await made.source.work(nameOf('gone.example.')))).toMatchObject([{ code: 'ZONE_NOT_FOUND' }]);
  });

  test('when it goes while its name servers are looked up: nothing of it is looked at', async () => {
    const changes: (() => Promise<unknown>)[] = [];
    const refresh = async () => void (await changes.pop()?.());
    const secondaries = { refresh, places: () => [] } as unknown as ZoneSecondaries;
    const made = await house({ secondaries });
    await made.waitFor([recordAt('this server')]);
    changes.push(async () => good(await made.run({ kind: 'zone.remove', zone: ZONE })));
    expect(await made.seen()).toEqual([]);
    expect(made.control.zones.find(ZONE)).toBeUndefined();
  });
});
