/** One page that answers: does it keep up, how far behind is it, does anything fail. */
import type { Cache, Memcached } from './cache.ts';
import type { Database } from './database.ts';
import type { Functions } from './functions.ts';
import { apiMetric, cacheMetric, databaseMetric, functionMetric, type Metric, ownMetric } from './metrics.ts';
import { ownCharts, PERIOD_SECONDS } from './own-charts.ts';

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

export function createDashboard(options: DashboardOptions): void {
  const { region } = aws.getRegionOutput();
  const widgets = [...withMetrics(), ...serviceCharts(options)].map((chart, index) => ({
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

function withMetrics(): Chart[] {
  return ownCharts.map((chart) => ({
    ...chart,
    lines: chart.lines.map((line) => ('metric' in line ? { ...line, metric: ownMetric(line.metric) } : line)),
  }));
}

function serviceCharts({ functions, api, cache, database }: DashboardOptions): Chart[] {
  const { dimensions } = database;
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
      title: `${cache.server.title} memory`,
      unit: '%',
      lines: cache.server.nodes.map((node, index) => ({
        metric: cacheMetric(node, 'DatabaseMemoryUsagePercentage'),
        statistic: 'Maximum',
        label: `node ${index + 1}`,
      })),
    },
    ...(cache.memcached ? [memcachedChart(cache.memcached)] : []),
    {
      title: database.title,
      lines: [
        { metric: databaseMetric(dimensions, 'CPUUtilization'), statistic: 'Average', label: 'CPU (%)' },
        {
          metric: databaseMetric(dimensions, 'DatabaseConnections'),
          statistic: 'Maximum',
          label: 'connections',
        },
      ],
    },
  ];
}

/** It is always full when it is used well: how much of it says nothing. */
function memcachedChart({ title, node }: Memcached): Chart {
  return {
    title,
    lines: [
      { metric: cacheMetric(node, 'CPUUtilization'), statistic: 'Average', label: 'CPU (%)' },
      { metric: cacheMetric(node, 'CurrConnections'), statistic: 'Maximum', label: 'connections' },
      { metric: cacheMetric(node, 'Evictions'), statistic: 'Sum', label: 'evictions' },
    ],
  };
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
