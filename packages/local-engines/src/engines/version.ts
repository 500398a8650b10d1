/** Judges what `PROGRAM --version` printed: the right program, and not too old. */
import { comparedVersions } from '../os/versions.ts';
import type { VersionAnswer } from '../types.ts';

export interface ExpectedProgram {
  readonly title: string;
  /** Its first group is the version. */
  readonly pattern: RegExp;
  readonly oldest: string;
}

export function judgeVersion(printed: string, { title, pattern, oldest }: ExpectedProgram): VersionAnswer {
  const version = pattern.exec(printed)?.[1];
  if (version === undefined) {
    const line = printed.trim().split('\n')[0] ?? '';
    return { ok: false, reason: `it is not ${title} but says "${line.slice(0, 80)}"` };
  }
  if (comparedVersions(version, oldest) < 0) {
    return { ok: false, reason: `${title} ${version} is older than ${oldest}` };
  }
  return { ok: true, version };
}
