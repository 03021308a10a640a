/**
 * ALIAS records in zone files: other servers have no such type, so a file has each as a comment, beside the addresses
 * that stand for it. An import here takes the comment back.
 * Not here: writing it (dns/zone-file-format.ts), what an ALIAS is (alias.ts).
 */
import { type OwnerKey, ROOT, ownerKey, parseName } from '#dns/name.ts';
import { ALIAS_COMMENT } from '#dns/zone-file-format.ts';

export interface AliasComments {
  /** The file with its comments as records, each on the line where it was. */
  readonly text: string;
  /** Their owners: what addresses the file has of them stood for the ALIAS. */
  readonly owners: ReadonlySet<OwnerKey>;
}

/** The form of `formatZoneFile`; what is in another form stays a comment. A name has at most 255 octets, as `\\DDD`. */
const LINE = /^;@ALIAS (\S{1,1100}\.) ([0-9]{1,10}) (\S{1,1100}\.)[ \t]*(?=\r?$)/gm;

export function readAliasComments(text: string): AliasComments {
  const owners = new Set<OwnerKey>();
  if (!text.includes(ALIAS_COMMENT)) return { text, owners };
  const read = text.replaceAll(LINE, (line, name: string, ttl: string, target: string) => {
    const owner = parseName(name, ROOT);
    if (!owner.ok) return line;
    owners.add(ownerKey(owner.value));
    return `${name} ${ttl} IN ALIAS ${target}`;
  });
  return { text: read, owners };
}
