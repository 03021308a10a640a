/** Geographical location. Implements: RFC 1876 §2 (wire), §3 (presentation). */
import { type Field, type Parse, type RdataForm, numberAt, putBytes, putNumber, refuse, takeWord } from './field.ts';

const EQUATOR = 2 ** 31;
const DEGREE = 3_600_000;
/** The altitude counts centimetres from 100,000 m below the WGS 84 spheroid. */
const ALTITUDE_ORIGIN_CENTIMETRES = 10_000_000;
/** RFC 1876 §3: size 1 m, horizontal precision 10,000 m, vertical precision 10 m when left out. */
const DEFAULT_SIZES = [0x12, 0x16, 0x13] as const;
const SIZE_LABELS = ['size', 'horizontal precision', 'vertical precision'] as const;

/** Thousandths of an arc second from `d [m [s]] X`, or undefined after a problem. */
function takeAngle(parse: Parse, label: string, letters: 'NS' | 'EW', degreesMax: number): number | undefined {
  const limits = [degreesMax, 59, 59.999];
  const parts: number[] = [];
  for (;;) {
    const token = takeWord(parse, label);
    if (token === undefined) return undefined;
    const letter = token.text.toUpperCase();
    if (parts.length > 0 && letter.length === 1 && letters.includes(letter)) {
      const size = Math.round((parts[0]! * 3600 + (parts[1] ?? 0) * 60 + (parts[2] ?? 0)) * 1000);
      if (size > degreesMax * DEGREE) {
        refuse(parse, token, 'RDATA_VALUE', `${label} is more than ${degreesMax} degrees`, { rfc: 'RFC 1876 §3' });
        return undefined;
      }
      return letter === letters[0] ? size : -size;
    }
    const value = (parts.length === 2 ? /^[0-9]{1,2}(?:\.[0-9]{0,3})?$/ : /^[0-9]{1,3}$/).test(token.text) ? Number(token.text) : undefined;
    if (parts.length === 3 || value === undefined || value > limits[parts.length]!) {
      refuse(
        parse,
        token,
        'RDATA_VALUE',
        `${label}: ${JSON.stringify(token.text)} is neither degrees, minutes, seconds nor ${letters[0]} or ${letters[1]}`,
        {
          rfc: 'RFC 1876 §3',
          fix: `write it as 52 22 23.000 ${letters[0]}`,
        },
      );
      return undefined;
    }
    parts.push(value);
  }
}

/** Centimetres of `12.34m`, or undefined after a problem. */
function takeMetres(parse: Parse, label: string, least: number, most: number): number | undefined {
  const token = takeWord(parse, label);
  if (token === undefined) return undefined;
  const digits = /^(-?)([0-9]{1,8})(?:\.([0-9]{0,2}))?m?$/i.exec(token.text);
  const centimetres =
    digits === null ? Number.NaN : (digits[1] === '-' ? -1 : 1) * (Number(digits[2]) * 100 + Number((digits[3] ?? '').padEnd(2, '0')));
  if (centimetres >= least && centimetres <= most) return centimetres;
  refuse(parse, token, 'RDATA_VALUE', `${label} ${JSON.stringify(token.text)} is not a length ${least / 100}…${most / 100}m`, {
    rfc: 'RFC 1876 §3',
  });
  return undefined;
}

/** RFC 1876 §2: a digit and a power of ten, in centimetres; what does not fit is cut off. */
function encodeSize(centimetres: number): number {
  let digit = centimetres;
  let power = 0;
  for (; digit > 9; power++) digit = Math.floor(digit / 10);
  return digit * 16 + power;
}

function parseLoc(parse: Parse): void {
  const latitude = takeAngle(parse, 'latitude', 'NS', 90);
  const longitude = latitude === undefined ? undefined : takeAngle(parse, 'longitude', 'EW', 180);
  if (latitude === undefined || longitude === undefined) {
    // What follows cannot be assigned to fields any more.
    parse.next = parse.tokens.length;
    return;
  }
  const altitude = takeMetres(parse, 'altitude', -ALTITUDE_ORIGIN_CENTIMETRES, 0xffff_ffff - ALTITUDE_ORIGIN_CENTIMETRES);
  const sizes: number[] = [...DEFAULT_SIZES];
  for (const [at, label] of SIZE_LABELS.entries()) {
    if (parse.next >= parse.tokens.length) break;
    const size = takeMetres(parse, label, 0, 9_000_000_000);
    if (size !== undefined) sizes[at] = encodeSize(size);
  }
  putBytes(parse, [0, ...sizes]);
  putNumber(parse, EQUATOR + latitude, 4);
  putNumber(parse, EQUATOR + longitude, 4);
  putNumber(parse, ALTITUDE_ORIGIN_CENTIMETRES + (altitude ?? 0), 4);
}

function formatAngle(value: number, letters: 'NS' | 'EW'): string {
  const size = Math.abs(value - EQUATOR);
  const seconds = (size % 60_000) / 1000;
  return `${Math.floor(size / DEGREE)} ${Math.floor(size / 60_000) % 60} ${seconds.toFixed(3)} ${value >= EQUATOR ? letters[0] : letters[1]}`;
}

function isAngle(value: number, degreesMax: number): boolean {
  return Math.abs(value - EQUATOR) <= degreesMax * DEGREE;
}

const metres = (centimetres: number) => `${(centimetres / 100).toFixed(2)}m`;

const loc: Field = {
  label: 'location',
  parse: parseLoc,
  end(octets, at, limit) {
    // RFC 1876 §2: VERSION must be zero for this layout.
    if (at + 16 > limit || octets[at] !== 0) return -1;
    for (const size of octets.subarray(at + 1, at + 4)) if (size >> 4 > 9 || (size & 15) > 9) return -1;
    return isAngle(numberAt(octets, at + 4, 4), 90) && isAngle(numberAt(octets, at + 8, 4), 180) ? at + 16 : -1;
  },
  format(octets, at) {
    const sizes = [...octets.subarray(at + 1, at + 4)];
    // Zero times a power of ten is zero in text, whatever the power.
    if (sizes.some((size) => size >> 4 === 0 && size !== 0)) return undefined;
    return [
      formatAngle(numberAt(octets, at + 4, 4), 'NS'),
      formatAngle(numberAt(octets, at + 8, 4), 'EW'),
      metres(numberAt(octets, at + 12, 4) - ALTITUDE_ORIGIN_CENTIMETRES),
      ...sizes.map((size) => metres((size >> 4) * 10 ** (size & 15))),
    ].join(' ');
  },
};

export const LOC: RdataForm = { fields: [loc] };
