/** The record of what was acknowledged, and the check of what became of it. */
export { checkHistory, type CheckHistoryOptions } from './check-history.ts';
export { type Outcome, type RecordLine, RecordFormatError } from './record.ts';
export { HistoryRecorder } from './recorder.ts';
export { type Finding, type FindingKind, type HistoryCounts, type HistoryReport, isClean } from './report.ts';
