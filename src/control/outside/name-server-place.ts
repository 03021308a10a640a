/**
 * Which name server is asked for evidence. States of life cycles keep a place by its name, the words that people read:
 * `this server`, `192.0.2.54:53`, `ns2.example.net 192.0.2.54`. Names are made and read here only.
 * Not here: the places of probes, which are names and nothing more (evidence.ts).
 */
import { parseIpPort } from '#base/address.ts';

export type NameServerPlace =
  /** This server's own workers. */
  | { readonly kind: 'own' }
  /** A server that the configuration lists, as ADDR:PORT. */
  | { readonly kind: 'listed'; readonly endpoint: string }
  | SecondaryPlace;

/** A server that the zone's NS records name: one of its addresses, or none where none is known. */
export interface SecondaryPlace {
  readonly kind: 'secondary';
  /** Without the last dot, lower case. */
  readonly host: string;
  readonly ip?: string;
}

export const OWN_SERVER = 'this server';

export function formatNameServerPlace(place: NameServerPlace): string {
  switch (place.kind) {
    case 'own':
      return OWN_SERVER;
    case 'listed':
      return place.endpoint;
    case 'secondary':
      return place.ip === undefined ? place.host : `${place.host} ${place.ip}`;
  }
}

export function parseNameServerPlace(name: string): NameServerPlace {
  if (name === OWN_SERVER) return { kind: 'own' };
  if (parseIpPort(name).ok) return { kind: 'listed', endpoint: name };
  const [host = '', ip] = name.split(' ');
  return { kind: 'secondary', host, ...(ip === undefined ? {} : { ip }) };
}
