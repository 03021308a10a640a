/**
 * Schemas get names, so that generated clients have types with names: one that has a `title` becomes a component under
 * it wherever it stands, and the body and the answer of an operation become components named after the operation.
 * Implements: OpenAPI 3.1 §4.8.7 (components), §4.8.23 (references).
 */
import { isDeepStrictEqual } from 'node:util';
import { assert } from '#base/assert.ts';
import { pascal } from './operation-id.ts';
import { type Tree, branch, isTree } from './tree.ts';

/** Changes `document` in place. */
export function nameSchemas(document: Tree): void {
  const named = branch(branch(document, 'components'), 'schemas');
  for (const methods of Object.values(branch(document, 'paths')).filter(isTree))
    for (const operation of Object.values(methods).filter(isTree)) nameOfOperation(operation, named);
  for (const part of ['responses', 'headers']) hoist(branch(branch(document, 'components'), part), named);
}

function nameOfOperation(operation: Tree, named: Tree): void {
  const { operationId, requestBody, responses } = operation;
  assert(typeof operationId === 'string', 'an operation without a name');
  const id = pascal(operationId);
  if (isTree(requestBody)) titleContent(requestBody, `${id}Body`);
  if (isTree(responses)) {
    const good = Object.entries(responses).filter(([status]) => status.startsWith('2'));
    for (const [index, [status, answer]] of good.entries())
      if (isTree(answer)) titleContent(answer, index === 0 ? `${id}Answer` : `${id}Answer${status}`);
  }
  hoist(operation, named);
}

/** JSON of an object that has no name gets this one; a text or a list of a named thing needs none. */
function titleContent(part: Tree, title: string): void {
  for (const [type, media] of Object.entries(branch(part, 'content'))) {
    if (!type.endsWith('json') || !isTree(media) || !isTree(media['schema'])) continue;
    const { schema } = media;
    if (schema['title'] === undefined && schema['type'] === 'object') media['schema'] = { title, ...schema };
  }
}

/** Puts every schema with a title below `tree` into `named`, and a reference in its place. */
function hoist(tree: Tree | unknown[], named: Tree): void {
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value !== 'object' || value === null) continue;
    const each = value as Tree | unknown[];
    // Examples are data, whatever they look like.
    if (key === 'example' || key === 'examples') continue;
    hoist(each, named);
    if (Array.isArray(each) || key === 'info' || typeof each['title'] !== 'string') continue;
    // A title may be words for people.
    const title = /\s/.test(each['title']) ? pascal(each['title']) : each['title'];
    const known = named[title];
    assert(known === undefined || isDeepStrictEqual(known, each), `two schemas are called ${title}`);
    named[title] = each;
    Object.assign(tree, { [key]: { $ref: `#/components/schemas/${title}` } });
  }
}
