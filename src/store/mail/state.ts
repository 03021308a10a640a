/**
 * The state of everything that a zone's mail policy set going, in the store: with the time that it is due next, and
 * beside it the names that it watches, so that a change elsewhere in the zone need not read it. Checked when it is
 * read: what is on a disk may have been changed there.
 * Not here: how state changes (mail/step.ts), transactions (control/mail/decide.ts).
 */
import { type DkimState } from '#mail/dkim/lifecycle.ts';
import { type MailState } from '#mail/state.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { isArrayOf, isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';
import { isStoredState, readState, storedState } from './state-form.ts';

/** Kind of the documents of a zone's mail; its state has the time that it is due. */
export const MAIL_KIND = 'mail';
const STATE = 'state';
const HOSTS = 'hosts';

const STATES = new DocumentCache<MailState>(MAIL_KIND, STATE);

/** Undefined when the zone has no mail policy. Throws STORE_DAMAGED. */
export function readMailState(reader: StoreReader, zoneId: number): MailState | undefined {
  return STATES.read(reader, zoneId, (value) => meaningOf(value, zoneId));
}

/** The same for a reader that passes through all zones: what others read often is not pushed out for it. */
export function readMailStateInPassing(reader: StoreReader, zoneId: number): MailState | undefined {
  const value = reader.document(zoneId, MAIL_KIND, STATE);
  return value === undefined ? undefined : meaningOf(value, zoneId);
}

function meaningOf(value: unknown, zoneId: number): MailState {
  if (!isStoredState(value)) throw formFailure(`the mail state of zone id ${zoneId}`);
  return readState(value);
}

export function readDkimState(reader: StoreReader, zoneId: number): DkimState | undefined {
  return readMailState(reader, zoneId)?.dkim;
}

/** Hosts with TLSA of the zone's mail policy, absolute and in lower case; empty when the zone has no policy. */
export function readMailHosts(reader: StoreReader, zoneId: number): readonly string[] {
  const value = reader.document(zoneId, MAIL_KIND, HOSTS);
  // Stored by a version that did not write them apart: the next step does.
  if (value === undefined) return hostsOf(readMailState(reader, zoneId));
  if (!isHosts(value)) throw formFailure(`the mail hosts of zone id ${zoneId}`);
  return value;
}

/** `dueAtMs` is counted time. */
export function stateWrites(zoneId: number, value: MailState | null, dueAtMs?: number): DocumentWrite[] {
  return [
    {
      zoneId,
      kind: MAIL_KIND,
      id: STATE,
      value: value === null ? null : storedState(value),
      ...(dueAtMs === undefined ? {} : { dueAtMs }),
    },
    { zoneId, kind: MAIL_KIND, id: HOSTS, value: value === null ? null : hostsOf(value) },
  ];
}

/** The zone's mail is due at `nowMs`, counted time; nothing when it has no policy. */
export function wakeWrite(zoneId: number, nowMs: number): DocumentWrite {
  return { zoneId, kind: MAIL_KIND, id: STATE, wakeAtMs: nowMs };
}

function hostsOf(state: MailState | undefined): readonly string[] {
  return [...new Set(state?.tlsa.lifecycle.objects.map(({ data }) => data.host))];
}

const isHosts = isArrayOf(isString);
