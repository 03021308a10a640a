/**
 * A DNS message on its way from the answer process to control, as it came, with where it came from: the body of a call
 * (calls.ts). The reply's body is the answer; of no octets: there is none.
 * Not here: who may ask for what (control/update/).
 */
import { IPV4_BYTES, IPV6_BYTES, type ClientAddress } from '#base/client-address.ts';

export interface HandedMessage {
  /** TLS counts as TCP. */
  readonly transport: 'udp' | 'tcp';
  /** Network order; of no octets when it is not known. */
  readonly address: Uint8Array;
  readonly message: Uint8Array;
}

type Transport = HandedMessage['transport'];

/** Copies. */
export function writeHandedMessage(transport: Transport, client: ClientAddress | undefined, message: Uint8Array) {
  const addressLength = client?.length ?? 0;
  const body = new Uint8Array(2 + addressLength + message.length);
  body[0] = transport === 'tcp' ? 1 : 0;
  body[1] = addressLength;
  if (client !== undefined) body.set(client.octets.subarray(0, addressLength), 2);
  body.set(message, 2 + addressLength);
  return body;
}

/** Undefined when it is none: the answer process may have been taken over. */
export function readHandedMessage(body: Uint8Array): HandedMessage | undefined {
  const [transport, length] = body;
  if (transport === undefined || length === undefined || transport > 1) return undefined;
  if (length !== 0 && length !== IPV4_BYTES && length !== IPV6_BYTES) return undefined;
  if (body.length < 2 + length) return undefined;
  const address = body.subarray(2, 2 + length);
  return { transport: transport === 1 ? 'tcp' : 'udp', address, message: body.subarray(2 + length) };
}
