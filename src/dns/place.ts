/** The place of an RRset in a zone, for problems about it. */
import { type Place, atRrset } from '#base/place.ts';
import { type Name, formatName } from './name.ts';
import { typeName } from './registry.ts';
import type { RrType } from './types.ts';

export function placeOfRrset(owner: Name, type: RrType): Place {
  return atRrset(formatName(owner), typeName(type));
}
