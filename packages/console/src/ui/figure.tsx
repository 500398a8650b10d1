/** One large figure with the minute before it. */
import type { ComponentChildren } from 'preact';
import { Chart, type ChartProps, Legend } from './chart.tsx';

interface FigureProps {
  readonly title: string;
  /** As people read it, with its unit. */
  readonly value: ComponentChildren;
  /** Under it, small: what it means, or what it is made of. */
  readonly note?: ComponentChildren;
  /** In words why it is not well; undefined while it is. */
  readonly problem?: ComponentChildren;
  readonly chart?: Omit<ChartProps, 'label' | 'height' | 'isPlain'>;
}

const CHART_HEIGHT = 64;

export function Figure({ title, value, note, problem, chart }: FigureProps) {
  return (
    <section class={problem === undefined ? 'figure' : 'figure figure-bad'} aria-label={title}>
      <h2>{title}</h2>
      <p class="value">{value}</p>
      {problem !== undefined && <p class="problem">{problem}</p>}
      {note !== undefined && <p class="note">{note}</p>}
      {chart && <Legend {...chart} />}
      {chart && <Chart {...chart} label={title} height={CHART_HEIGHT} isPlain />}
    </section>
  );
}
