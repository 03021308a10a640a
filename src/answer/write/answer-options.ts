/**
 * Options of our OPT that a client asks for, or that every client gets: what this server is called, how long a
 * connection may be idle, which version of the zone answered, when the zone expires, where errors can be reported,
 * padding.
 * Implements: RFC 5001 (NSID), RFC 7828 §3.3 (keepalive, over TCP and TLS alone), RFC 9660 §3 (ZONEVERSION), RFC 7314
 * §3 (EXPIRE), RFC 9567 §6.2 (Report-Channel), RFC 7830 §4 with RFC 8467 §4.1 (padding of encrypted answers in blocks
 * of 468 octets).
 * Not here: the cookie (answer/admission.ts), extended errors (dns/edns.ts).
 */
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { PADDING_BLOCK_BYTES } from '#base/limits/server.ts';
import { ASKED, EXPIRE_ANSWER_BYTES, OPTION, OPTION_HEAD_BYTES } from '#dns/edns.ts';
import { ednsOption, lengthenOpt, writeExpire, writeOptionHead } from '#dns/edns.ts';
import { type ZoneVersion } from '#dns/edns.ts';
import { type Transport } from '#dns/message.ts';

export interface AnswerOptionsSettings {
  /** Name of this server for who asks; absent: it has none. */
  readonly nsid?: Uint8Array | undefined;
  /** Wire form of the domain that errors are reported to; absent: none is named. */
  readonly reportAgent?: Uint8Array | undefined;
}

/** Number of labels, type, serial. */
const ZONE_VERSION_BYTES = OPTION_HEAD_BYTES + 6;
const KEEPALIVE_BYTES = OPTION_HEAD_BYTES + 2;
/** RFC 9660 §2.1: the version is the serial of the SOA. */
const TYPE_SOA_SERIAL = 0;
/** In a second (RFC 7828 §3.1). */
const KEEPALIVE_UNITS = 10;

export class AnswerOptions {
  readonly #nsid: Uint8Array;
  readonly #report: Uint8Array;
  #wanted = 0;
  #version: ZoneVersion | undefined;
  #isPadded = false;
  #isReportNamed = false;
  /** How long a connection may be idle now; of the listener, which knows how many there are. */
  idleMs: () => number = () => 0;

  constructor({ nsid, reportAgent }: AnswerOptionsSettings) {
    this.#nsid = nsid === undefined ? new Uint8Array(0) : ednsOption(OPTION.NSID, nsid);
    this.#report = reportAgent === undefined ? new Uint8Array(0) : ednsOption(OPTION.REPORT_CHANNEL, reportAgent);
  }

  /** For a query that asked for `asked`, bits of ASKED; returns the octets that its answer needs for options. */
  begin(asked: number, transport: Transport): number {
    this.#version = undefined;
    this.#isReportNamed = this.#report.length > 0;
    this.#isPadded = transport === 'tls' && (asked & ASKED.PADDING) !== 0;
    // RFC 7828 §3.3.2: over UDP the option is ignored.
    this.#wanted = transport === 'udp' ? asked & ~ASKED.KEEPALIVE : asked;
    return (
      this.#report.length +
      ((asked & ASKED.NSID) === 0 ? 0 : this.#nsid.length) +
      ((this.#wanted & ASKED.KEEPALIVE) === 0 ? 0 : KEEPALIVE_BYTES) +
      ((asked & ASKED.EXPIRE) === 0 ? 0 : EXPIRE_ANSWER_BYTES) +
      ((asked & ASKED.ZONE_VERSION) === 0 ? 0 : ZONE_VERSION_BYTES)
    );
  }

  /** The zone that the answer is from; undefined: from none. */
  setZone(version: ZoneVersion | undefined): void {
    this.#version = version;
  }

  get isZoneWanted(): boolean {
    return (this.#wanted & (ASKED.ZONE_VERSION | ASKED.EXPIRE)) !== 0;
  }

  /** The answer is a bare TC: who has shown no address is sent no more than it asked with. */
  drop(): void {
    this.#wanted = 0;
    this.#isReportNamed = false;
    this.#isPadded = false;
  }

  /** Writes the options at `at`, the end of the OPT at `out[opt]` and of the message; returns where they end. */
  write(out: Uint8Array, opt: number, at: number): number {
    // Most clients ask for nothing.
    if (this.#wanted === 0 && !this.#isReportNamed) return at;
    let end = at;
    if ((this.#wanted & ASKED.NSID) !== 0) end = copyOption(out, end, this.#nsid);
    if ((this.#wanted & ASKED.KEEPALIVE) !== 0) {
      end = writeOptionHead(out, end, OPTION.KEEPALIVE, 2);
      const units = Math.floor((this.idleMs() / 1000) * KEEPALIVE_UNITS);
      out[end++] = units >> 8;
      out[end++] = units & 0xff;
    }
    const version = this.#version;
    if ((this.#wanted & ASKED.ZONE_VERSION) !== 0 && version !== undefined) {
      end = writeOptionHead(out, end, OPTION.ZONE_VERSION, 6);
      out[end++] = version.labels;
      out[end++] = TYPE_SOA_SERIAL;
      for (let shift = 24; shift >= 0; shift -= 8) out[end++] = (version.serial >>> shift) & 0xff;
    }
    const expireSeconds = version?.expireSeconds;
    if ((this.#wanted & ASKED.EXPIRE) !== 0 && expireSeconds !== undefined) end = writeExpire(out, end, expireSeconds);
    if (this.#isReportNamed) end = copyOption(out, end, this.#report);
    // Last: its length is what is missing to whole blocks.
    if (this.#isPadded) end = pad(out, end);
    lengthenOpt(out, opt, end - at);
    return end;
  }
}

function copyOption(out: Uint8Array, at: number, option: Uint8Array): number {
  out.set(option, at);
  return at + option.length;
}

function pad(out: Uint8Array, at: number): number {
  const body = at + OPTION_HEAD_BYTES;
  const end = Math.ceil(body / PADDING_BLOCK_BYTES) * PADDING_BLOCK_BYTES;
  if (end > Math.min(out.length, MESSAGE_BYTES_MAX)) return at;
  writeOptionHead(out, at, OPTION.PADDING, end - body);
  out.fill(0, body, end);
  return end;
}
