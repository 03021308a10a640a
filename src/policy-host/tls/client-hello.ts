/**
 * The server name in the first octets of a TLS connection, read before OpenSSL gets them: so each host has a context of
 * its own from the beginning, and with it ticket keys of its own, which open no session of another host; and a session
 * that is resumed has a name too.
 * Implements: RFC 8446 §4.1.2 (ClientHello), §5.1 (records), RFC 5246 §7.4.1.2, RFC 6066 §3 (server_name).
 * Not here: judging the hello. What is not well formed has no name, and OpenSSL tells the client what is wrong.
 */
import { CLIENT_HELLO_BYTES_MAX, CLIENT_HELLO_RECORDS_MAX } from '#base/limits/https.ts';

/** `more`: what has come is the beginning of a hello. */
export type PeekedName = { readonly kind: 'more' } | { readonly kind: 'name'; readonly name: string | undefined };

const MORE: PeekedName = { kind: 'more' };
const NAMELESS: PeekedName = { kind: 'name', name: undefined };

const RECORD_HANDSHAKE = 22;
const RECORD_HEAD_BYTES = 5;
/** RFC 8446 §5.1: of a record that is not encrypted. */
const RECORD_BYTES_MAX = 1 << 14;
const CLIENT_HELLO = 1;
const MESSAGE_HEAD_BYTES = 4;
/** legacy_version and random. */
const FIXED_BYTES = 34;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/** `octets`: all that the client has sent. */
export function peekServerName(octets: Buffer): PeekedName {
  const hello = joinRecords(octets);
  if (hello === 'more') return octets.length < CLIENT_HELLO_BYTES_MAX ? MORE : NAMELESS;
  return hello === undefined ? NAMELESS : { kind: 'name', name: serverNameOf(hello) };
}

/** The ClientHello without its head; undefined: this is none. A hello may stand in several records. */
function joinRecords(octets: Buffer): Buffer | 'more' | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; parts.length < CLIENT_HELLO_RECORDS_MAX;) {
    if (at < octets.length && octets[at] !== RECORD_HANDSHAKE) return undefined;
    if (octets.length < at + RECORD_HEAD_BYTES) return 'more';
    const length = octets.readUInt16BE(at + 3);
    if (octets[at + 1] !== 3 || length === 0 || length > RECORD_BYTES_MAX) return undefined;
    at += RECORD_HEAD_BYTES;
    parts.push(octets.subarray(at, at + length));
    const message = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    if (message.length >= MESSAGE_HEAD_BYTES) {
      const end = MESSAGE_HEAD_BYTES + message.readUIntBE(1, 3);
      if (message[0] !== CLIENT_HELLO || end > CLIENT_HELLO_BYTES_MAX) return undefined;
      if (message.length >= end) return message.subarray(MESSAGE_HEAD_BYTES, end);
    }
    at += length;
    if (at > octets.length) return 'more';
  }
  return undefined;
}

/** Undefined: there is none, or the hello is not well formed. */
function serverNameOf(hello: Buffer): string | undefined {
  let at = FIXED_BYTES;
  /** Passes a vector whose length stands in `lengthBytes` octets. */
  const pass = (lengthBytes: number): boolean => {
    if (at + lengthBytes > hello.length) return false;
    at += lengthBytes + hello.readUIntBE(at, lengthBytes);
    return at <= hello.length;
  };
  // legacy_session_id, cipher_suites, legacy_compression_methods.
  if (!pass(1) || !pass(2) || !pass(1) || at + 2 > hello.length) return undefined;
  const end = at + 2 + hello.readUInt16BE(at);
  if (end !== hello.length) return undefined;
  for (at += 2; at + 4 <= end;) {
    const type = hello.readUInt16BE(at);
    const from = at + 4;
    at = from + hello.readUInt16BE(at + 2);
    if (at > end) return undefined;
    if (type === SERVER_NAME) return hostNameIn(hello.subarray(from, at));
  }
  return undefined;
}

/** RFC 6066 §3: a list of names, of which there is one of each type at most. */
function hostNameIn(extension: Buffer): string | undefined {
  if (extension.length < 5 || extension.readUInt16BE(0) !== extension.length - 2) return undefined;
  const end = 5 + extension.readUInt16BE(3);
  return extension[2] === HOST_NAME && end === extension.length ? extension.toString('latin1', 5, end) : undefined;
}
