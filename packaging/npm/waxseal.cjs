#!/usr/bin/env node
/**
 * `waxseal` of the npm package: says which Node it needs where this one is too old, and else starts the program.
 * In the language of 2009 (ECMAScript 5), so that any Node reads it as far as that sentence. What is newer is in start.cjs.
 */
'use strict';

/** package.json "engines". */
var LEAST = [24, 12];
/** sysexits EX_CONFIG: starting it again cannot help. */
var EXIT_CONFIGURATION = 78;

var found = process.versions.node.split('.');
var major = Number(found[0]);
var minor = Number(found[1]);

if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) {
  require('./start.cjs');
} else {
  process.stderr.write(
    'waxseal: needs Node ' +
      LEAST.join('.') +
      ' or newer, and this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\n' +
      'Nothing was started and nothing was changed. Install a newer Node, and waxseal with it: npm install --global waxseal\n',
  );
  process.exit(EXIT_CONFIGURATION);
}
