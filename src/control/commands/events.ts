/**
 * The events of a change: which zones changed and who changed them, and the steps in the lives of their mail.
 * Not here: writing them down (store/events.ts), sending them (control/events/feed.ts).
 */
import { formatPlace } from '#base/place.ts';
import { type Problem, withoutPath } from '#base/problem.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type EventWrite } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';

/** Who did what. */
export interface EventCause {
  readonly actor: Actor;
  readonly action: string;
}

/** The zone has another serial, or is signed or not any more. Where the actor came from is for the audit log only. */
export function zoneChanged({ name, serial, dnssec }: ZoneRecord, { actor, action }: EventCause): EventWrite {
  const text = `serial ${serial}, ${dnssec === 'on' ? 'signed' : 'unsigned'}`;
  return { kind: 'zone', event: 'changed', zone: name, text, actor: { kind: actor.kind, id: actor.id }, action, serial };
}

export function zoneRemoved({ name, serial }: ZoneRecord, { actor, action }: EventCause): EventWrite {
  return {
    kind: 'zone',
    event: 'removed',
    zone: name,
    text: 'no longer served',
    actor: { kind: actor.kind, id: actor.id },
    action,
    serial,
  };
}

export function mailEvent(zone: string, { event, machine, object, stage, text }: LifecycleEvent): EventWrite {
  return { kind: 'mail', event, zone, text, machine, object, stage };
}

export function certificateEvent(zone: string, { event, machine, object, stage, text }: LifecycleEvent): EventWrite {
  return { kind: 'certificate', event, zone, text, machine, object, stage };
}

export function dnssecEvent(zone: string, life: LifecycleEvent): EventWrite {
  return { ...mailEvent(zone, life), kind: 'dnssec' };
}

/** A report about the zone's mail was taken in. */
export function reportEvent(zone: string, text: string): EventWrite {
  return { kind: 'mail', event: 'report', zone, text };
}

/** A logo was uploaded for the zone, or taken back. */
export function uploadEvent(zone: string, text: string): EventWrite {
  return { kind: 'mail', event: 'upload', zone, text };
}

/** The operator should look: `code` of the problem, what it is about, how bad it is, and what to do. */
export function alertEvent(zone: string | undefined, alert: Problem): EventWrite {
  const { code, at, message, severity, fix } = withoutPath(alert);
  const place = at.kind === 'whole' || at.kind === 'zone' ? undefined : formatPlace(at);
  return {
    kind: 'alert',
    event: code,
    ...(zone === undefined ? {} : { zone }),
    ...(place === undefined ? {} : { object: place }),
    text: place === undefined ? message : `${place}: ${message}`,
    severity,
    ...(fix === undefined ? {} : { fix }),
  };
}
