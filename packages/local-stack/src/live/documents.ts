/**
 * Metrics as the functions print them for CloudWatch: one line of JSON in its Embedded Metric Format. What CloudWatch
 * would read is read here, so that the figures of one machine are those of a deployment. What is not such a document, or
 * not in our namespace, is nothing to us; what is broken is left out, never an error.
 */
import { METRICS_NAMESPACE, metricDefinitions, type MetricName } from '@afterwrite/functions/metrics';

export interface Measurement {
  readonly name: MetricName;
  readonly values: readonly number[];
  /** Its dimensions but for the service's name, which all have: `{partition: '3'}`. */
  readonly labels: Readonly<Record<string, string>>;
}

/** CloudWatch takes 1 MB; ours have a few hundred bytes, and the local Lambda cuts a line at 256 KB. */
const MAX_DOCUMENT_CHARS = 256 * 1024;
/** CloudWatch's limits: metrics in a directive, values of one metric, dimensions. */
const MAX_METRICS = 100;
const MAX_VALUES = 100;
const MAX_DIMENSIONS = 30;
const SERVICE = 'service';
/** What may be a label's name at Prometheus. */
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]{0,62}$/;

type Fields = Readonly<Record<string, unknown>>;

export function readDocument(line: string): readonly Measurement[] {
  if (line.length > MAX_DOCUMENT_CHARS || !line.startsWith('{') || !line.includes('"_aws"')) return [];
  const document = parsed(line);
  if (!isFields(document) || !isFields(document._aws)) return [];
  return listOf(document._aws.CloudWatchMetrics, MAX_METRICS)
    .filter((directive) => isFields(directive) && directive.Namespace === METRICS_NAMESPACE)
    .flatMap((directive) => measurementsOf(document, directive as Fields));
}

function measurementsOf(document: Fields, directive: Fields): Measurement[] {
  const labels = labelsOf(document, directive);
  return listOf(directive.Metrics, MAX_METRICS).flatMap((metric): Measurement[] => {
    const name = isFields(metric) ? metric.Name : undefined;
    if (!isMetricName(name)) return [];
    const said = document[name];
    const values = listOf(Array.isArray(said) ? said : [said], MAX_VALUES).filter(isAmount);
    return values.length === 0 ? [] : [{ name, values, labels }];
  });
}

/** CloudWatch keeps a metric once for each set; the one with most dimensions tells most, and counting once is enough. */
function labelsOf(document: Fields, directive: Fields): Record<string, string> {
  const sets = listOf(directive.Dimensions, MAX_DIMENSIONS).map((set) => listOf(set, MAX_DIMENSIONS));
  const [longest = []] = sets.sort((one, other) => other.length - one.length);
  const entries = longest.flatMap((name): [string, string][] => {
    if (typeof name !== 'string' || name === SERVICE || !LABEL_NAME.test(name)) return [];
    const value = document[name];
    return typeof value === 'string' ? [[name, value.slice(0, 100)]] : [];
  });
  return Object.fromEntries(entries.sort(([one], [other]) => one.localeCompare(other)));
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown, most: number): readonly unknown[] & unknown[] {
  return Array.isArray(value) ? (value as unknown[]).slice(0, most) : [];
}

function isMetricName(name: unknown): name is MetricName {
  return typeof name === 'string' && Object.hasOwn(metricDefinitions, name);
}

/** None of our metrics goes below zero. */
function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
