/** Why an UPDATE is not carried out: an rcode, and words for people. */
import { type Name, formatName } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type UpdateRecord } from './message.ts';
import { type RrType } from '#dns/types.ts';

export interface UpdateRefusal {
  readonly rcode: number;
  readonly text: string;
  /** The record that it is about. */
  readonly owner: Name;
  readonly type: RrType;
}

type About = Pick<UpdateRecord, 'owner' | 'type'>;

export function refuseUpdate(rcode: number, { owner, type }: About, text: string): UpdateRefusal {
  return { rcode, text, owner, type };
}

/** `www.example.com. A`. */
export function rrsetText({ owner, type }: About): string {
  return `${formatName(owner)} ${typeName(type)}`;
}
