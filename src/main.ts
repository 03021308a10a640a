#!/usr/bin/env node
/**
 * Entry: argv → one table of commands (cli/program.ts). Nothing of ours is imported before the version of Node is known to be enough, so that
 * an old one gives one clear line and not a stack trace; nor is anything imported by name that an old one lacks.
 */
import module from 'node:module';
import { fileURLToPath } from 'node:url';

/** Type stripping, and all that the code uses, is there from this release on (package.json "engines"). */
const NODE_LEAST = [24, 12] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NODE_LEAST[0] || (major === NODE_LEAST[0] && minor < NODE_LEAST[1])) {
  process.stderr.write(`waxseal: needs Node ${NODE_LEAST.join('.')} or newer, this is ${process.versions.node}\n`);
  process.exitCode = 78;
} else {
  if (process.argv[2] === 'serve') (await import('#process/clean-start.ts')).startClean(process);
  // Compiled code of the last run, where those who may write it may write the program too: start-up in a tenth of the time.
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/waxseal', import.meta.url)));
  const { runProgram } = await import('#cli/program.ts');
  process.exitCode = await runProgram(process.argv.slice(2));
}
