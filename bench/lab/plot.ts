/** A plot as SVG, readable in light and dark: on a background of its own. */
import * as echarts from 'echarts/core';
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import type { Plot } from './section.ts';

echarts.use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 760;
const HEIGHT = 400;
/** Okabe and Ito: told apart also by who sees no red or green. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

export function drawPlot(plot: Plot): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      color: COLOURS,
      title: { text: plot.title, left: 'center', textStyle: { fontSize: 15 } },
      legend: { bottom: 0, type: 'plain' },
      grid: { left: 70, right: 25, top: 50, bottom: 85 },
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
        nameGap: 52,
        type: plot.y.isLog ? 'log' : 'value',
      },
      series: plot.series.map(({ name, points }) => ({
        name,
        type: plot.kind,
        data: points,
        ...(plot.kind === 'line' ? { showSymbol: points.length <= 20, symbolSize: 6 } : {}),
      })),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
