/**
 * `npm run audit`: asks the registry for known weaknesses of what is installed. Some registries (mirrors, proxies) have no
 * such list: that is said, and is no failure. No check depends on this, because none may depend on the network.
 */
import { fileURLToPath } from 'node:url';
import { run } from './run.ts';

interface Report {
  readonly error?: { readonly summary?: string };
  readonly message?: string;
  readonly vulnerabilities?: Readonly<Record<string, Weakness>>;
}

interface Weakness {
  readonly severity: string;
  readonly range: string;
  readonly isDirect: boolean;
}

export interface AuditOutcome {
  readonly code: number;
  readonly lines: readonly string[];
}

/** `output`: what `npm audit --json` printed, warnings before it included. */
export function auditOutcome(output: string): AuditOutcome {
  const report = parsed(output.slice(Math.max(0, output.search(/^\{/m))));
  if (report?.vulnerabilities === undefined) {
    const said = [report?.error?.summary, report?.message, output.trim().split('\n')[0]];
    const why = said.find((text) => text !== undefined && text !== '') ?? 'it said nothing';
    return {
      code: 0,
      lines: [`NOT AUDITED: the registry in use offers no list of weaknesses (${why}). Nothing was checked.`],
    };
  }
  const found = Object.entries(report.vulnerabilities);
  if (found.length === 0) return { code: 0, lines: ['No known weakness in what is installed.'] };
  const lines = found.map(
    ([name, { severity, range, isDirect }]) =>
      `${severity.padEnd(9)} ${name} ${range}${isDirect ? ' (direct)' : ''}`,
  );
  return {
    code: 1,
    lines: [...lines, `${String(found.length)} packages have known weaknesses: see \`npm audit\`.`],
  };
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { output } = await run('npm', ['audit', '--json'], { output: 'capture' });
  const { code, lines } = auditOutcome(output);
  for (const line of lines) console.log(line);
  process.exitCode = code;
}
