import * as vega from 'vega';
import * as vegaLite from 'vega-lite';
import { type Figure, SUITES } from '../figure.ts';
import { PEERS } from '../peers/catalogue.ts';
import { formatNumber, formatPercent } from './format.ts';

const COLOURS = ['#0b6e99', '#e0812b', '#7a9e4b', '#9c6bb0'];
const OTHER_COLOUR = '#8a939b';
const LIMIT_COLOUR = '#b3261e';
/** Of the bars, in pixels. */
const WIDTH = 380;
const FONT = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif';

/** Standard error belongs to the command; what vega warns of is how it lays out facets. */
const logger = vega.logger(vega.Error);

/** One plot: the variants of a task below each other, a bar for each subject. */
export interface Chart {
  suite: string;
  title: string;
  svg: string;
}

/** A plot for each task of each suite, in the order of the figures. */
export async function drawCharts(figures: readonly Figure[]): Promise<Chart[]> {
  const charts: Chart[] = [];
  for (const suite of SUITES) {
    const ofSuite = figures.filter((figure) => figure.suite === suite);
    for (const [title, ofTask] of Map.groupBy(ofSuite, ({ task, unit }) => `${task} (${unit})`)) {
      charts.push({ suite, title, svg: await draw(ofTask) });
    }
  }
  return charts;
}

async function draw(figures: readonly Figure[]): Promise<string> {
  const { spec } = vegaLite.compile(specOf(figures), { logger });
  const view = new vega.View(vega.parse(spec), { renderer: 'none', logger });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Bars of medians, whiskers from quartile to quartile, a mark at the limit, and the median in words. */
function specOf(figures: readonly Figure[]): vegaLite.TopLevelSpec {
  const { unit, better } = figures[0];
  const subjects = [...new Set(figures.map(({ subject }) => subject))];
  const hasVariants = figures.some(({ variant }) => variant !== undefined);
  const values = figures.map(({ variant, subject, summary, limit, partOfLimit }) => ({
    variant: variant ?? '',
    subject,
    median: summary.median,
    lower: summary.lowerQuartile,
    upper: summary.upperQuartile,
    limit: limit?.value ?? null,
    label: `${formatNumber(summary.median)}${partOfLimit === undefined ? '' : ` (${formatPercent(partOfLimit)})`}`,
  }));
  const y = {
    field: 'subject',
    type: 'nominal' as const,
    sort: subjects,
    title: null,
    axis: { labelLimit: 300 },
  };
  const end = Math.max(...values.map(({ upper, limit }) => Math.max(upper, limit ?? 0)));
  const unitSpec = {
    width: WIDTH,
    height: { step: 20 },
    layer: [
      {
        mark: { type: 'bar' as const, height: 13 },
        encoding: {
          x: {
            field: 'median',
            type: 'quantitative' as const,
            title: `${unit}, ${better} is better`,
            scale: { domain: [0, end * 1.02], nice: false },
          },
          y,
          color: {
            field: 'subject',
            type: 'nominal' as const,
            legend: null,
            scale: { domain: subjects, range: subjects.map(colourOf) },
          },
        },
      },
      {
        mark: { type: 'rule' as const, color: '#1f2933', strokeWidth: 1.2 },
        encoding: { x: { field: 'lower', type: 'quantitative' as const }, x2: { field: 'upper' }, y },
      },
      {
        transform: [{ filter: 'isValid(datum.limit)' }],
        mark: { type: 'tick' as const, color: LIMIT_COLOUR, thickness: 2, height: 17 },
        encoding: { x: { field: 'limit', type: 'quantitative' as const }, y },
      },
      {
        // In a column of their own, where no line crosses them.
        mark: { type: 'text' as const, align: 'left' as const, dx: 10, fontSize: 11, color: '#1f2933' },
        encoding: {
          x: { value: WIDTH },
          y,
          text: { field: 'label', type: 'nominal' as const },
        },
      },
    ],
  };
  const config = {
    background: 'transparent',
    font: FONT,
    view: { stroke: null },
    axis: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal' as const, gridColor: '#e6e9ec' },
    axisY: { domain: false, ticks: false, labelPadding: 6 },
    axisX: { tickCount: 5 },
    header: { labelFontSize: 12, labelFontWeight: 'bold' as const, labelAnchor: 'start' as const },
  };
  if (!hasVariants) return { data: { values }, ...unitSpec, config };
  const variants = [...new Set(values.map(({ variant }) => variant))];
  return {
    data: { values },
    facet: {
      row: {
        field: 'variant',
        type: 'nominal',
        sort: variants,
        title: null,
        header: { labelOrient: 'top', labelAngle: 0, labelPadding: 2 },
      },
    },
    spec: unitSpec,
    spacing: 12,
    resolve: { scale: { y: 'independent' } },
    config,
  } as vegaLite.TopLevelSpec;
}

function colourOf(subject: string): string {
  return COLOURS[PEERS.findIndex(({ title }) => title === subject)] ?? OTHER_COLOUR;
}
