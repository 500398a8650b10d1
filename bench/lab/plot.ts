/** A plot as SVG, readable in light and dark: on a background of its own. */
import * as echarts from 'echarts/core';
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import type { Plot } from './section.ts';

echarts.use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 940;
const HEIGHT = 420;
/** Legends stand beside the plot: what they say is too long for a row below it. */
const LEGEND_WIDTH = 330;
/** Okabe and Ito's, told apart also by who sees no red or green, and two greys. */
const COLOURS = [
  ...['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'],
  ...['#8c8c8c', '#5a3d8a'],
];

export function drawPlot(plot: Plot): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const isAlone = plot.series.length === 1;
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      color: COLOURS,
      title: { text: plot.title, left: 20, top: 8, textStyle: { fontSize: 15 } },
      ...(isAlone
        ? {}
        : { legend: { orient: 'vertical', left: WIDTH - LEGEND_WIDTH + 10, top: 50, itemGap: 12 } }),
      grid: { left: 80, right: isAlone ? 30 : LEGEND_WIDTH, top: 50, bottom: 55 },
      xAxis: {
        name: plot.x.name,
        nameLocation: 'middle',
        nameGap: 28,
        ...(plot.x.categories
          ? { type: 'category', data: plot.x.categories }
          : { type: plot.x.isLog ? 'log' : 'value', min: 'dataMin', max: 'dataMax' }),
      },
      yAxis: {
        name: plot.y.name,
        nameLocation: 'middle',
        nameGap: 58,
        type: plot.y.isLog ? 'log' : 'value',
      },
      series: plot.series.map(({ name, points, isDashed = false }) => ({
        name,
        type: plot.kind,
        data: points,
        ...(plot.kind === 'line' ? { showSymbol: !isDashed && points.length <= 20, symbolSize: 6 } : {}),
        lineStyle: { type: isDashed ? 'dashed' : 'solid', width: isDashed ? 1.5 : 2.5 },
      })),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
