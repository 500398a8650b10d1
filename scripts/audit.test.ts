import { expect, test } from 'vitest';
import { auditOutcome } from './audit.ts';

test('a registry without audits is said, and fails nothing', () => {
  const refused = `npm warn audit 405 Method Not Allowed\nnpm error audit endpoint returned an error\n${JSON.stringify(
    { message: '405 Method Not Allowed', method: 'POST', error: { summary: '', detail: '' } },
    null,
    2,
  )}\n`;
  for (const output of [refused, '', 'npm error code ENOTFOUND', '{"error":{"summary":"offline"}}']) {
    const { code, lines } = auditOutcome(output);
    expect(code).toBe(0);
    expect(lines.join()).toContain('NOT AUDITED');
  }
  expect(auditOutcome(refused).lines.join()).toContain('405 Method Not Allowed');
});

test('what is found is named and fails', () => {
  const weakness = { severity: 'high', range: '<2', isDirect: true };
  const { code, lines } = auditOutcome(JSON.stringify({ vulnerabilities: { left: weakness } }));
  expect(code).toBe(1);
  expect(lines).toEqual([
    expect.stringMatching(/high +left <2 \(direct\)/),
    expect.stringContaining('1 packages'),
  ]);
});

test('nothing found is said', () => {
  expect(auditOutcome('{"vulnerabilities":{}}')).toEqual({
    code: 0,
    lines: ['No known weakness in what is installed.'],
  });
});
