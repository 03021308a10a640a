/**
 * Service binding. Implements: RFC 9460 §2 (SVCB, HTTPS), appendix A (value lists).
 * Not here: what the parameters mean (svcb-parameters.ts).
 */
import { type Field, type Parse, type RdataForm, numberAt, putBytes, putNumber, refuse, takeRest } from './field.ts';
import { name, NAME_PLAIN } from './field-name.ts';
import { u16 } from './field-number.ts';
import { textOctets } from './field-text.ts';
import { checkParameters, formatParameter, parameterKey, parseParameterValue, type SvcParameter } from './svcb-parameters.ts';
import { type Token } from '#dns/lexer.ts';
import { nameLengthAt } from '#dns/name.ts';

/** `key`, `key=value` or `key="value"`; undefined after a problem. */
function parseParameter(parse: Parse, token: Token): SvcParameter | undefined {
  const equals = token.text.indexOf('=');
  const keyText = equals < 0 ? token.text : token.text.slice(0, equals);
  const key = parameterKey(keyText);
  if (key === undefined) {
    refuse(parse, token, 'RDATA_VALUE', `${JSON.stringify(keyText)} is no SvcParamKey`, {
      rfc: 'RFC 9460 §2.1',
      fix: 'write keyNNNNN with its number',
    });
    return undefined;
  }
  let text = equals < 0 ? '' : token.text.slice(equals + 1);
  if (text.startsWith('"')) {
    if (text.length < 2 || !text.endsWith('"')) {
      refuse(parse, token, 'RDATA_SYNTAX', `the quoted value of ${keyText} does not end with the word`, { rfc: 'RFC 9460 §2.1' });
      return undefined;
    }
    text = text.slice(1, -1);
  }
  if (/^(?:[^"\\]|\\.)*$/s.test(text)) {
    const octets = textOctets(parse, { ...token, text }, keyText);
    if (octets === undefined) return undefined;
    const value = keyText.startsWith('key') ? octets : parseParameterValue(key, octets);
    if (typeof value !== 'string') return { key, value };
    refuse(parse, token, 'RDATA_VALUE', `${keyText}: ${value}`, { rfc: 'RFC 9460 §7' });
  } else refuse(parse, token, 'RDATA_SYNTAX', `the value of ${keyText} has a quote inside`, { rfc: 'RFC 9460 §2.1' });
  return undefined;
}

const parameters: Field = {
  label: 'SvcParams',
  parse(parse) {
    const taken: SvcParameter[] = [];
    for (const token of takeRest(parse, 'SvcParams')) {
      const parameter = parseParameter(parse, token);
      if (parameter === undefined) continue;
      if (taken.some(({ key }) => key === parameter.key))
        refuse(parse, token, 'RDATA_VALUE', 'a SvcParamKey is there twice', { rfc: 'RFC 9460 §2.1' });
      taken.push(parameter);
    }
    // RFC 9460 §2.2: in wire form by ascending key.
    for (const { key, value } of taken.toSorted((a, b) => a.key - b.key)) {
      putNumber(parse, key, 2);
      putNumber(parse, value.length, 2);
      putBytes(parse, value);
    }
  },
  end(octets, at, limit) {
    for (let start = at, previous = -1; start < limit;) {
      if (start + 4 > limit) return -1;
      const key = numberAt(octets, start, 2);
      const next = start + 4 + numberAt(octets, start + 2, 2);
      if (key <= previous || next > limit) return -1;
      previous = key;
      start = next;
    }
    return limit;
  },
  format: (octets, at, end) => readParameters(octets, at, end).map(formatParameter).join(' '),
};

/** The parameters of a well-framed list. */
function readParameters(octets: Uint8Array, at: number, end: number): SvcParameter[] {
  const read: SvcParameter[] = [];
  for (let start = at; start < end;) {
    const next = start + 4 + numberAt(octets, start + 2, 2);
    read.push({ key: numberAt(octets, start, 2), value: octets.subarray(start + 4, next) });
    start = next;
  }
  return read;
}

const parametersOf = (rdata: Uint8Array) => readParameters(rdata, 2 + nameLengthAt(rdata, 2), rdata.length);

/** SVCB and HTTPS. */
export const SVCB: RdataForm = {
  fields: [u16('SvcPriority'), name('TargetName', NAME_PLAIN), parameters],
  check: (rdata) => checkParameters(parametersOf(rdata)),
  // RFC 9460 §2.4.2: they should not be there, and clients ignore them.
  warn: (rdata) =>
    numberAt(rdata, 0, 2) === 0 && parametersOf(rdata).length > 0
      ? 'with priority 0 (AliasMode) every client ignores the SvcParams'
      : undefined,
};
