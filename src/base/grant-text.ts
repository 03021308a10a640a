/** What a token may do, for people: `read, change example.com. (TXT at _acme-challenge.*)`. */

interface GrantWords {
  readonly zone?: string;
  readonly may: string;
  readonly names?: readonly string[];
  readonly types?: readonly string[];
}

/** Scopes and grants in one line; what is absent of a grant stands for all. */
export function rightsText(scopes: readonly string[], grants: readonly GrantWords[] = []): string {
  return [...scopes, ...grants.map(grantText)].join(', ');
}

function grantText({ zone = 'every zone', may, names, types }: GrantWords): string {
  if (names === undefined && types === undefined) return `${may} ${zone}`;
  return `${may} ${zone} (${types?.join('/') ?? 'all types'} at ${names?.join(' ') ?? 'all names'})`;
}
