/**
 * Public keys of the DNSSEC family.
 * Implements: RFC 4034 §2 (DNSKEY), RFC 7344 §3.2 with RFC 8078 §4 (CDNSKEY, also `0 3 0 AA==`), RFC 2535 §3 with RFC 3445 (KEY);
 * RKEY by its IANA template.
 */
import { algorithm } from './algorithm.ts';
import { type Field, numberAt, type Parse, type RdataForm, putNumber, refuse, takeWord } from './field.ts';
import { BASE64, base64Rest, takeOctetsRest } from './field-binary.ts';
import { decimal, mnemonic, u16 } from './field-number.ts';
import { nameLengthAt } from '#dns/name.ts';

/** RFC 2535 §7.1. */
const PROTOCOLS = { NONE: 0, TLS: 1, EMAIL: 2, DNSSEC: 3, IPSEC: 4, ALL: 255 } as const;

/** RFC 4034 appendix A.1.1: a private algorithm says which by a name, or by an OID with its length, before the key. */
function privateAlgorithm(rdata: Uint8Array): string | undefined {
  if (rdata[3] === 253 && nameLengthAt(rdata, 4) === 0) return 'a key of algorithm 253 begins with a domain name';
  if (rdata[3] === 254 && (rdata[4] === undefined || rdata[4] === 0 || 5 + rdata[4] > rdata.length))
    return 'a key of algorithm 254 begins with an OID';
  return undefined;
}

/** RFC 2535 §7.1, joined by `|`. */
const KEY_FLAGS: Readonly<Record<string, number>> = {
  NOCONF: 0x4000,
  NOAUTH: 0x8000,
  NOKEY: 0xc000,
  FLAG2: 0x2000,
  EXTEND: 0x1000,
  FLAG4: 0x0800,
  FLAG5: 0x0400,
  USER: 0x0000,
  ZONE: 0x0100,
  HOST: 0x0200,
  NTYP3: 0x0300,
  FLAG8: 0x0080,
  FLAG9: 0x0040,
  FLAG10: 0x0020,
  FLAG11: 0x0010,
};

function keyFlagsOf(text: string): number | undefined {
  const plain = decimal(text, 0xffff);
  if (plain !== undefined) return plain;
  let flags = 0;
  for (const word of text.toUpperCase().split('|')) {
    const signatory = decimal(/^SIG([0-9]+)$/.exec(word)?.[1] ?? '', 15);
    const flag = signatory ?? (Object.hasOwn(KEY_FLAGS, word) ? KEY_FLAGS[word] : undefined);
    if (flag === undefined) return undefined;
    flags |= flag;
  }
  return flags;
}

const keyFlags: Field = {
  ...u16('flags'),
  parse(parse: Parse) {
    const token = takeWord(parse, 'flags');
    if (token === undefined) return;
    const flags = keyFlagsOf(token.text);
    if (flags === undefined)
      return refuse(parse, token, 'RDATA_VALUE', `flags ${JSON.stringify(token.text)} are not known`, { rfc: 'RFC 2535 §7.1' });
    putNumber(parse, flags, 2);
  },
};

/** DNSKEY and CDNSKEY. */
export const DNSKEY: RdataForm = {
  fields: [keyFlags, mnemonic('protocol', 1, PROTOCOLS), algorithm('algorithm'), base64Rest('public key')],
  check: privateAlgorithm,
};

/** RFC 2535 §3.1.2: both top bits set say that there is no key. */
const NO_KEY = 0xc000;

export const KEY: RdataForm = {
  fields: [
    keyFlags,
    mnemonic('protocol', 1, PROTOCOLS),
    algorithm('algorithm'),
    {
      ...base64Rest('public key', 0),
      parse: (parse) => takeOctetsRest(parse, 'public key', BASE64, (numberAt(parse.octets, 0, 2) & NO_KEY) === NO_KEY ? 0 : 1),
    },
  ],
  check(rdata) {
    const noKey = (numberAt(rdata, 0, 2) & NO_KEY) === NO_KEY;
    if (noKey) return rdata.length > 4 ? 'the flags say that there is no key, and one is there' : undefined;
    return rdata.length === 4 ? 'the public key is missing' : privateAlgorithm(rdata);
  },
};

export const RKEY: RdataForm = {
  fields: [keyFlags, mnemonic('protocol', 1, PROTOCOLS), algorithm('algorithm'), base64Rest('public key')],
  // draft-reid-dnsext-rkey-00 §2: the flags are zero.
  check: (rdata) => (numberAt(rdata, 0, 2) === 0 ? undefined : 'the flags are not zero'),
};
