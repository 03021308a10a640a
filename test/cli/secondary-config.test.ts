/** Keys in the forms of other servers, and lines for their configurations. */
import { describe, expect, test } from 'vitest';
import { SERVER_KINDS, keyLines, readKeyTexts } from '#cli/secondary-config.ts';

const KEY = { name: 'secondary.example.com', algorithm: 'hmac-sha256', secret: 'EK6yJXneZZEXSTXI07SogPgf6pEpU4vVj8bqh8eU8tY=' };

describe('reading keys', () => {
  test.each([
    ['BIND', `# made by tsig-keygen\nkey "${KEY.name}" {\n\talgorithm hmac-sha256;\n\tsecret "${KEY.secret}";\n};\n`],
    ['BIND on one line', `key ${KEY.name} { algorithm hmac-sha256; secret "${KEY.secret}"; };`],
    ['Knot', `# hmac-sha256:secondary.example.com:x\nkey:\n  - id: ${KEY.name}\n    algorithm: hmac-sha256\n    secret: ${KEY.secret}\n`],
    ['NSD', `key:\n    name: "${KEY.name}"\n    algorithm: hmac-sha256\n    secret: "${KEY.secret}"\n`],
    ['PowerDNS', `${KEY.name}. hmac-sha256. ${KEY.secret}\n`],
    ['dig', `hmac-sha256:${KEY.name}:${KEY.secret}\n`],
  ])('of %s', (_, text) => {
    const [read, ...more] = readKeyTexts(text);
    expect(more).toEqual([]);
    expect({ ...read, name: read!.name.replace(/\.$/, '') }).toEqual(KEY);
  });

  test('two in one file are two, and a file without any has none', () => {
    const two = `key a { algorithm hmac-sha256; secret "${KEY.secret}"; };\nkey b { algorithm hmac-sha512; secret "${KEY.secret}"; };`;
    expect(readKeyTexts(two).map(({ name, algorithm }) => `${name} ${algorithm}`)).toEqual(['a hmac-sha256', 'b hmac-sha512']);
    expect(readKeyTexts('options { directory "/"; };')).toEqual([]);
  });
});

test.each(SERVER_KINDS.filter((kind) => kind !== 'pdns'))('what is printed for %s is read again', (kind) => {
  expect(readKeyTexts(keyLines(kind, { ...KEY, name: `${KEY.name}.` }).join('\n'))).toEqual([KEY]);
});
