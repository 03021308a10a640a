/**
 * Orders of operators and signers to the lives of a zone's mail → its state with them taken in. Pure. What follows from an order is
 * done by the next step (mail/step.ts), in the same transaction.
 * Not here: the policy itself (mail.apply), carrying out (decide.ts).
 */
import { unreachable } from '#base/assert.ts';
import { atObject, inBody } from '#base/place.ts';
import { type Result, fail, ok, placeAt, problem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { parseRequestName } from '#dns/request-name.ts';
import { type LifecycleEvent, type OrderCause } from '#lifecycle/engine.ts';
import { type Hold, findObject, holdLifecycle, noObject, resumeLifecycle } from '#lifecycle/state.ts';
import { dkimRecordFor, readDkimPublicKey } from '#mail/dkim/key.ts';
import { type NewDkimKey, acknowledgeDkim, revokeDkim, rotateDkim } from '#mail/dkim/lifecycle.ts';
import { DMARC_OBJECT, dmarcStage, rollBackDmarc } from '#mail/dmarc/ramp.ts';
import { DMARC_POLICIES } from '#mail/dmarc/record.ts';
import { MAIL_LIVES, type MailContext, type MailLife, TLSA_LIFE } from '#mail/lives.ts';
import { type MailState } from '#mail/state.ts';
import { readTlsaKey } from '#mail/dane/settle.ts';
import { comingTlsa, notBeforeDeploy, tlsaAbandon, tlsaActivated, tlsaNext } from '#mail/dane/lifecycle.ts';
import { type MailCommand, type MailNote } from '#control/api/mail.ts';
import { takeLifecycleOrder } from '#control/lifecycle/orders.ts';

/** Commands that change a state and leave the policy alone. */
export type MailOrder = Exclude<
  MailCommand,
  {
    readonly kind:
      | 'mail.apply'
      | 'mail.remove'
      | 'mta-sts.mode'
      | 'bimi.upload'
      | 'bimi.remove'
      | 'spf.take'
      | 'dmarc.report'
      | 'dmarc.source'
      | 'mta-sts.report'
      | 'lifecycle.tick';
  }
>;

export interface OrderContext extends MailContext {
  readonly state: MailState;
  /** Who gives the order, for histories: `token deploy`. */
  readonly by: string;
  /** All of mail, unless a test adds one. */
  readonly lives?: readonly MailLife[];
}

export interface OrderTaken {
  readonly state: MailState;
  readonly events: readonly LifecycleEvent[];
  /** Keys that the order brings along. */
  readonly newKeys: readonly NewDkimKey[];
  /** One line for the audit log. */
  readonly detail: string;
  readonly note: MailNote;
}

/** Takes the order in, or says why not. */
export function takeOrder(order: MailOrder, context: OrderContext): Result<OrderTaken> {
  const { state, facts, by, lives = MAIL_LIVES } = context;
  const cause = (reason: string): OrderCause => ({ reason, by, nowMs: facts.nowMs });
  const hold = (reason: string): Hold => ({ reason, by, atMs: facts.nowMs });
  switch (order.kind) {
    case 'dkim.rotate': {
      const rotated = rotateDkim(state.dkim, order.algorithms, cause(order.reason));
      const which = order.algorithms.length === 0 ? 'all keys' : order.algorithms.join(', ');
      return rotated.ok ? taken({ ...state, dkim: rotated.value }, `rotation of ${which}: ${order.reason}`) : rotated;
    }
    case 'dkim.revoke': {
      const revoked = revokeDkim(state.dkim, order.selector, order.when, cause(order.reason));
      if (!revoked.ok) return revoked;
      const detail = `selector ${order.selector} compromised, ${order.when}: ${order.reason}`;
      return taken({ ...state, dkim: revoked.value.state }, detail, { events: revoked.value.events, note: { object: order.selector } });
    }
    case 'dkim.ack': {
      const { signer, selectors, isAll = false } = order;
      const dkim = acknowledgeDkim(state.dkim, { signer, selectors, isAll }, facts.nowMs);
      if (!dkim.ok) return dkim;
      const names = selectors.join(', ') || 'no key';
      return taken({ ...state, dkim: dkim.value }, `${signer} signs with ${names}${isAll ? ' and no other' : ''}`);
    }
    case 'dkim.add':
      return addKey(order, context);
    case 'dmarc.ramp':
      return orderRamp(order, context, hold(order.reason), cause(order.reason));
    case 'tlsa.next':
      return nextTlsa(order, context);
    case 'tlsa.activated':
      return activateTlsa(order, context);
    case 'tlsa.abandon':
      return abandonTlsa(order, context, cause(order.reason));
    case 'lifecycle.hold':
    case 'lifecycle.resume':
    case 'lifecycle.override': {
      const { object } = order;
      const done = takeLifecycleOrder(lives, state, order, { by, nowMs: facts.nowMs });
      if (!done.ok) return done;
      return taken(done.value.state, done.value.detail, { note: object === undefined ? {} : { object } });
    }
    default:
      return unreachable(order);
  }
}

function taken(state: MailState, detail: string, more: Partial<Pick<OrderTaken, 'events' | 'newKeys' | 'note'>> = {}): Result<OrderTaken> {
  return ok({ state, detail, events: [], newKeys: [], note: {}, ...more });
}

function addKey({ signer, publicKey }: Extract<MailOrder, { kind: 'dkim.add' }>, { state, policy }: OrderContext): Result<OrderTaken> {
  if (!policy.dkim.signers.includes(signer))
    return fail(
      problem('LIFECYCLE_OBJECT', atObject(signer), `the mail policy names no signer ${JSON.stringify(signer)}`, {
        fix: 'add it to dkim.signers of the mail policy',
      }),
    );
  const key = readDkimPublicKey(publicKey);
  if (!key.ok) return fail(...key.problems);
  const record = dkimRecordFor(key.value);
  if (!record.ok) return fail(...record.problems);
  const text = Buffer.from(record.value.publicKey).toString('base64');
  if (state.dkim.lifecycle.objects.some(({ data }) => data.publicKey === text))
    return fail(
      problem('LIFECYCLE_ORDER', atObject(signer), 'this key has a selector already', { fix: 'make a new one for each rotation' }),
    );
  const algorithm = record.value.keyType === 'rsa' ? 'rsa2048' : 'ed25519';
  return taken(state, `key of ${signer} (${algorithm})`, { newKeys: [{ algorithm, publicKey: text, signer }] });
}

function orderRamp(
  { action, to, reason }: Extract<MailOrder, { kind: 'dmarc.ramp' }>,
  { state }: OrderContext,
  hold: Hold,
  cause: OrderCause,
): Result<OrderTaken> {
  const done = (dmarc: MailState['dmarc'], detail: string) => taken({ ...state, dmarc }, detail, { note: { object: DMARC_OBJECT } });
  if (action === 'resume') {
    const resumed = resumeLifecycle(state.dmarc, DMARC_OBJECT);
    return resumed.ok ? done(resumed.value, 'DMARC ramp continues') : resumed;
  }
  if (reason.trim() === '')
    return fail(problem('LIFECYCLE_REASON', atObject(DMARC_OBJECT), `${action} needs a reason, which is written into the audit log`));
  if (action === 'pause') {
    const held = holdLifecycle(state.dmarc, DMARC_OBJECT, hold);
    return held.ok ? done(held.value, `DMARC ramp paused: ${reason}`) : held;
  }
  const stage = DMARC_POLICIES.indexOf(dmarcStage(state.dmarc));
  const target = to ?? DMARC_POLICIES[Math.max(0, stage - 1)]!;
  const back = rollBackDmarc(state.dmarc, target, cause);
  return back.ok ? done(back.value, `DMARC ramp back to ${target}: ${reason}`) : back;
}

function nextTlsa(order: Extract<MailOrder, { kind: 'tlsa.next' }>, context: OrderContext): Result<OrderTaken> {
  const { state, facts } = context;
  const host = parseRequestName(order.host, order.zone);
  if (!host.ok) return host;
  const record = readTlsaKey(order.key);
  if (!record.ok) return fail(...placeAt(record.problems, inBody('/key')));
  const { port, replaces } = order;
  const next = tlsaNext(
    state.tlsa,
    {
      host: host.value,
      record: record.value,
      ...(port === undefined ? {} : { port }),
      ...(replaces === undefined ? {} : { replaces }),
    },
    facts.nowMs,
  );
  if (!next.ok) return next;
  const { id } = next.value;
  const time = notBeforeDeploy(next.value.state, id, TLSA_LIFE.world(state, context));
  const note = time.ok ? { object: id, notBeforeMs: time.value.atMs + facts.wallOffsetMs, isFinal: time.value.isFinal } : { object: id };
  return taken({ ...state, tlsa: next.value.state }, `${id}: next key of ${formatName(host.value)}`, { note });
}

function activateTlsa(
  { zone, host: text, object, force }: Extract<MailOrder, { kind: 'tlsa.activated' }>,
  context: OrderContext,
): Result<OrderTaken> {
  const { state } = context;
  const coming = comingKey(state, zone, text, object, 'publish it first with: waxseal tlsa next');
  if (!coming.ok) return coming;
  const { id, host } = coming.value;
  const activated = tlsaActivated(state.tlsa, id, TLSA_LIFE.world(state, context), force);
  if (!activated.ok) return activated;
  return taken({ ...state, tlsa: activated.value }, `${id} is in use at ${host}${force ? ' (forced)' : ''}`, { note: { object: id } });
}

function abandonTlsa(
  { zone, host: text, object, reason }: Extract<MailOrder, { kind: 'tlsa.abandon' }>,
  { state }: OrderContext,
  cause: OrderCause,
): Result<OrderTaken> {
  const coming = comingKey(state, zone, text, object, 'see: waxseal tlsa list');
  if (!coming.ok) return coming;
  const { id, host } = coming.value;
  const abandoned = tlsaAbandon(state.tlsa, id, cause);
  if (!abandoned.ok) return abandoned;
  const detail = `${id}, a key to come at ${host}, given up: ${reason}`;
  return taken({ ...state, tlsa: abandoned.value.state }, detail, { events: abandoned.value.events, note: { object: id } });
}

/** The key of a host that an order is about: the one named, which must be the host's, or the only one to come. */
function comingKey(
  { tlsa }: MailState,
  zone: Name,
  text: string,
  object: string | undefined,
  fix: string,
): Result<{ readonly id: string; readonly host: string }> {
  const name = parseRequestName(text, zone);
  if (!name.ok) return name;
  const host = formatName(name.value).toLowerCase();
  if (object !== undefined) {
    const named = findObject(tlsa.lifecycle, object);
    return named?.data.host === host ? ok({ id: object, host }) : noObject(object);
  }
  const coming = comingTlsa(tlsa, host);
  const [only] = coming;
  if (only !== undefined && coming.length === 1) return ok({ id: only.id, host });
  return fail(
    problem(
      'LIFECYCLE_OBJECT',
      atObject(host),
      only === undefined ? 'no key is to come at this host' : 'several keys are to come at this host',
      {
        fix: only === undefined ? fix : `say which: ${coming.map(({ id }) => id).join(', ')}`,
      },
    ),
  );
}
