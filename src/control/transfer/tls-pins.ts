/**
 * Pinned keys of the other end of TLS: SHA-256 of its public key (SPKI), base64.
 * Implements: RFC 7858 §4.2 (pins, and more than one, so that a key can be changed).
 * Not here: comparing them (control/outside/dns-stream.ts, transfer/secondary-grants.ts).
 */
import { TLS_PINS_MAX } from '#base/limits/transfer.ts';
import { type Place } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';

const PIN_BYTES = 32;

/** What is wrong with them. */
export function pinProblems(pins: readonly string[], at: Place): readonly Problem[] {
  if (pins.length === 0 || pins.length > TLS_PINS_MAX)
    return [problem('FIELD_VALUE', at, `there are 1 to ${TLS_PINS_MAX} pinned keys`)];
  const how = 'a pin is the SHA-256 of a public key in base64';
  const spki = 'openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der';
  const command = `${spki} | openssl dgst -sha256 -binary | base64`;
  return pins
    .filter(
      (pin) => Buffer.from(pin, 'base64').toString('base64') !== pin || Buffer.from(pin, 'base64').length !== PIN_BYTES,
    )
    .map((pin) =>
      problem('FIELD_VALUE', at, `${JSON.stringify(pin)} is no pin: ${how}`, { fix: `get it: ${command}` }),
    );
}
