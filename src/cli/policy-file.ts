/** A mail policy in a file, TOML or JSON → the document. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { inFile } from '#base/place.ts';
import { type Result, fail, problem } from '#base/problem.ts';
import { type MailPolicyDocument, checkPolicyDocument, parsePolicyToml } from '#mail/policy/schema.ts';
import { failure, reasonOf } from './failure.ts';

/** The document in `file`, `-` being standard input, or every problem of its form. Throws CommandFailure when it cannot be read. */
export function readPolicyFile(file: string, workingDirectory: string): Result<MailPolicyDocument> {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : resolve(workingDirectory, file), 'utf8');
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
  const name = file === '-' ? 'stdin' : basename(file);
  const isJson = file.endsWith('.json') || (file === '-' && text.trimStart().startsWith('{'));
  if (!isJson) return parsePolicyToml(text, name);
  try {
    const document: unknown = JSON.parse(text);
    return checkPolicyDocument(document);
  } catch (error) {
    return fail(problem('MAIL_POLICY_SYNTAX', inFile(name), `is not JSON: ${reasonOf(error)}`));
  }
}
