/** SPF trees as JSON: places in words, and the tree again but for its problems. */
import { expect, test } from 'vitest';
import { readTreeDocument, treeDocument } from '#mail/spf/tree-document.ts';
import { spfTree } from '#mail/spf/tree.ts';
import { tableResolver } from '../../support/table-resolver.ts';

test('problems of all records have their place in words; what is read back has none', async () => {
  const table = {
    'a.example': { txt: ['v=spf1 include:b.example ptr -all'] },
    'b.example': { txt: ['v=spf1 moo -all'] },
  };
  const tree = await spfTree('a.example', tableResolver(table));
  const document = treeDocument(tree);
  expect(document.problems.map(({ code, at }) => [code, at])).toEqual([['SPF_PTR', 'a.example TXT']]);
  expect(document.branches[0]?.below?.problems.map(({ at }) => at)).toEqual(['b.example TXT, column 8']);
  const read = readTreeDocument(JSON.parse(JSON.stringify(document)));
  expect(read).toMatchObject({ domain: 'a.example', state: 'record', lookups: tree.lookups, problems: [] });
  expect(read.branches[0]?.below).toMatchObject({ domain: 'b.example', state: 'malformed', problems: [] });
});
