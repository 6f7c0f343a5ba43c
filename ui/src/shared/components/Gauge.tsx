import classes from './Gauge.module.css';

/** A share of a whole, 0–100; warns where it becomes scarce. */
export function Gauge({
  percent,
  label,
  scarceAt = 90,
}: {
  percent: number | null;
  label: string;
  scarceAt?: number;
}) {
  const value = Math.min(100, Math.max(0, percent ?? 0));
  return (
    <div
      className={classes.gauge}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(value)}
      data-scarce={value >= scarceAt}
    >
      <div className={classes.fill} style={{ width: `${value}%` }} />
    </div>
  );
}
