/**
 * Mail domains over years of simulated time, beyond those of test/laws/year-of-rotations.test.ts: servers that lag, crashes, reboots, keys
 * that leak, TTLs and policies that change; no mail, certificate or policy may be harmed.
 * Use: npm run mail-years -- [domains] [first seed]     default 500 from 1; exit code 1 when something was harmed
 */
import { parseArgs } from 'node:util';
import { judge } from '../test/support/simulation/judge.ts';
import { liveDomain } from '../test/support/simulation/simulated-domain.ts';
import { seededRandom } from '../test/support/random.ts';

const YEAR_DAYS = 365;
const HARMS_SHOWN = 3;

const [domains = 500, first = 1] = parseArgs({ allowPositionals: true }).positionals.map(Number);
if (!(domains >= 1 && first >= 1)) throw new Error('domains and first seed are numbers from 1 on');

let harmed = 0;
for (let seed = first; seed < first + domains; seed++) {
  const diary = liveDomain(`d${seed}.example`, seededRandom(seed), YEAR_DAYS);
  const errors = [...diary.problems].filter((each) => each.startsWith('error'));
  const found = [...judge(diary), ...errors];
  if (found.length === 0) continue;
  harmed++;
  process.stdout.write(`seed ${seed}: ${found.slice(0, HARMS_SHOWN).join('; ')}\n`);
}
process.stdout.write(`${domains} domains for a year, ${harmed} of them harmed\n`);
process.exitCode = harmed > 0 ? 1 : 0;
