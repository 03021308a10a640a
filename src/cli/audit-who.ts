/** Who did something, in one word of a table. */

interface Who {
  readonly kind: string;
  readonly id: string;
  readonly from: string;
  readonly owner?: string;
  readonly user?: string;
}

/** `token:7f3a…(mary)@192.0.2.7`, `socket:admin(root (0), pid 4321)`. */
export function whoText({ kind, id, from, owner, user }: Who): string {
  const whose = owner ?? user;
  const place = from === '' || from === 'unix' ? '' : `@${from}`;
  return `${kind}:${id}${whose === undefined ? '' : `(${whose})`}${place}`;
}
