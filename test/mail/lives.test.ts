/**
 * The lives of mail are a list. A life of another kind, registered beside them, is stepped, observed, held, overridden and explained by
 * the product's own loops; nothing else in the product knows it.
 */
import { describe, expect, test } from 'vitest';
import { takeLifecycleOrder } from '#control/lifecycle/orders.ts';
import { takeOrder } from '#control/mail/orders.ts';
import { parseName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { expectRecord } from '#lifecycle/expectation.ts';
import { checkedMachine } from '#lifecycle/machine.ts';
import { addObject, findObject, type LifecycleState, newLifecycle } from '#lifecycle/state.ts';
import { worldOf } from '#lifecycle/world.ts';
import { MAIL_LIVES, type MailLife } from '#mail/lives.ts';
import { type MailState } from '#mail/state.ts';
import { explainMail } from '#mail/step.ts';
import { APEX, HOUR_MS, MailDomain, START_MS } from '../support/mail/mail-domain.ts';
import { bad, good } from '../support/temporary-control.ts';

interface Pigeon {
  readonly name: string;
}
/** A state that the toy is kept in: the three things that a life needs are this, its machine, and its entry in the list. */
type ToyState = MailState & { readonly pigeons?: LifecycleState<Pigeon> };

const TOY_LIFE: MailLife<Pigeon> = {
  machine: checkedMachine({
    kind: 'pigeon',
    first: 'hatched',
    last: ['flown'],
    checkEveryMs: HOUR_MS,
    transitions: [
      {
        from: 'hatched',
        to: 'ringed',
        waits: [
          { kind: 'gate', id: 'seen', who: 'its ring to be seen', why: 'it is lost', observation: 'ring', places: 'servers' },
          { kind: 'time', id: 'rest', who: 'it to rest', why: 'it is tired', since: 'seen', terms: ['rest'] },
        ],
      },
      { from: 'ringed', to: 'flown', waits: [{ kind: 'condition', id: 'wind', who: 'wind', why: 'it walks' }] },
    ],
  }),
  get: (state: ToyState) => state.pigeons ?? newLifecycle<Pigeon>(),
  set: (state, pigeons): ToyState => ({ ...state, pigeons }),
  prepare: (state: ToyState, { facts }) => {
    if (state.pigeons !== undefined) return state;
    const pigeons = addObject(newLifecycle<Pigeon>(), { id: 'bert', group: 'p', stage: 'hatched', data: { name: 'Bert' } }, facts.nowMs);
    return { ...state, pigeons } satisfies ToyState;
  },
  world: (_state, { facts }) =>
    worldOf(
      facts,
      { durations: { rest: () => HOUR_MS }, conditions: { wind: () => ({ isMet: false, text: 'calm' }) } },
      (object, wait) => `pigeon shoo ${object} ${wait}`,
    ),
  expect: (_check, _state, { domain }) => expectRecord('record', parseName('bert', domain), TYPE.TXT, 'coo'),
  isSerialNoted: true,
};
const LIVES = [...MAIL_LIVES, TOY_LIFE];
const POLICY = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' } };

class ToyDomain extends MailDomain {
  override step(afterMs = 0, more: Parameters<MailDomain['step']>[1] = {}) {
    return super.step(afterMs, { lives: LIVES, ...more });
  }

  get pigeon() {
    return findObject(TOY_LIFE.get(this.state), 'bert');
  }

  order(order: object) {
    const given = { zone: APEX, object: 'bert', reason: 'test', ...order } as Parameters<typeof takeOrder>[0];
    return takeOrder(given, { ...this.context(), state: this.state, by: 'ann', lives: LIVES });
  }
}

describe('a life in the list', () => {
  test('begins, is looked for in a zone that is new enough, observed, and waits', () => {
    const domain = new ToyDomain(POLICY);
    const first = domain.step();
    expect(first.events.filter(({ machine }) => machine === 'pigeon').map(({ event }) => event)).toEqual(['waiting']);
    // Which serial has what was done is known from the next step on.
    expect(first.nextDueMs).toBe(START_MS + 1000);
    expect(first.checks.filter(({ machine }) => machine === 'pigeon')).toEqual([
      { machine: 'pigeon', object: 'bert', what: 'ring', place: 'this server', dueMs: START_MS },
    ]);
    const second = domain.step(1000);
    expect(second.checks.find(({ object }) => object === 'bert')?.expect).toEqual({
      kind: 'record',
      owner: good(parseName('bert', APEX)),
      type: TYPE.TXT,
      text: 'coo',
      serial: 1,
    });
    const seen = domain.look(1000);
    expect(seen.nextDueMs).toBe(domain.nowMs + HOUR_MS);
    domain.step(HOUR_MS);
    expect(domain.pigeon).toMatchObject({ stage: 'ringed', data: { name: 'Bert' }, history: [{ evidence: [{ wait: 'seen' }, {}] }] });
  });

  test('is explained with its own command', () => {
    const domain = new ToyDomain(POLICY);
    domain.step();
    const explained = explainMail(domain.state, domain.context(), LIVES).find(({ machine }) => machine === 'pigeon');
    expect(explained!.lines).toContain('    to continue without: pigeon shoo bert rest');
  });

  test('is held and goes on, by its name and with all others', () => {
    const domain = new ToyDomain(POLICY);
    domain.step();
    domain.look(1000);
    for (const object of [{}, { object: undefined }]) {
      const held = good(domain.order({ kind: 'lifecycle.hold', ...object }));
      domain.state = held.state;
      domain.step(2 * HOUR_MS);
      expect(domain.pigeon?.stage).toBe('hatched');
      domain.state = good(domain.order({ kind: 'lifecycle.resume', ...object })).state;
    }
    domain.step();
    expect(domain.pigeon?.stage).toBe('ringed');
  });

  test('one of its waits is overridden, and only a wait that it has', () => {
    const domain = new ToyDomain(POLICY);
    domain.step();
    expect(bad(domain.order({ kind: 'lifecycle.override', wait: 'wind' }))[0]?.code).toBe('LIFECYCLE_WAIT');
    const taken = good(domain.order({ kind: 'lifecycle.override', wait: 'seen' }));
    expect(taken).toMatchObject({ detail: 'bert does not wait for seen: test', note: { object: 'bert' } });
    domain.state = taken.state;
    domain.step(HOUR_MS);
    expect(domain.pigeon?.stage).toBe('ringed');
  });

  test('without its entry nothing knows it', () => {
    const domain = new ToyDomain(POLICY);
    domain.step();
    const order = { kind: 'lifecycle.resume', zone: APEX, object: 'bert' } as const;
    const taken = takeLifecycleOrder(MAIL_LIVES, domain.state, order, { by: 'ann', nowMs: 0 });
    expect(bad(taken)[0]?.code).toBe('LIFECYCLE_OBJECT');
  });
});

test('each life of mail is there once, and keeps its objects where it finds them', () => {
  const domain = new MailDomain({ dane: { hosts: { mx1: { keys: [`3 1 1 ${'1'.repeat(64)}`] } } }, bimi: { hosted: true } });
  domain.policyHost = { addresses: ['9.9.9.9'], unreachable: [] };
  domain.bimiUploads = { default: { logo: `${'a'.repeat(32)}.svg` } };
  domain.step();
  expect(MAIL_LIVES.map(({ machine }) => machine.kind)).toEqual([
    'dkim',
    'dmarc',
    'mta-sts',
    'mta-sts-policy-host',
    'mta-sts-body',
    'mta-sts-host',
    'tlsa',
    'bimi-host',
    'bimi-logo',
  ]);
  for (const life of MAIL_LIVES) {
    expect(life.get(domain.state).objects.length).toBeGreaterThan(0);
    expect(life.set(domain.state, life.get(domain.state))).toEqual(domain.state);
  }
});
