/**
 * Messages about alerts on their way to a target, in the store until the target has them: none is lost when a process
 * ends. Each is due at its next try, in counted time.
 * Not here: sending (control/alerts/deliveries.ts).
 */
import { type DocumentWrite } from '#store/due/documents.ts';
import { type Whole, readWhole } from './alerts.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export interface StoredDelivery {
  readonly version: 1;
  /** Counts up; decides the order. */
  readonly id: string;
  /** `webhook URL`, `command`, `syslog`. */
  readonly target: string;
  /** JSON text, as it is sent. */
  readonly body: string;
  readonly tries: number;
  /** Counted time. */
  readonly madeMs: number;
  readonly dueMs: number;
}

const KIND = 'alert-delivery';

/** Oldest first. */
export function readDeliveries(reader: StoreReader): Whole<StoredDelivery> {
  return readWhole(reader, KIND, isDelivery);
}

function isDelivery(value: unknown): value is StoredDelivery {
  return hasFields(value, {
    version: (version) => version === 1,
    id: 'string',
    target: 'string',
    body: 'string',
    tries: 'number',
    madeMs: 'number',
    dueMs: 'number',
  });
}

export function deliveryWrite(delivery: StoredDelivery): DocumentWrite {
  return { zoneId: 0, kind: KIND, id: delivery.id, value: delivery };
}

export function deliveryRemoval(id: string): DocumentWrite {
  return { zoneId: 0, kind: KIND, id, value: null };
}

/** 16 digits, so that the order of octets is that of numbers. */
export function deliveryId(number: number): string {
  return String(number).padStart(16, '0');
}
