/** Gateways by address or name. Implements: RFC 4025 §2–3 (IPSECKEY), RFC 8777 §4 (AMTRELAY). */
import { type Field, type Parse, type RdataForm, putNumber, refuse, takeWord } from './field.ts';
import { formatIpv4, formatIpv6, takeIpv4, takeIpv6 } from './field-address.ts';
import { BASE64, base64Rest } from './field-binary.ts';
import { takeName } from './field-name.ts';
import { takeNumber, u8 } from './field-number.ts';
import { formatName, nameLengthAt } from '#dns/name.ts';

/** RFC 4025 §2.3, RFC 8777 §4.2.3. */
const NONE = 0;
const IPV4 = 1;
const IPV6 = 2;
const NAME = 3;

/** A gateway of the type that `typeAt` finds in the octets before it. `othersAllowed`: types not yet defined are kept as they are. */
function gateway(label: string, typeAt: (octets: Uint8Array, at: number) => number, othersAllowed: boolean): Field {
  return {
    label,
    parse(parse: Parse) {
      // A number rejected before this one was not put or is 0; the gateway is then read as any word.
      const type = parse.problems.length > 0 ? -1 : typeAt(parse.octets, parse.length);
      if (type === IPV4) return takeIpv4(parse, label);
      if (type === IPV6) return takeIpv6(parse, label);
      if (type === NAME) return takeName(parse, label);
      const token = takeWord(parse, label);
      if (token === undefined || type < 0) return;
      if (type !== NONE)
        return refuse(parse, token, 'RDATA_VALUE', `${label} type ${type} has no text form`, { fix: 'use a type 0…3, or RFC 3597 form' });
      if (token.text !== '.') refuse(parse, token, 'RDATA_VALUE', `${label} of type 0 is written "."`);
    },
    end(octets, at, limit) {
      const type = typeAt(octets, at);
      if (type > NAME) return othersAllowed ? limit : -1;
      const size = type === NONE ? 0 : type === IPV4 ? 4 : type === IPV6 ? 16 : nameLengthAt(octets, at);
      return (type === NAME && size === 0) || at + size > limit ? -1 : at + size;
    },
    format(octets, at, end) {
      const type = typeAt(octets, at);
      if (type === NONE) return '.';
      if (type === IPV4) return formatIpv4(octets, at);
      if (type === IPV6) return formatIpv6(octets, at);
      return type === NAME ? formatName(octets.subarray(at, end)) : undefined;
    },
    names: (octets, at, end) => (typeAt(octets, at) === NAME ? [{ offset: at, length: end - at, compressible: false }] : []),
  };
}

/** The key, if any; RFC 4025 §3.1 has no word for "none", so such a record is shown in RFC 3597 form, which every reader takes. */
const publicKey: Field = {
  ...base64Rest('public key', 0),
  format: (octets, at, end) => (at === end ? undefined : BASE64.write(octets.subarray(at, end))),
};

export const IPSECKEY: RdataForm = {
  fields: [u8('precedence'), u8('gateway type'), u8('algorithm'), gateway('gateway', (octets, at) => octets[at - 2]!, false), publicKey],
  check(rdata) {
    const type = rdata[1]!;
    const keyAt = 3 + (type === NONE ? 0 : type === IPV4 ? 4 : type === IPV6 ? 16 : nameLengthAt(rdata, 3));
    // RFC 4025 §2.4: algorithm 0 says that there is no key; every other has one.
    return rdata[2] !== 0 && keyAt === rdata.length ? 'the public key is missing' : undefined;
  },
};

/** RFC 8777 §4.2.2–4.2.3: the discovery-optional bit and seven bits of relay type share an octet, and are two words. */
const relayType: Field = {
  label: 'relay type',
  parse(parse) {
    const discoveryOptional = takeNumber(parse, 'discovery optional', 1) ?? 0;
    putNumber(parse, discoveryOptional * 128 + (takeNumber(parse, 'relay type', 127) ?? 0), 1);
  },
  end: (_octets, at, limit) => (at < limit ? at + 1 : -1),
  format: (octets, at) => `${octets[at]! >> 7} ${octets[at]! & 127}`,
};

export const AMTRELAY: RdataForm = {
  fields: [u8('precedence'), relayType, gateway('relay', (octets, at) => octets[at - 1]! & 127, true)],
};
