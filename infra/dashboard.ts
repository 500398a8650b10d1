/** One page that answers: does it keep up, how far behind is it, does anything fail. */
import { FAILURE_RATE } from './alarms.ts';
import type { Cache } from './cache.ts';
import type { Database } from './database.ts';
import type { Functions } from './functions.ts';
import { apiMetric, cacheMetric, databaseMetric, functionMetric, type Metric, ownMetric } from './metrics.ts';

interface Chart {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly unit?: string;
}

type Line =
  | { readonly metric: Metric; readonly statistic: string; readonly label: string; readonly id?: string }
  | { readonly expression: string; readonly label: string };

interface DashboardOptions {
  readonly functions: Functions;
  readonly api: sst.aws.ApiGatewayV2;
  readonly cache: Cache;
  readonly database: Database;
}

/** A dashboard is 24 wide. */
const WIDTH = 8;
const HEIGHT = 6;
const PERIOD_SECONDS = 60;

export function createDashboard(options: DashboardOptions): void {
  const { region } = aws.getRegionOutput();
  const widgets = [...ownCharts(), ...serviceCharts(options)].map((chart, index) => ({
    type: 'metric',
    x: (index % 3) * WIDTH,
    y: Math.floor(index / 3) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
    properties: {
      title: chart.title,
      view: 'timeSeries',
      region,
      period: PERIOD_SECONDS,
      metrics: chart.lines.map(asMetric),
      yAxis: { left: { min: 0, ...(chart.unit && { label: chart.unit, showUnits: false }) } },
    },
  }));
  new aws.cloudwatch.Dashboard('Dashboard', {
    dashboardName: `${$app.name}-${$app.stage}`,
    dashboardBody: $util.jsonStringify({ widgets }),
  });
}

function ownCharts(): Chart[] {
  return [
    {
      title: 'Queue length',
      lines: [{ metric: ownMetric('QueueLength'), statistic: 'Maximum', label: 'updates waiting' }],
    },
    {
      title: 'Processing rate',
      unit: 'updates/s',
      lines: [
        ...sums(['accepted', ownMetric('UpdatesAccepted')], ['stored', ownMetric('UpdatesStored')]),
        { expression: `accepted / ${PERIOD_SECONDS}`, label: 'accepted' },
        { expression: `stored / ${PERIOD_SECONDS}`, label: 'stored' },
      ],
    },
    {
      title: 'Failure rate',
      unit: '%',
      lines: [
        ...sums(['failed', ownMetric('UpdatesFailed')], ['stored', ownMetric('UpdatesStored')]),
        { expression: FAILURE_RATE, label: 'refused by the database' },
      ],
    },
    {
      title: 'Consistency lag',
      unit: 'ms',
      lines: [
        { metric: ownMetric('ConsistencyLag'), statistic: 'p50', label: 'p50' },
        { metric: ownMetric('ConsistencyLag'), statistic: 'Maximum', label: 'longest' },
        { metric: ownMetric('OldestUpdateAge'), statistic: 'Maximum', label: 'oldest that waits' },
      ],
    },
    {
      title: 'Write latency',
      unit: 'ms',
      lines: [
        { metric: ownMetric('WriteLatency'), statistic: 'p50', label: 'p50' },
        { metric: ownMetric('WriteLatency'), statistic: 'p99', label: 'p99' },
      ],
    },
    {
      title: 'Hit rate',
      unit: '%',
      lines: [
        ...sums(
          ['hits', ownMetric('CacheHits')],
          ['misses', ownMetric('CacheMisses')],
          ['bypasses', ownMetric('CacheBypasses')],
        ),
        {
          expression: 'IF(hits + misses + bypasses > 0, 100 * hits / (hits + misses + bypasses))',
          label: 'reads answered by the cache',
        },
      ],
    },
    {
      title: 'Dead letters and stopped partitions',
      lines: [
        { metric: ownMetric('DeadLetters'), statistic: 'Maximum', label: 'dead letters' },
        { metric: ownMetric('PartitionsStopped'), statistic: 'Maximum', label: 'stopped partitions' },
        { metric: ownMetric('PossibleLosses'), statistic: 'Maximum', label: 'possible losses' },
        { metric: ownMetric('StoreAway'), statistic: 'Maximum', label: 'database away' },
      ],
    },
    {
      title: 'Cache and database compared',
      lines: [
        { metric: ownMetric('ReconcileCompared'), statistic: 'Sum', label: 'compared' },
        { metric: ownMetric('ReconcileDifferent'), statistic: 'Sum', label: 'different' },
      ],
    },
  ];
}

function serviceCharts({ functions, api, cache, database }: DashboardOptions): Chart[] {
  const { mysql } = database;
  return [
    {
      title: 'API',
      lines: [
        { metric: apiMetric(api, 'Count'), statistic: 'Sum', label: 'requests' },
        { metric: apiMetric(api, '4xx'), statistic: 'Sum', label: '4xx' },
        { metric: apiMetric(api, '5xx'), statistic: 'Sum', label: '5xx' },
        { metric: functionMetric(functions.flush, 'Errors'), statistic: 'Sum', label: 'flush errors' },
      ],
    },
    {
      title: 'Valkey memory',
      unit: '%',
      lines: cache.nodeIds.map((nodeId, index) => ({
        metric: cacheMetric(nodeId, 'DatabaseMemoryUsagePercentage'),
        statistic: 'Maximum',
        label: `node ${index + 1}`,
      })),
    },
    {
      title: 'MySQL',
      lines: [
        { metric: databaseMetric(mysql, 'CPUUtilization'), statistic: 'Average', label: 'CPU (%)' },
        { metric: databaseMetric(mysql, 'DatabaseConnections'), statistic: 'Maximum', label: 'connections' },
      ],
    },
  ];
}

/** Terms of an expression; not drawn themselves. */
function sums(...terms: readonly [string, Metric][]): Line[] {
  return terms.map(([id, metric]) => ({ id, metric, statistic: 'Sum', label: id }));
}

/** In the dashboard's own notation. */
function asMetric(line: Line) {
  if ('expression' in line) return [{ expression: line.expression, label: line.label }];
  const { namespace, name, dimensions } = line.metric;
  return [
    namespace,
    name,
    ...Object.entries(dimensions).flat(),
    { stat: line.statistic, label: line.label, ...(line.id && { id: line.id, visible: false }) },
  ];
}
