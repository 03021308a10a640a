/**
 * A syslog server: one datagram for each message.
 * Implements: RFC 5424 §6 (header, structured data, MSG with BOM), RFC 5426 §3.1 (one message in a datagram).
 * Not here: trying again (deliveries.ts); over UDP that a message was sent is all that is known.
 */
import { createSocket } from 'node:dgram';
import { hostname } from 'node:os';
import { SYSLOG_BYTES_MAX } from '#base/limits/alerts.ts';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { type AlertMessage, type AlertTarget, messageLine, parseMessage } from './targets.ts';

/** RFC 5424 §6.2.1: daemon. */
const FACILITY = 3;
const SEVERITY = { critical: 2, warning: 4 } as const;
const NOTICE = 5;
/** RFC 5612 §1: for documentation; this program has no number of its own. */
const SD_ID = 'alert@32473';

/** One message, RFC 5424 §6. */
export function syslogLine(message: AlertMessage, host: string, pid: number): Buffer {
  const { type, timestamp, data } = message;
  const severity = type === 'alert.raised' ? SEVERITY[data.severity] : NOTICE;
  const fields = { id: data.id, rule: data.rule, severity: data.severity, zone: data.zone ?? '' };
  const structured = Object.entries(fields).map(([name, value]) => `${name}="${value.replace(/[\\"\]]/g, '\\$&')}"`);
  const from = `${printable(host, 255)} waxseal ${pid} ${printable(type, 32)}`;
  const head = `<${FACILITY * 8 + severity}>1 ${timestamp} ${from}`;
  const text = messageLine(message).replace(/\p{Cc}/gu, ' ');
  const whole = Buffer.from(`${head} [${SD_ID} ${structured.join(' ')}] \ufeff${text}`);
  return whole.length <= SYSLOG_BYTES_MAX ? whole : cutUtf8(whole);
}

/** RFC 5424 §6: PRINTUSASCII, or `-`. */
function printable(text: string, max: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, max) || '-';
}

/** At the end of a character. */
function cutUtf8(octets: Buffer): Buffer {
  let end = SYSLOG_BYTES_MAX - 3;
  while ((octets[end]! & 0xc0) === 0x80) end -= 1;
  return Buffer.concat([octets.subarray(0, end), Buffer.from('…')]);
}

export function syslogTarget(server: IpPort): AlertTarget {
  return {
    name: `syslog ${formatIpPort(server)}`,
    send(_id, body) {
      const line = syslogLine(parseMessage(body), hostname(), process.pid);
      const socket = createSocket(server.ip.includes(':') ? 'udp6' : 'udp4');
      return new Promise((resolve, reject) => {
        socket.on('error', (error) => {
          socket.close();
          reject(new Error(`it cannot be sent: ${error.message}`));
        });
        socket.send(line, server.port, server.ip, (error) => {
          socket.close();
          if (error === null) resolve();
          else reject(new Error(`it cannot be sent: ${error.message}`));
        });
      });
    },
  };
}
