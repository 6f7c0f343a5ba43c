import classes from './Sparkline.module.css';

/** Seconds that the small charts show. */
const POINTS = 120;
const HEIGHT = 40;

type SparklineProps = {
  values: (number | null)[];
  /** The top of the chart; the largest value when absent. */ max?: number;
};

/** The last two minutes as a line, newest at the right. A chart library would take six times the CPU for this. */
export function Sparkline({ values, max }: SparklineProps) {
  const known = values.slice(-POINTS).map((value) => value ?? 0);
  const top = max ?? Math.max(1, ...known);
  const at = (value: number, i: number) =>
    `${POINTS - known.length + i},${(HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 3)).toFixed(1)}`;
  const line = known.map(at).join(' ');
  return (
    <svg
      className={classes.chart}
      viewBox={`0 0 ${POINTS - 1} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {known.length > 1 && (
        <polygon
          points={`${POINTS - known.length},${HEIGHT} ${line} ${POINTS - 1},${HEIGHT}`}
          className={classes.area}
        />
      )}
      <polyline points={line} className={classes.line} />
    </svg>
  );
}
