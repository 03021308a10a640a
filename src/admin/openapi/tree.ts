/** The document while it is made: plain objects, as @fastify/swagger leaves them. */

export type Tree = Record<string, unknown>;

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at `name`, made empty when there is none. */
export function branch(tree: Tree, name: string): Tree {
  const found = tree[name];
  if (isTree(found)) return found;
  const made: Tree = {};
  tree[name] = made;
  return made;
}
