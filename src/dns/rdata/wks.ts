/** Well-known services. Implements: RFC 1035 §3.4.2; protocols and services by number or by the names common in master files. */
import { type Field, type RdataForm, putBytes, refuse, takeRest } from './field.ts';
import { ipv4 } from './field-address.ts';
import { decimal, mnemonic } from './field-number.ts';

const PROTOCOLS = { ICMP: 1, TCP: 6, UDP: 17 } as const;

/** Source: IANA "Service Name and Transport Protocol Port Number Registry": those RFC 1010 and its successors list for hosts. */
const SERVICES: Readonly<Record<string, number>> = {
  tcpmux: 1,
  echo: 7,
  discard: 9,
  systat: 11,
  daytime: 13,
  netstat: 15,
  qotd: 17,
  chargen: 19,
  'ftp-data': 20,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  time: 37,
  nameserver: 42,
  whois: 43,
  nicname: 43,
  domain: 53,
  tftp: 69,
  gopher: 70,
  finger: 79,
  http: 80,
  kerberos: 88,
  pop3: 110,
  sunrpc: 111,
  nntp: 119,
  ntp: 123,
  imap: 143,
  imap2: 143,
  snmp: 161,
  'snmp-trap': 162,
  irc: 194,
  ldap: 389,
  https: 443,
  exec: 512,
  login: 513,
  shell: 514,
  syslog: 514,
  printer: 515,
  uucp: 540,
  submission: 587,
  ldaps: 636,
  imaps: 993,
  pop3s: 995,
};

/** Ports are 0…65535, so the bit map has at most 8192 octets. */
const BITMAP_BYTES_MAX = 8192;

const services: Field = {
  label: 'services',
  parse(parse) {
    const bits = new Uint8Array(BITMAP_BYTES_MAX);
    for (const token of takeRest(parse, 'services')) {
      const port =
        decimal(token.text, 0xffff) ?? (Object.hasOwn(SERVICES, token.text.toLowerCase()) ? SERVICES[token.text.toLowerCase()] : undefined);
      if (port === undefined)
        refuse(parse, token, 'RDATA_VALUE', `service ${JSON.stringify(token.text)} is neither a port nor a known name`, {
          fix: 'write the port number',
        });
      else bits[port >> 3]! |= 0x80 >> (port & 7);
    }
    putBytes(parse, bits.subarray(0, bits.findLastIndex((octet) => octet !== 0) + 1));
  },
  end: (_octets, at, limit) => (limit - at <= BITMAP_BYTES_MAX ? limit : -1),
  format(octets, at, end) {
    // RFC 1035 §3.4.2 does not forbid trailing zero octets; text cannot say how many there are.
    if (end > at && octets[end - 1] === 0) return undefined;
    const ports: number[] = [];
    for (let bit = 0; bit < (end - at) * 8; bit++) if ((octets[at + (bit >> 3)]! & (0x80 >> (bit & 7))) !== 0) ports.push(bit);
    return ports.join(' ');
  },
};

export const WKS: RdataForm = { fields: [ipv4('address'), mnemonic('protocol', 1, PROTOCOLS), services] };
